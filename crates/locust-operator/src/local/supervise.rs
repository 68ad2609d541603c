//! The processes of a run: started together, watched, and ended together.

use std::fmt;
use std::fs::File;
use std::future::pending;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use locust_api::names::Role;

use super::launcher::{End, Launch, Launched, SpawnError};

/// How many lines of a log are shown.
const SHOWN_LINES: usize = 12;
/// In which part of its end they are looked for.
const SHOWN_BYTES: u64 = 16 * 1024;
/// A guard ends all of its processes in far less.
const KILL_PATIENCE: Duration = Duration::from_secs(10);

/// One process of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProcessId {
    /// Its role.
    pub role: Role,
    /// Counts the processes of a role from 1.
    pub number: u32,
}

impl ProcessId {
    /// The master.
    pub const MASTER: Self = Self {
        role: Role::Master,
        number: 1,
    };

    /// The name of its files: `master`, `worker-1`.
    pub fn file_stem(self) -> String {
        match self.role {
            Role::Master => "master".to_owned(),
            Role::Worker => format!("worker-{}", self.number),
        }
    }
}

impl fmt::Display for ProcessId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.role {
            Role::Master => f.write_str("the master"),
            Role::Worker => write!(f, "worker {}", self.number),
        }
    }
}

/// A process that ended when it should not have, with the end of its log.
#[derive(Clone, Debug)]
pub struct Died {
    /// Which one.
    pub id: ProcessId,
    /// How it ended.
    pub end: End,
    /// Its log.
    pub log: PathBuf,
}

impl fmt::Display for Died {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, end, log } = self;
        let lines = last_lines(log).unwrap_or_default();
        if lines.is_empty() {
            return write!(f, "{id} {end} and said nothing");
        }
        write!(f, "{id} {end}; its log {} ends with:", log.display())?;
        lines.iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}

struct Member {
    id: ProcessId,
    log: PathBuf,
    launched: Launched,
    end: Option<End>,
}

/// The processes of a run. Dropping it ends them all.
#[derive(Default)]
pub struct Fleet(Vec<Member>);

/// Why a process could not be started.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// Its log cannot be written.
    #[error("cannot write {path:?}")]
    Log {
        /// The log.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system does not start it.
    #[error("cannot start {id}")]
    Spawn {
        /// Which process.
        id: ProcessId,
        /// Why not.
        source: SpawnError,
    },
}

impl Fleet {
    /// Starts a process whose output goes to a file in `logs`.
    pub fn start(&mut self, id: ProcessId, launch: &Launch, logs: &Path) -> Result<(), FleetError> {
        let path = logs.join(format!("{}.log", id.file_stem()));
        let log = File::create(&path).map_err(|source| FleetError::Log {
            path: path.clone(),
            source,
        })?;
        let launched = launch
            .start(&log)
            .map_err(|source| FleetError::Spawn { id, source })?;
        self.0.push(Member {
            id,
            log: path,
            launched,
            end: None,
        });
        Ok(())
    }

    /// Waits for the next process to end. Without one, it waits for ever. May
    /// be cancelled.
    pub async fn next_end(&mut self) -> Died {
        let mut ends: FuturesUnordered<_> = self
            .0
            .iter_mut()
            .filter(|m| m.end.is_none())
            .map(wait)
            .collect();
        match ends.next().await {
            Some(died) => died,
            None => pending().await,
        }
    }

    /// Waits until `is_done` says so about a process that ended; false if that
    /// takes longer than `patience`.
    pub async fn wait_until(
        &mut self,
        patience: Duration,
        is_done: impl Fn(&Self) -> bool,
    ) -> bool {
        let waiting = async {
            while !is_done(self) {
                self.next_end().await;
            }
        };
        tokio::time::timeout(patience, waiting).await.is_ok()
    }

    /// How a process ended, if it has.
    pub fn end_of(&self, id: ProcessId) -> Option<End> {
        self.0.iter().find(|member| member.id == id)?.end
    }

    /// What to say about a process that ended.
    pub fn died(&self, id: ProcessId) -> Option<Died> {
        let member = self.0.iter().find(|member| member.id == id)?;
        Some(Died {
            id,
            end: member.end?,
            log: member.log.clone(),
        })
    }

    /// Whether every process of `role` has ended.
    pub fn is_over(&self, role: Role) -> bool {
        let mut members = self.0.iter().filter(|member| member.id.role == role);
        members.all(|member| member.end.is_some())
    }

    /// Asks the processes of `role` to end.
    pub async fn terminate(&mut self, role: Role) {
        for member in &mut self.0 {
            if member.id.role == role && member.end.is_none() {
                member.launched.terminate().await;
            }
        }
    }

    /// Ends all processes at once, with all that they started, and returns when
    /// they are gone.
    pub async fn kill(&mut self) {
        for member in &mut self.0 {
            member.launched.kill();
        }
        let everybody = |fleet: &Self| fleet.is_over(Role::Master) && fleet.is_over(Role::Worker);
        self.wait_until(KILL_PATIENCE, everybody).await;
    }
}

async fn wait(member: &mut Member) -> Died {
    let end = member.launched.wait().await;
    member.end = Some(end);
    Died {
        id: member.id,
        end,
        log: member.log.clone(),
    }
}

/// The last lines of a log that say something.
fn last_lines(log: &Path) -> io::Result<Vec<String>> {
    let mut file = File::open(log)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(SHOWN_BYTES)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let hidden = lines.len().saturating_sub(SHOWN_LINES);
    Ok(lines.into_iter().skip(hidden).map(str::to_owned).collect())
}
