//! A cluster that another process owns, so that the tests can end that
//! process in every way.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A running `hold-cluster`.
pub(crate) struct Owner {
    process: Child,
    state_directory: PathBuf,
}

impl Owner {
    /// Waits until the cluster is ready.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_with(arguments, &[])
    }

    /// The same with further environment variables.
    pub(crate) fn start_with(arguments: &[&str], environment: &[(&str, &Path)]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_hold-cluster"))
            .args(arguments)
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert!(!line.is_empty(), "the cluster did not start");
        Self {
            process,
            state_directory: PathBuf::from(line.trim()),
        }
    }

    pub(crate) fn state_directory(&self) -> &Path {
        &self.state_directory
    }

    /// Lets the owner end the cluster in order.
    pub(crate) fn end(mut self) {
        drop(self.process.stdin.take());
        assert!(self.process.wait().unwrap().success());
    }

    /// SIGKILL for the process that would clean up after the owner.
    pub(crate) fn kill_keeper(&self) {
        let start = format!("/bin/bash\0{}/keeper.sh\0", self.state_directory.display());
        let keeper = fs::read_dir("/proc")
            .unwrap()
            .flatten()
            .find(|entry| {
                fs::read(entry.path().join("cmdline"))
                    .is_ok_and(|line| line.starts_with(start.as_bytes()))
            })
            .unwrap();
        let pid = keeper.file_name().to_string_lossy().parse().unwrap();
        kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    }

    /// SIGKILL: the owner itself can do nothing any more.
    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
