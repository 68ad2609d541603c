//! Runs whose workers are not all connected in time.
//!
//! Locust's master waits for as many workers as `--expect-workers` says, without
//! end. How long that may take is counted from the start of the master's Job, as
//! Kubernetes notes it, so that it is the same for every operator that looks.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use locust_api::condition::{ConditionType, Reason};
use locust_api::failure::FailureReason;
use locust_api::latest::StartPolicy;
use locust_api::names::Role;

use super::ending::{Cause, Ending, failed};
use super::losses::{Late, had_all_workers, late};
use crate::by_hand::{Load, web_ui};
use crate::judgement;
use crate::observed::{Observed, is_suspended};
use crate::polling::{self, Source};
use crate::resolve::resolve;
use crate::settings::Settings;
use crate::status::health::{self, Trouble};
use crate::status::{Draft, Truth};

/// How long a load that is started without all workers may take to begin.
const PATIENCE: Duration = Duration::from_secs(30);
/// How soon a master is listened to again that has not said anything yet.
const FIRST_WORDS: Duration = Duration::from_secs(2);

/// Judges a run that waits for its workers. Its end, once it has waited for too
/// long.
pub(super) fn overdue(
    observed: &Observed,
    settings: &Settings,
    draft: &mut Draft,
    troubles: &[Trouble],
) -> Option<Late> {
    let seconds = observed.test.spec.start_deadline_seconds?;
    let (connected, wanted) = (connected(observed), observed.workers_wanted());
    if has_begun(observed) || observed.master_has_ended() || connected >= wanted {
        return None;
    }
    let deadline = deadline(observed, draft, seconds)?;
    let left = Duration::try_from(deadline.duration_since(observed.now)).unwrap_or_default();
    if !left.is_zero() {
        return Some(Late::In(left));
    }
    let is_asked = matches!(polling::source(observed, settings), Source::Master(_));
    if is_asked && has_yet_to_speak(observed) {
        return Some(Late::In(FIRST_WORDS));
    }
    let missed = |more: &str| {
        let words = judgement::never_connected_words([connected, wanted], seconds);
        let why =
            health::summary(troubles).map_or_else(String::new, |why| format!("; {}", why.line));
        never_connected(format!("{words}{more}{why}"), observed.now)
    };
    if !starts_anyway(observed) || connected == 0 {
        return Some(Late::Now(missed("")));
    }
    if web_ui(&resolve(&observed.test, settings)).is_some() {
        // Whoever starts it there sees how many workers there are.
        return None;
    }
    let heard = observed.heard.as_ref();
    if !is_asked || heard.is_none_or(|heard| heard.silence.is_some()) {
        let more = ", and Locust cannot be told to start without the others";
        return Some(Late::Now(missed(more)));
    }
    draft.set(
        ConditionType::WorkersConnected,
        Truth::False,
        Reason::StartingWithoutAll,
        format!("{connected}/{wanted} workers connected: starting without the others"),
    );
    Some(late(observed.now, deadline, PATIENCE, || {
        missed(", and Locust did not start without the others")
    }))
}

/// Whether the run may begin without all its workers, by its spec.
pub(super) fn starts_anyway(observed: &Observed) -> bool {
    let spec = &observed.test.spec;
    spec.start_deadline_seconds.is_some() && spec.start_policy == Some(StartPolicy::StartAnyway)
}

/// Whether all workers there are is all that the run needs: it had all it was to
/// have, or has begun without some of them.
pub(super) fn is_passed(observed: &Observed) -> bool {
    had_all_workers(observed) || starts_anyway(observed) && has_begun(observed)
}

fn never_connected(detail: String, now: Timestamp) -> Ending {
    let cause = Cause::Run(FailureReason::WorkersNeverConnected);
    failed(cause, detail, now)
}

/// Whether there was load, or all workers were there once, as far as any operator
/// has seen.
fn has_begun(observed: &Observed) -> bool {
    let status = observed.test.status.as_ref();
    let had_load = status
        .and_then(|status| status.locust.as_ref())
        .is_some_and(|stats| stats.load_start_time.is_some());
    had_load || Load::of(observed.heard.as_ref()) == Load::Started || had_all_workers(observed)
}

/// Whether the master's first answer, or its silence, is yet to come: how the run
/// is cannot be known before.
fn has_yet_to_speak(observed: &Observed) -> bool {
    let heard = observed.heard.as_ref();
    heard.is_none_or(|heard| heard.numbers.is_none() && heard.silence.is_none())
}

/// How many workers the master hears of; where it cannot be asked, how many are at
/// work beside it.
fn connected(observed: &Observed) -> i32 {
    let heard = observed.heard.as_ref();
    let numbers = heard
        .filter(|heard| heard.silence.is_none())
        .and_then(|heard| heard.numbers.as_ref());
    match numbers {
        Some(numbers) => i32::try_from(numbers.workers_connected).unwrap_or(i32::MAX),
        None if observed.master_runs() => observed.workers_at_work(),
        None => 0,
    }
}

/// By when all workers are to be connected. A Job that somebody else holds back
/// has not started.
fn deadline(observed: &Observed, draft: &Draft, seconds: i64) -> Option<Timestamp> {
    let job = observed
        .job(Role::Master)
        .filter(|job| !is_suspended(job))?;
    let of_job = job
        .status
        .as_ref()
        .and_then(|status| status.start_time.as_ref());
    let start = of_job.map(|time| time.0).or_else(|| draft.started())?;
    start.checked_add(SignedDuration::from_secs(seconds)).ok()
}
