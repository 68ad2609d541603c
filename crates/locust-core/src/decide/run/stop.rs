//! Loads that are stopped before their time: by the spec, by a deadline, by a
//! threshold, or by a person in Locust's web UI.
//!
//! Why is noted in the status first. Whoever asks the master how it goes then
//! tells it to stop, as often as it takes; once the load is over and its numbers
//! are final, or that takes too long, the run is over.

use std::time::Duration;

use jiff::SignedDuration;
use locust_api::failure::FailureReason;

use super::ending::{Cause, failed};
use super::losses::{Late, late};
use super::since;
use crate::judgement;
use crate::locust::RunPhase;
use crate::observed::Observed;
use crate::polling::{self, Source};
use crate::settings::Settings;
use crate::status::Draft;
use crate::stop_request::stop_request;
use crate::storage::Outcome;
use crate::thresholds;

/// How long a load that is being stopped may go on.
const PATIENCE: Duration = Duration::from_secs(30);
/// How much longer than its autoquit says a master may stay after its load,
/// before it counts as stopped in its web UI: then it does not end by itself.
const STAYS: Duration = Duration::from_secs(15);

/// Stops a load that is to stop. The end of the run, once it has.
pub(super) fn stopped(observed: &Observed, settings: &Settings, draft: &mut Draft) -> Option<Late> {
    if let Some(late) = stopped_by_hand(observed) {
        return Some(late);
    }
    if let Some((reason, message)) = wanted(observed, draft) {
        draft.stop(reason.as_str(), message);
    }
    let stop = draft.stopping()?.clone();
    let reason = FailureReason::ALL
        .iter()
        .find(|reason| reason.as_str() == stop.reason)
        .copied()
        .unwrap_or(FailureReason::Stopped);
    let end = || failed(Cause::Run(reason), stop.message.clone(), observed.now);
    match can_wait(observed, settings) {
        true => Some(late(observed.now, stop.since.0, PATIENCE, end)),
        false => Some(Late::Now(end())),
    }
}

/// Whether there are numbers to wait for, or a sidecar that stores them: there is
/// load, or was a moment ago, and the master is heard.
fn can_wait(observed: &Observed, settings: &Settings) -> bool {
    let is_asked = matches!(polling::source(observed, settings), Source::Master(_));
    let heard = observed.heard.as_ref();
    is_asked
        && heard.is_some_and(|heard| {
            let is_waited_for = match heard.phase {
                RunPhase::Running | RunPhase::Ending => true,
                RunPhase::Ended => heard.outcome == Some(Outcome::Waiting),
                RunPhase::Starting | RunPhase::AllWorkersLost => false,
            };
            heard.silence.is_none() && is_waited_for
        })
}

/// Why the load is to stop now, if it is.
fn wanted(observed: &Observed, draft: &Draft) -> Option<(FailureReason, String)> {
    let standings = observed.heard.as_ref().map(|heard| &*heard.standings);
    if let Some(words) = standings.and_then(thresholds::aborting) {
        return Some((FailureReason::ThresholdBreached, words.to_owned()));
    }
    if let Some(request) = stop_request(&observed.test) {
        return Some((FailureReason::Stopped, request.words().to_owned()));
    }
    let seconds = observed.test.spec.active_deadline_seconds?;
    deadline_in(observed, draft)?.is_zero().then(|| {
        let message = judgement::deadline_words(seconds);
        (FailureReason::DeadlineExceeded, message)
    })
}

/// How long the run may still last, if there is a deadline.
pub(super) fn deadline_in(observed: &Observed, draft: &Draft) -> Option<Duration> {
    let seconds = observed.test.spec.active_deadline_seconds?;
    let deadline = draft
        .started()?
        .checked_add(SignedDuration::from_secs(seconds));
    let left = deadline.ok()?.duration_since(observed.now);
    Some(Duration::try_from(left).unwrap_or_default())
}

/// After the end of its load a master ends by itself, unless that end was made
/// in its web UI.
fn stopped_by_hand(observed: &Observed) -> Option<Late> {
    let master = &observed.test.spec.master;
    let autoquit = master
        .autoquit
        .as_ref()
        .filter(|autoquit| autoquit.enabled)?;
    let heard = observed.heard.as_ref()?;
    let ended = heard
        .load_ended
        .filter(|_| heard.phase == RunPhase::Ended)?;
    let timeout = u64::try_from(autoquit.timeout).unwrap_or_default();
    let patience = Duration::from_secs(timeout).saturating_add(STAYS);
    (since(observed.now, ended) >= patience && observed.master_runs()).then(|| {
        let message = "the load was stopped in Locust's web UI".to_owned();
        Late::Now(failed(
            Cause::Run(FailureReason::Stopped),
            message,
            observed.now,
        ))
    })
}
