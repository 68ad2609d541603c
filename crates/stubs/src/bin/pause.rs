//! The first process of a pod: it holds the pod's namespaces open, reaps
//! orphaned processes and ends at once when told to.

use std::process::ExitCode;

use nix::errno::Errno;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};

fn main() -> ExitCode {
    match hold() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pause: waiting for signals: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Signals are blocked and waited for: the first process of a container never
/// gets one that is neither blocked nor handled.
fn hold() -> Result<(), Errno> {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGINT);
    signals.add(Signal::SIGTERM);
    signals.add(Signal::SIGCHLD);
    signals.thread_block()?;
    while signals.wait()? == Signal::SIGCHLD {
        reap();
    }
    Ok(())
}

/// One signal may stand for several ended children.
fn reap() {
    while let Ok(status) = waitpid(None, Some(WaitPidFlag::WNOHANG)) {
        if status == WaitStatus::StillAlive {
            break;
        }
    }
}
