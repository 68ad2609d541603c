//! Whether a test passed, and if not, why, in one line for people.
//!
//! The master's exit code alone does not say it: it is 0 when nothing was
//! requested, when all workers died, and when somebody ended the master before
//! the load began.

use super::{Endpoint, RunPhase};

/// All that a verdict looks at.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// How the master's process ended.
    pub exit: Exit,
    /// How far the run came.
    pub phase: RunPhase,
    /// What made the load end.
    pub ended: Ended,
    /// The last totals that were read, if any ever were.
    pub totals: Option<Endpoint>,
    /// Kinds of exceptions that the locustfile raised, if they could be read.
    pub exceptions: u64,
}

/// How the master's process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this code.
    Code(i32),
    /// Killed by this signal.
    Signal(i32),
}

/// What made the load end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The test itself: its run time, its shape, or its processes' end.
    Itself,
    /// The master's end, well before the run time was over.
    Early,
    /// A person.
    Interrupted,
}

/// What became of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It ran, and Locust counts it as good.
    Passed,
    /// It ran, and is not good.
    Failed(Failure),
    /// There was never any load.
    NotRun(Exit),
    /// A person ended it before its time.
    Interrupted,
}

/// Why a test that ran is not good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// All that made the load are gone.
    AllWorkersLost,
    /// Not one request was made.
    NoRequests,
    /// Requests failed.
    FailedRequests {
        /// How many.
        failures: u64,
        /// Of how many.
        requests: u64,
    },
    /// No request failed, but the locustfile raised exceptions.
    Exceptions {
        /// Of how many kinds, 0 if that could not be read.
        kinds: u64,
    },
    /// The master ended while there still was load.
    MasterLost(Exit),
    /// Locust ended with a code that the locustfile or the arguments chose, or
    /// with 2, which also stands for an error inside Locust.
    ExitCode(i32),
    /// The master had to be killed after the load.
    MasterKilled(i32),
}

impl Verdict {
    /// Judges a test that is over.
    pub fn of(outcome: &Outcome) -> Self {
        let requests = outcome.totals.as_ref().map_or(0, |row| row.requests);
        let failures = outcome.totals.as_ref().map_or(0, |row| row.failures);
        if outcome.ended == Ended::Interrupted {
            return Self::Interrupted;
        }
        let failure = match (outcome.phase, outcome.exit) {
            (RunPhase::Starting, exit) => return Self::NotRun(exit),
            (RunPhase::AllWorkersLost, _) => Failure::AllWorkersLost,
            (RunPhase::Running, exit) if outcome.ended == Ended::Early => Failure::MasterLost(exit),
            (RunPhase::Running, exit @ Exit::Signal(_)) => Failure::MasterLost(exit),
            (_, Exit::Signal(signal)) => Failure::MasterKilled(signal),
            (_, Exit::Code(_)) if requests == 0 => Failure::NoRequests,
            (_, Exit::Code(0)) => return Self::Passed,
            (_, Exit::Code(1)) if failures > 0 => Failure::FailedRequests { failures, requests },
            (_, Exit::Code(1)) => Failure::Exceptions {
                kinds: outcome.exceptions,
            },
            (_, Exit::Code(code)) => Failure::ExitCode(code),
        };
        Self::Failed(failure)
    }

    /// One word, for files and machines.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed(_) => "failed",
            Self::NotRun(_) => "not run",
            Self::Interrupted => "interrupted",
        }
    }

    /// Why, in one line for people. `None` for a test that passed.
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Passed => None,
            Self::Failed(failure) => Some(failure.to_string()),
            Self::NotRun(exit) => Some(format!("there was no load: the master {exit}")),
            Self::Interrupted => Some("it was interrupted before its end".to_owned()),
        }
    }

    /// The exit code of a command that ran the test: 0 passed, 1 it ran and
    /// failed, 2 it could not be run, 130 interrupted.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Failed(_) => 1,
            Self::NotRun(_) => 2,
            Self::Interrupted => 130,
        }
    }
}

impl std::fmt::Display for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(code) => write!(f, "ended with exit code {code}"),
            Self::Signal(signal) => write!(f, "was killed by signal {signal}"),
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AllWorkersLost => write!(f, "all workers were lost during the load"),
            Self::NoRequests => write!(f, "not one request was made"),
            Self::FailedRequests { failures, requests } => {
                write!(f, "{failures} of {requests} requests failed")
            }
            Self::Exceptions { kinds: 0 } => write!(f, "the locustfile raised exceptions"),
            Self::Exceptions { kinds: 1 } => write!(f, "the locustfile raised an exception"),
            Self::Exceptions { kinds } => {
                write!(f, "the locustfile raised {kinds} kinds of exceptions")
            }
            Self::MasterLost(exit) => write!(f, "the master {exit} during the load"),
            Self::ExitCode(2) => write!(f, "Locust ended with exit code 2: an error of its own"),
            Self::ExitCode(code) => write!(
                f,
                "Locust ended with exit code {code}, which the locustfile or its arguments chose"
            ),
            Self::MasterKilled(signal) => write!(
                f,
                "the master did not end after the load and was killed by signal {signal}"
            ),
        }
    }
}
