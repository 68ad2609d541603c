//! The verdict about a run that is over, from what its status says.

use jiff::{SignedDuration, Timestamp};
use locust_api::condition::{ConditionType, Reason};
use locust_api::latest::{Completeness, ErrorResult, Failure, Results};

use super::ending::{Cause, Ending};
use crate::judgement::{End, Facts, Judgement, judge, often};
use crate::status::Draft;

/// Records the verdict about a run that ended so. The answer is the end that
/// counts: one that only looks good is none.
pub(super) fn record(draft: &mut Draft, has_thresholds: bool, ending: Ending) -> Ending {
    let facts = facts(draft, has_thresholds, ending.at);
    let Ending {
        cause,
        reason: seen_as,
        detail,
        told,
        exit,
        at,
        trouble,
    } = ending;
    let end = End {
        cause,
        told: told.or_else(|| unseen(cause, &detail)),
        detail,
        exit,
    };
    let Judgement {
        end,
        verdict,
        reason,
    } = judge(&facts, end);
    draft.set_verdict(verdict, reason);
    let failure = end.cause.map(|cause| Failure {
        reason: cause.as_str().to_owned(),
        message: end.message().to_owned(),
    });
    draft.set_failure(failure);
    Ending {
        reason: match (cause, end.cause) {
            (_, None) => Reason::TestSucceeded,
            (None, Some(_)) => Reason::TestFailed,
            (Some(_), Some(_)) => seen_as,
        },
        cause: end.cause,
        detail: end.detail,
        told: end.told,
        exit: end.exit,
        at,
        trouble,
    }
}

/// What is said of a bad end of which nothing was seen.
fn unseen(cause: Option<Cause>, detail: &str) -> Option<String> {
    let is_unseen = cause.is_some() && detail.is_empty();
    is_unseen.then(|| "the master's Job failed, and its pod is gone".to_owned())
}

fn facts(draft: &Draft, has_thresholds: bool, at: Timestamp) -> Facts {
    let count = |count: i64| u64::try_from(count).unwrap_or_default();
    let unhealthy = draft
        .condition(ConditionType::GeneratorHealthy)
        .filter(|condition| condition.status == "False");
    let results = draft.results();
    let (requests, failures) = match (results, draft.locust()) {
        (Some(results), _) => (Some(results.total.requests), results.total.failures),
        (None, Some(stats)) => (Some(stats.requests), stats.failures),
        (None, None) => (None, 0),
    };
    Facts {
        requests: requests.map(count),
        failures: count(failures),
        are_final: results.is_some_and(|results| results.completeness == Completeness::Complete),
        top_error: results.and_then(most_often),
        left: planned_end(draft).map(|planned| planned.duration_since(at)),
        all_workers_lost: unhealthy
            .is_some_and(|condition| condition.reason == Reason::AllWorkersLost.as_str()),
        unhealthy: unhealthy.map(|condition| condition.message.clone()),
        has_thresholds,
        thresholds: thresholds(draft),
    }
}

fn most_often(results: &Results) -> Option<String> {
    let ErrorResult {
        method,
        name,
        error,
        occurrences,
    } = results.errors.first()?;
    Some(often(occurrences, method, name, error))
}

/// What `ThresholdsMet` says, in words that this version knows.
fn thresholds(draft: &Draft) -> Option<(Reason, String)> {
    let condition = draft.condition(ConditionType::ThresholdsMet)?;
    let mut known = Reason::ALL.iter();
    let reason = known.find(|reason| reason.as_str() == condition.reason)?;
    Some((*reason, condition.message.clone()))
}

/// When a load that was last seen running was to end, if its run time is known.
fn planned_end(draft: &Draft) -> Option<Timestamp> {
    let stats = draft.locust()?;
    let remaining = SignedDuration::from_secs(stats.remaining_seconds?);
    stats.sampled_at.0.checked_add(remaining).ok()
}
