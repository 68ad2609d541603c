//! What became of a run of processes, from how its master ended.
//!
//! The master's exit code alone does not say it: it is 0 when nothing was
//! requested, when all workers died, and when somebody ended the master before
//! the load began. Whether the run was good is then judged as in a cluster.

use locust_api::failure::FailureReason;
use locust_api::latest::Verdict;

use super::{Endpoint, ErrorRow, RunPhase};
use crate::judgement::{Cause, End, Facts, Judgement, Making, judge, often};
use crate::thresholds::{Standing, summary};

/// All that is looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome<'a> {
    /// How the master's process ended.
    pub exit: Exit,
    /// How far the run came.
    pub phase: RunPhase,
    /// What made the load end.
    pub ended: &'a Ended,
    /// The last totals that were read, if any ever were.
    pub totals: Option<Endpoint>,
    /// Kinds of exceptions that the locustfile raised, if they could be read.
    pub exceptions: u64,
    /// The errors.
    pub errors: &'a [ErrorRow],
    /// How the load was made.
    pub making: Making,
    /// How the thresholds stand, if there are any.
    pub standings: &'a [Standing],
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The test itself: its run time, its shape, or its processes' end.
    Itself,
    /// The master's end, well before the run time was over.
    Early,
    /// A person.
    Interrupted,
    /// A threshold or a deadline.
    Stopped {
        /// Which of them.
        reason: FailureReason,
        /// In words.
        message: String,
    },
}

/// What is said of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conclusion {
    /// In one word.
    pub grade: Grade,
    /// Why, in one line.
    pub reason: String,
    /// What made it end badly, if anything did.
    pub failure: Option<Cause>,
}

/// What became of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grade {
    /// It ran, and got this verdict.
    Judged(Verdict),
    /// There was never any load.
    NotRun,
    /// A person ended it before its time.
    Interrupted,
}

impl Conclusion {
    /// Judges a test that is over.
    pub fn of(outcome: &Outcome<'_>) -> Self {
        let is_stopped = matches!(outcome.ended, Ended::Stopped { .. });
        let exit = outcome.exit;
        if outcome.ended == &Ended::Interrupted {
            return Self {
                grade: Grade::Interrupted,
                reason: "it was interrupted before its end".to_owned(),
                failure: Some(Cause::Run(FailureReason::Stopped)),
            };
        }
        if !outcome.phase.has_begun() && !is_stopped {
            return Self {
                grade: Grade::NotRun,
                reason: format!("there was no load: the master {exit}"),
                failure: None,
            };
        }
        let Judgement {
            end,
            verdict,
            reason,
        } = judge(&outcome.facts(), outcome.end());
        Self {
            grade: Grade::Judged(verdict),
            reason,
            failure: end.cause,
        }
    }
}

impl Outcome<'_> {
    fn facts(&self) -> Facts {
        let is_over = self.phase.is_over();
        let top = self.errors.iter().max_by_key(|row| row.occurrences);
        let has_thresholds = !self.standings.is_empty();
        Facts {
            requests: self.totals.as_ref().map(|row| row.requests),
            failures: self.totals.as_ref().map_or(0, |row| row.failures),
            are_final: is_over,
            top_error: top.map(|row| often(row.occurrences, &row.method, &row.name, &row.error)),
            // A master that was gone before its time is known by its process.
            left: None,
            all_workers_lost: self.phase == RunPhase::AllWorkersLost,
            unhealthy: self
                .making
                .unhealthy(self.phase)
                .map(|(_, message)| message),
            has_thresholds,
            thresholds: (has_thresholds && self.phase.has_begun())
                .then(|| summary(self.standings, is_over)),
        }
    }

    fn end(&self) -> End {
        use FailureReason::{ExitCode, LocustfileError, MasterLost, RequestFailures};
        let exit = self.exit;
        let during = || End::by(MasterLost, format!("the master {exit} during the load"));
        match (self.phase, exit, self.ended) {
            (_, _, Ended::Stopped { reason, message }) => End::by(*reason, message),
            // What the master makes of it then does not matter.
            (RunPhase::AllWorkersLost, ..) => End::default(),
            (RunPhase::Running, _, Ended::Early) | (RunPhase::Running, Exit::Signal(_), _) => {
                during()
            }
            (_, Exit::Signal(signal), _) => End::by(
                MasterLost,
                format!("the master did not end after the load and was killed by signal {signal}"),
            ),
            (_, Exit::Code(0), _) => End::default(),
            (_, Exit::Code(1), _) => End {
                exit: Some(1),
                ..End::by(RequestFailures, self.exceptions())
            },
            (_, Exit::Code(2), _) => End::by(
                LocustfileError,
                "Locust ended with exit code 2: an error of its own",
            ),
            (_, Exit::Code(code), _) => End::by(
                ExitCode,
                format!(
                    "Locust ended with exit code {code}, which the locustfile or its arguments chose"
                ),
            ),
        }
    }

    fn exceptions(&self) -> String {
        match self.exceptions {
            0 => "the locustfile raised exceptions".to_owned(),
            1 => "the locustfile raised an exception".to_owned(),
            kinds => format!("the locustfile raised {kinds} kinds of exceptions"),
        }
    }
}

impl Grade {
    /// One word, for files and machines.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Judged(Verdict::Passed) => "passed",
            Self::Judged(Verdict::Failed) => "failed",
            Self::Judged(Verdict::Inconclusive) => "inconclusive",
            Self::NotRun => "not run",
            Self::Interrupted => "interrupted",
        }
    }

    /// The exit code of a command that ran the test: 0 passed, 1 it ran and
    /// failed, 2 it could not be run, 3 it ran and its numbers do not say, 130
    /// interrupted.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Judged(Verdict::Passed) => 0,
            Self::Judged(Verdict::Failed) => 1,
            Self::NotRun => 2,
            Self::Judged(Verdict::Inconclusive) => 3,
            Self::Interrupted => 130,
        }
    }
}

/// The exit code of a command that ran several tests, from two of them: what
/// could not be run outweighs what failed, and that what is not known.
pub const fn worse(one: u8, other: u8) -> u8 {
    const fn weight(code: u8) -> u8 {
        match code {
            0 => 0,
            3 => 1,
            1 => 2,
            _ => 3,
        }
    }
    if weight(other) > weight(one) {
        other
    } else {
        one
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
