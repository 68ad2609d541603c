//! Starts a process so that it can be ended for certain, with all that it
//! starts itself, and so that it finds its files where a container would.
//!
//! The binary starts itself again as a guard between the runner and the
//! program (the hidden command `__exec`). The guard's standard input is a pipe
//! from the runner: a byte on it is a signal for the program, and its end means
//! that the runner is gone, however it went, `kill -9` included.
//!
//! | [`Isolation`] | the program has | nothing is left behind because |
//! |---|---|---|
//! | `Full` | its own mounts and processes | the kernel ends a PID namespace with its first process |
//! | `Mounts` | its own mounts | the guard adopts every orphan and ends it |
//! | `None` | nothing of its own | the guard adopts every orphan and ends it |
//!
//! | file | does |
//! |---|---|
//! | `exec.rs` | the hidden command: guard, init and leaf |
//! | `namespaces.rs` | enters new namespaces, as root or as anybody |
//! | `root.rs` | builds the file system that the program sees |
//! | `watch.rs` | waits for the program, passes signals on, ends orphans |
//! | `spawn.rs` | the runner's side of all this |

pub mod exec;
mod namespaces;
mod root;
mod spawn;
mod watch;

pub use spawn::{End, Launch, Launched, SpawnError, probe};

use std::path::PathBuf;

/// How far a process is kept apart from the rest of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Isolation {
    /// Its own mounts and its own processes.
    Full,
    /// Its own mounts.
    Mounts,
    /// Nothing of its own.
    None,
}

/// A file or directory of the machine, seen by a process at another path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bind {
    /// Where it is.
    pub source: PathBuf,
    /// Where the process sees it.
    pub target: PathBuf,
    /// Whether the process may write there.
    pub writable: bool,
}

/// Exit code of a guard that could not start the program.
const EXIT_SET_UP_FAILED: u8 = 125;
