//! Waits for a program and passes on what the runner says meanwhile.

use std::fs;
use std::io::{self, Read};
use std::process::Child;
use std::thread;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::exec::ExecError;

/// What becomes of processes whose parent ended before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Orphans {
    /// The kernel ends them with this process.
    EndWithUs,
    /// They are children of this process by now, which ends them.
    EndThem,
}

/// What the runner writes into the pipe to have the program end in order. The
/// end of the pipe is the end of the runner.
pub(super) const TERMINATE: u8 = b't';

/// Waits until `child` has ended, reaping whoever else ends meanwhile.
pub(super) fn watch(child: &Child, orphans: Orphans) -> Result<u8, ExecError> {
    let program = pid_of(child)?;
    thread::spawn(move || obey(program, orphans));
    let code = reap_until(program)?;
    if orphans == Orphans::EndThem {
        end_children();
    }
    Ok(code)
}

/// Waits until `child` has ended.
pub(super) fn wait_for(child: &Child) -> Result<u8, ExecError> {
    reap_until(pid_of(child)?)
}

fn pid_of(child: &Child) -> Result<Pid, ExecError> {
    let pid = i32::try_from(child.id()).map_err(io::Error::other);
    pid.map(Pid::from_raw)
        .map_err(ExecError::new("watch the program"))
}

/// The program is not reaped before [`reap_until`] has returned, so its number
/// cannot belong to another process yet. A stray signal in the moment after is
/// harmless: this process is about to end.
fn obey(program: Pid, orphans: Orphans) {
    let mut pipe = io::stdin().lock();
    let mut byte = [0];
    loop {
        match pipe.read(&mut byte) {
            Ok(1..) if byte == [TERMINATE] => {
                let _ = kill(program, Signal::SIGTERM);
            }
            Ok(1..) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => break,
        }
    }
    match orphans {
        Orphans::EndWithUs => std::process::exit(128 + 9),
        Orphans::EndThem => {
            let _ = kill(program, Signal::SIGKILL);
        }
    }
}

fn reap_until(program: Pid) -> Result<u8, ExecError> {
    loop {
        match waitpid(None, None) {
            Ok(WaitStatus::Exited(pid, code)) if pid == program => {
                return Ok(u8::try_from(code & 0xff).unwrap_or(u8::MAX));
            }
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == program => {
                return Ok(128 + number_of(signal));
            }
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(ExecError::nix("wait for the program")(errno)),
        }
    }
}

fn number_of(signal: Signal) -> u8 {
    (1..=64)
        .find(|number| Signal::try_from(i32::from(*number)) == Ok(signal))
        .unwrap_or(9)
}

/// Ends all children, and then those that became children by that.
fn end_children() {
    loop {
        for child in children() {
            let _ = kill(child, Signal::SIGKILL);
        }
        match waitpid(None, Some(WaitPidFlag::empty())) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return,
        }
    }
}

/// The processes whose parent this one is.
fn children() -> Vec<Pid> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let own = std::process::id().to_string();
    entries
        .flatten()
        .filter_map(|entry| {
            let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            // The name before it is in parentheses and may hold anything.
            let (_, rest) = stat.rsplit_once(')')?;
            (rest.split_whitespace().nth(1)? == own).then(|| Pid::from_raw(pid))
        })
        .collect()
}
