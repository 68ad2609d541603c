//! Whether a run that is over was good: its end by itself, and what its numbers
//! say beside that. An exit code of 0 alone does not say it.
//!
//! The operator and the local runner judge by this, each from what it saw.

use std::fmt::Display;

use jiff::SignedDuration;
use locust_api::condition::Reason;
use locust_api::failure::FailureReason;
use locust_api::latest::Verdict;

pub use generator::Making;

mod generator;

/// How far from its planned end a run may stop to have stopped as planned.
const EARLY: SignedDuration = SignedDuration::from_secs(5);

/// What makes a run end badly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Something of the run.
    Run(FailureReason),
    /// Its pods: the reason of `PodsHealthy`.
    Pods(Reason),
}

/// How a run ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct End {
    /// What made it end badly, if anything did.
    pub cause: Option<Cause>,
    /// What happened, as it was seen.
    pub detail: String,
    /// More of it than the detail, if that is known.
    pub told: Option<String>,
    /// The exit code of a master that ended by itself, but for 0.
    pub exit: Option<i32>,
}

/// What is known of a run beside its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Requests that were made, if that is known.
    pub requests: Option<u64>,
    /// How many of them failed.
    pub failures: u64,
    /// Nothing more can have come after these numbers.
    pub are_final: bool,
    /// The most frequent error, by [`often`].
    pub top_error: Option<String>,
    /// From the end to the planned one, if there is one.
    pub left: Option<SignedDuration>,
    /// All workers were lost under load.
    pub all_workers_lost: bool,
    /// Why the load was not as asked for, if it was not.
    pub unhealthy: Option<String>,
    /// There are thresholds.
    pub has_thresholds: bool,
    /// How the numbers compare with them, in the words of `ThresholdsMet`.
    pub thresholds: Option<(Reason, String)>,
}

/// What is said of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The end that counts: one that only looks good is none.
    pub end: End,
    /// Whether it was good.
    pub verdict: Verdict,
    /// Why, in one line.
    pub reason: String,
}

impl Cause {
    /// The reason of `status.failure`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Run(reason) => reason.as_str(),
            Self::Pods(reason) => reason.as_str(),
        }
    }
}

impl End {
    /// A bad one.
    pub fn by(reason: FailureReason, detail: impl Into<String>) -> Self {
        Self {
            cause: Some(Cause::Run(reason)),
            detail: detail.into(),
            ..Self::default()
        }
    }

    /// What happened, in one line.
    pub fn message(&self) -> &str {
        self.told.as_deref().unwrap_or(&self.detail)
    }
}

/// Judges a run that ended so.
pub fn judge(facts: &Facts, end: End) -> Judgement {
    let end = match end.cause {
        None => seen_through(facts).unwrap_or(end),
        Some(_) => explained(facts, end),
    };
    let end = by_thresholds(facts, end);
    let (verdict, reason) = match end.cause {
        Some(cause) => (of_bad_end(cause), end.message().to_owned()),
        None => of_good_end(facts),
    };
    Judgement {
        end,
        verdict,
        reason,
    }
}

/// A master that ended with 0, though its numbers say otherwise.
fn seen_through(facts: &Facts) -> Option<End> {
    if facts.requests == Some(0) && facts.are_final {
        let detail = "not one request was made";
        return Some(End::by(FailureReason::NoRequests, detail));
    }
    if facts.all_workers_lost {
        let detail = "all workers were lost under load, which Locust does not count as an error";
        return Some(End::by(FailureReason::WorkersLost, detail));
    }
    let left = facts.left.filter(|left| *left > EARLY)?.as_secs();
    let detail = format!("the master was ended {left} s before the end of its run time");
    Some(End::by(FailureReason::MasterLost, detail))
}

/// An exit code of 1 stands for failed requests and for exceptions of the
/// locustfile; the numbers tell which.
fn explained(facts: &Facts, end: End) -> End {
    let (Some(requests), Some(1)) = (facts.requests, end.exit) else {
        return end;
    };
    let (reason, told) = match facts.failures {
        0 => (FailureReason::LocustfileError, end.told),
        failures => {
            let often = facts.top_error.as_ref();
            let often = often.map_or_else(String::new, |often| format!(", {often}"));
            let told = format!("{failures} of {requests} requests failed{often}");
            (FailureReason::RequestFailures, Some(told))
        }
    };
    End {
        cause: Some(Cause::Run(reason)),
        told,
        ..end
    }
}

/// Thresholds judge the requests in Locust's place. What else ended the run
/// badly stays what it is.
fn by_thresholds(facts: &Facts, end: End) -> End {
    let is_about_requests = matches!(
        end.cause,
        None | Some(Cause::Run(FailureReason::RequestFailures))
    );
    match &facts.thresholds {
        Some((Reason::ThresholdBreached | Reason::NotMetSoFar, message)) if is_about_requests => {
            End::by(FailureReason::ThresholdBreached, message)
        }
        Some((Reason::AllMet, _)) if is_about_requests => End::default(),
        Some(_) | None => end,
    }
}

const fn of_bad_end(cause: Cause) -> Verdict {
    match cause {
        Cause::Run(
            FailureReason::ResultUnknown | FailureReason::JobDeleted | FailureReason::Stopped,
        ) => Verdict::Inconclusive,
        Cause::Run(_) | Cause::Pods(_) => Verdict::Failed,
    }
}

fn of_good_end(facts: &Facts) -> (Verdict, String) {
    let Some(requests) = facts.requests.filter(|requests| *requests > 0) else {
        let reason = "Locust ended with exit code 0, and whether it made any request is not known: it could not be asked at the end";
        return (Verdict::Inconclusive, reason.to_owned());
    };
    if let Some(message) = &facts.unhealthy {
        return (Verdict::Inconclusive, message.clone());
    }
    if facts.has_thresholds {
        return of_thresholds(facts);
    }
    let failures = match facts.failures {
        0 => "none failed".to_owned(),
        some => format!("{some} failed, which its arguments or the locustfile allow"),
    };
    let reason = format!(
        "Locust ended with exit code 0: of {requests} requests {failures}; there are no thresholds"
    );
    (Verdict::Passed, reason)
}

fn of_thresholds(facts: &Facts) -> (Verdict, String) {
    let Some((reason, message)) = &facts.thresholds else {
        let reason = "the thresholds could not be judged: Locust could not be asked";
        return (Verdict::Inconclusive, reason.to_owned());
    };
    if *reason != Reason::AllMet {
        return (Verdict::Inconclusive, message.clone());
    }
    match facts.are_final {
        true => (Verdict::Passed, message.clone()),
        false => {
            let reason = format!(
                "{message}, but the master ended before its numbers were final: raise spec.master.autoquit.timeout to 10 s"
            );
            (Verdict::Inconclusive, reason)
        }
    }
}

/// How often an error occurred, and where.
pub fn often(occurrences: impl Display, method: &str, name: &str, error: &str) -> String {
    format!("{occurrences} of them {method} {name}: {error}")
}

/// Why a run is stopped by its deadline.
pub fn deadline_words(seconds: i64) -> String {
    format!("the run was not over within spec.activeDeadlineSeconds ({seconds})")
}

/// Why a run fails whose workers were not all connected in time. How many were,
/// and of how many.
pub fn never_connected_words<N: Display>([connected, wanted]: [N; 2], seconds: i64) -> String {
    format!(
        "{connected} of {wanted} workers were connected within spec.startDeadlineSeconds ({seconds})"
    )
}

#[cfg(test)]
mod tests;
