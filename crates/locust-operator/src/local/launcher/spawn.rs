//! The runner's side: starts guards, talks to them, learns how they ended.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};

use locust_core::locust::Exit;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin};

use super::exec::value_name;
use super::watch::TERMINATE;
use super::{Bind, EXIT_SET_UP_FAILED, Isolation};

/// A program to be started.
///
/// No `Debug`: its environment may hold the values of Secrets.
#[derive(Clone)]
pub struct Launch {
    /// How far it is kept apart.
    pub isolation: Isolation,
    /// Absolute path of the program.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its whole environment.
    pub env: Vec<(String, String)>,
    /// The directory that it starts in.
    pub cwd: PathBuf,
    /// An empty directory of its own, to build its file system in.
    pub scratch: PathBuf,
    /// Files at other paths. Of no effect without mounts of its own.
    pub binds: Vec<Bind>,
}

/// A program that has been started. Dropping this ends it.
#[derive(Debug)]
pub struct Launched {
    guard: Child,
    pipe: Option<ChildStdin>,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It ran.
    Exit(Exit),
    /// It never began.
    NotStarted,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit(exit) => exit.fmt(f),
            Self::NotStarted => f.write_str("could not be started"),
        }
    }
}

/// Why a guard could not be started.
#[derive(Debug, thiserror::Error)]
#[error("cannot start {program:?}")]
pub struct SpawnError {
    program: PathBuf,
    source: io::Error,
}

/// This very binary, even if its file has been replaced meanwhile.
pub(super) fn own_binary() -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.arg0("locust-operator").arg("__exec");
    command
}

impl Launch {
    /// Starts the program; what it prints goes to `log`.
    pub fn start(&self, log: &File) -> Result<Launched, SpawnError> {
        self.try_start(log).map_err(|source| SpawnError {
            program: self.program.clone(),
            source,
        })
    }

    fn try_start(&self, log: &File) -> io::Result<Launched> {
        let mut command = self.guard();
        command.arg("--").arg(&self.program).args(&self.args);
        command
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log.try_clone()?);
        let mut guard = tokio::process::Command::from(command).spawn()?;
        let pipe = guard.stdin.take();
        Ok(Launched { guard, pipe })
    }

    fn guard(&self) -> Command {
        let mut command = own_binary();
        command.args(["--isolation", value_name(&self.isolation).as_str()]);
        command.args(["--parent", std::process::id().to_string().as_str()]);
        command.arg("--scratch").arg(&self.scratch);
        command.arg("--cwd").arg(&self.cwd);
        for Bind {
            source,
            target,
            writable,
        } in &self.binds
        {
            let option = if *writable {
                "--bind"
            } else {
                "--read-only-bind"
            };
            command.arg(option).arg(source).arg(target);
        }
        // Its own process group: Ctrl-C on the terminal is for the runner.
        command.process_group(0).current_dir("/");
        command.env_clear().envs(self.env.iter().cloned());
        command
    }
}

impl Launched {
    /// Asks the program to end (`SIGTERM`).
    pub async fn terminate(&mut self) {
        if let Some(pipe) = &mut self.pipe {
            // A guard that is gone has nothing left to be told.
            let _ = pipe.write_all(&[TERMINATE]).await;
        }
    }

    /// Ends the program and all that it started, at once.
    pub fn kill(&mut self) {
        self.pipe = None;
    }

    /// Waits for its end. May be called again when it was cancelled.
    pub async fn wait(&mut self) -> End {
        self.guard.wait().await.map_or(End::NotStarted, end_of)
    }
}

fn end_of(status: ExitStatus) -> End {
    const SIGNALS: std::ops::RangeInclusive<i32> = 129..=128 + 64;
    let exit = match (status.code(), status.signal()) {
        (Some(code), _) if code == i32::from(EXIT_SET_UP_FAILED) => return End::NotStarted,
        (Some(code), _) if SIGNALS.contains(&code) => Exit::Signal(code - 128),
        (Some(code), _) => Exit::Code(code),
        (None, Some(signal)) => Exit::Signal(signal),
        (None, None) => return End::NotStarted,
    };
    End::Exit(exit)
}

/// The best isolation that this machine gives the program, and what stood in
/// the way of a better one. `launch.isolation` is where the trying begins.
pub async fn probe(launch: &Launch) -> (Isolation, Option<String>) {
    let mut reason = None;
    let levels = [Isolation::Full, Isolation::Mounts];
    for isolation in levels
        .into_iter()
        .skip_while(|level| *level != launch.isolation)
    {
        let candidate = Launch {
            isolation,
            ..launch.clone()
        };
        match candidate.check().await {
            Ok(()) => return (isolation, reason),
            Err(said) => reason = Some(said),
        }
    }
    (Isolation::None, reason)
}

impl Launch {
    async fn check(&self) -> Result<(), String> {
        let mut command = self.guard();
        command.arg("--check").stdin(Stdio::piped());
        let output = tokio::process::Command::from(command).output().await;
        let output = output.map_err(|error| error.to_string())?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let line = said.lines().last().unwrap_or_default();
        Err(line.trim_start_matches("locust-operator: ").to_owned())
    }
}
