//! Whether a run that is over was good: its end by itself, and what its numbers
//! say beside that. An exit code of 0 alone does not say it.

use jiff::{SignedDuration, Timestamp};
use locust_api::condition::{ConditionType, Reason};
use locust_api::failure::FailureReason;
use locust_api::latest::{Completeness, ErrorResult, Failure, Verdict};

use super::ending::{Cause, Ending, failed, well};
use crate::status::Draft;

/// How far from its planned end a run may stop to have stopped as planned.
const EARLY: SignedDuration = SignedDuration::from_secs(5);

/// What the numbers of a run say of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    requests: Option<i64>,
    failures: i64,
    /// Nothing more can have come after them.
    are_final: bool,
}

/// Records the verdict about a run that ended so. The answer is the end that
/// counts: one that only looks good is none.
pub(super) fn record(draft: &mut Draft, has_thresholds: bool, ending: Ending) -> Ending {
    let counts = counts(draft);
    let ending = match ending.cause {
        None => seen_through(draft, counts, ending),
        Some(_) => explained(draft, counts, ending),
    };
    let ending = by_thresholds(draft, ending);
    let (verdict, reason) = match ending.cause {
        Some(cause) => of_bad_end(cause, ending.message()),
        None => of_good_end(draft, has_thresholds, counts),
    };
    draft.set_verdict(verdict, reason);
    let failure = ending.cause.map(|cause| Failure {
        reason: cause.as_str().to_owned(),
        message: ending.message().to_owned(),
    });
    draft.set_failure(failure);
    ending
}

fn counts(draft: &Draft) -> Counts {
    if let Some(results) = draft.results() {
        return Counts {
            requests: Some(results.total.requests),
            failures: results.total.failures,
            are_final: results.completeness == Completeness::Complete,
        };
    }
    draft.locust().map_or_else(Counts::default, |stats| Counts {
        requests: Some(stats.requests),
        failures: stats.failures,
        are_final: false,
    })
}

/// A master that ended with 0, though its numbers say otherwise.
fn seen_through(draft: &Draft, counts: Counts, ending: Ending) -> Ending {
    let at = ending.at;
    let fails = |reason, detail: String| failed(Cause::Run(reason), detail, at);
    if counts.requests == Some(0) && counts.are_final {
        let detail = "not one request was made".to_owned();
        return fails(FailureReason::NoRequests, detail);
    }
    if unhealthy(draft).is_some_and(|(reason, _)| reason == Reason::AllWorkersLost.as_str()) {
        let detail = "all workers were lost under load, which Locust does not count as an error";
        return fails(FailureReason::WorkersLost, detail.to_owned());
    }
    match planned_end(draft).map(|planned| planned.duration_since(at)) {
        Some(left) if left > EARLY => {
            let left = left.as_secs();
            let detail = format!("the master was ended {left} s before the end of its run time");
            fails(FailureReason::MasterLost, detail)
        }
        _ => ending,
    }
}

/// When a load that was last seen running was to end, if its run time is known.
fn planned_end(draft: &Draft) -> Option<Timestamp> {
    let stats = draft.locust()?;
    let remaining = SignedDuration::from_secs(stats.remaining_seconds?);
    stats.sampled_at.0.checked_add(remaining).ok()
}

/// Thresholds judge the requests in Locust's place. What else ended the run
/// badly stays what it is.
fn by_thresholds(draft: &Draft, ending: Ending) -> Ending {
    let is_about_requests = matches!(
        ending.cause,
        None | Some(Cause::Run(FailureReason::RequestFailures))
    );
    let Some(condition) = draft.condition(ConditionType::ThresholdsMet) else {
        return ending;
    };
    if !is_about_requests {
        return ending;
    }
    let is = |reason: Reason| condition.reason == reason.as_str();
    if is(Reason::ThresholdBreached) || is(Reason::NotMetSoFar) {
        let cause = Cause::Run(FailureReason::ThresholdBreached);
        return failed(cause, condition.message.clone(), ending.at);
    }
    match is(Reason::AllMet) {
        true => well(ending.at),
        false => ending,
    }
}

/// An exit code of 1 stands for failed requests and for exceptions of the
/// locustfile; the numbers tell which.
fn explained(draft: &Draft, counts: Counts, ending: Ending) -> Ending {
    let Counts {
        requests: Some(requests),
        failures,
        ..
    } = counts
    else {
        return ending;
    };
    if ending.exit != Some(1) {
        return ending;
    }
    let (reason, told) = match failures {
        0 => (FailureReason::LocustfileError, None),
        _ => {
            let often = most_often(draft);
            let told = format!("{failures} of {requests} requests failed{often}");
            (FailureReason::RequestFailures, Some(told))
        }
    };
    Ending {
        cause: Some(Cause::Run(reason)),
        told,
        ..ending
    }
}

fn most_often(draft: &Draft) -> String {
    let errors = draft.results().map_or(&[][..], |results| &results.errors);
    errors.first().map_or_else(String::new, |error| {
        let ErrorResult {
            method,
            name,
            error,
            occurrences,
        } = error;
        format!(", {occurrences} of them {method} {name}: {error}")
    })
}

/// Why the load was not as asked for, if it was not: reason and message.
fn unhealthy(draft: &Draft) -> Option<(&str, &str)> {
    let condition = draft.condition(ConditionType::GeneratorHealthy)?;
    (condition.status == "False").then_some((&*condition.reason, &*condition.message))
}

fn of_bad_end(cause: Cause, message: &str) -> (Verdict, String) {
    let is_unknown = matches!(
        cause,
        Cause::Run(
            FailureReason::ResultUnknown | FailureReason::JobDeleted | FailureReason::Stopped
        )
    );
    match is_unknown {
        true => (Verdict::Inconclusive, message.to_owned()),
        false => (Verdict::Failed, message.to_owned()),
    }
}

fn of_good_end(draft: &Draft, has_thresholds: bool, counts: Counts) -> (Verdict, String) {
    let requests = match counts.requests {
        Some(requests) if requests > 0 => requests,
        Some(_) | None => {
            let reason = "Locust ended with exit code 0, and whether it made any request is not known: it could not be asked at the end";
            return (Verdict::Inconclusive, reason.to_owned());
        }
    };
    if let Some((_, message)) = unhealthy(draft) {
        return (Verdict::Inconclusive, message.to_owned());
    }
    if has_thresholds {
        return of_thresholds(draft, counts);
    }
    let failures = match counts.failures {
        0 => "none failed".to_owned(),
        some => format!("{some} failed, which its arguments or the locustfile allow"),
    };
    let reason = format!(
        "Locust ended with exit code 0: of {requests} requests {failures}; there are no thresholds"
    );
    (Verdict::Passed, reason)
}

fn of_thresholds(draft: &Draft, counts: Counts) -> (Verdict, String) {
    let Some(condition) = draft.condition(ConditionType::ThresholdsMet) else {
        let reason = "the thresholds could not be judged: Locust could not be asked";
        return (Verdict::Inconclusive, reason.to_owned());
    };
    if condition.reason != Reason::AllMet.as_str() {
        return (Verdict::Inconclusive, condition.message.clone());
    }
    match counts.are_final {
        true => (Verdict::Passed, condition.message.clone()),
        false => {
            let met = &condition.message;
            let reason = format!(
                "{met}, but the master ended before its numbers were final: raise spec.master.autoquit.timeout to 10 s"
            );
            (Verdict::Inconclusive, reason)
        }
    }
}
