//! Runs a LocustTest as processes on this machine.
//!
//! ```text
//! manifests ─▶ prepare ─▶ locust ─▶ files, ports ─▶ launcher ─▶ supervise ─▶ results
//!  (YAML)      (core)    (find it)                  (guards)    + view, api
//! ```
//!
//! | module | does |
//! |---|---|
//! | `run` | all of it in order: start reading here |
//! | `manifests` | reads the files, names every mistake by file, line and field |
//! | `prepare` | a test as processes, by the same code as in a cluster |
//! | `locust` | finds Locust, or installs it |
//! | `private`, `files`, `ports` | what the processes need of this machine |
//! | `launcher` | starts a process that cannot be left behind |
//! | `supervise` | the processes of a run together |
//! | `signals` | Ctrl-C |
//! | `api`, `view`, `results` | what the master says, shown and judged |

pub mod api;
pub mod files;
pub mod launcher;
pub mod locust;
pub mod manifests;
pub mod ports;
pub mod prepare;
pub mod private;
pub mod results;
pub mod run;
pub mod signals;
pub mod supervise;
pub mod view;
