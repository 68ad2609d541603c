//! What ends a run before its master does: no worker left, or pods that do
//! not start.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::batch::v1::Job;
use locust_api::condition::ConditionType;
use locust_api::failure::FailureReason;
use locust_api::names::{Role, role_name};

use super::ending::{Cause, Ending, deleted, failed, failed_by, failed_message};
use super::gate;
use crate::locust::RunPhase;
use crate::observed::{JobState, Observed};
use crate::settings::Settings;
use crate::status::Draft;
use crate::status::health::{self, Prospect, Trouble};

/// How long the master may go on after the last worker has ended by itself. In
/// a normal end the workers leave one or two seconds before it.
const ALONE_PATIENCE: Duration = Duration::from_secs(30);
/// The Job controller waits this long before it replaces a crashed pod.
const REPLACEMENT: SignedDuration = SignedDuration::from_secs(10);
/// How long the master may go on without a workers' Job.
const ORPHAN_PATIENCE: Duration = Duration::from_secs(10);

const LOST: Cause = Cause::Run(FailureReason::WorkersLost);

/// A failure that is certain now, or will be unless something changes.
pub(super) enum Late {
    Now(Ending),
    In(Duration),
}

/// The end if there is one, or else the shorter wait.
pub(super) fn sooner(one: Option<Late>, other: Option<Late>) -> Option<Late> {
    match (one, other) {
        (Some(Late::Now(ending)), _) | (_, Some(Late::Now(ending))) => Some(Late::Now(ending)),
        (Some(Late::In(one)), Some(Late::In(other))) => Some(Late::In(one.min(other))),
        (one, other) => one.or(other),
    }
}

/// Why a run under way has to be given up, if it has to.
pub(super) fn given_up(
    observed: &Observed,
    settings: &Settings,
    draft: &Draft,
    troubles: &[Trouble],
) -> Option<Late> {
    let had_all = gate::is_passed(observed);
    if let Some(late) = workers_gone(observed, draft, had_all, troubles) {
        return Some(late);
    }
    // Once all workers were there, the run goes on without some of them.
    match had_all {
        true => None,
        false => outlasted(observed, settings, troubles),
    }
}

/// Whether all workers were there at once. A condition moves its time when its
/// status changes: one that is false since after the start was true before.
pub(super) fn had_all_workers(observed: &Observed) -> bool {
    let Some(status) = observed.test.status.as_ref() else {
        return false;
    };
    let condition = status
        .conditions
        .iter()
        .flatten()
        .find(|condition| condition.type_ == ConditionType::WorkersConnected.as_str());
    condition.is_some_and(|condition| {
        let start = status.start_time.as_ref();
        condition.status == "True"
            || start.is_some_and(|start| condition.last_transition_time.0 > start.0)
    })
}

/// Without workers the master makes no load and might still end well.
fn workers_gone(
    observed: &Observed,
    draft: &Draft,
    had_all: bool,
    troubles: &[Trouble],
) -> Option<Late> {
    let now = observed.now;
    let test = observed.test.metadata.name.as_deref().unwrap_or_default();
    let name = role_name(test, Role::Worker);
    let Some(job) = observed.last_job(Role::Worker) else {
        let missing_since = draft
            .condition(ConditionType::WorkersConnected)
            .filter(|condition| condition.status == "False")
            .map_or(now, |condition| condition.last_transition_time.0);
        return Some(late(now, missing_since, ORPHAN_PATIENCE, || {
            deleted(Role::Worker, observed)
        }));
    };
    let lost = |at: Timestamp| {
        let why = why_lost(troubles)
            .or_else(|| failed_message(job))
            .unwrap_or_else(|| "their pods were deleted".to_owned());
        failed(LOST, format!("all workers were lost: {why}"), at)
    };
    match JobState::of(job, now) {
        JobState::Failed(at) => Some(match had_all.then(|| last_exit(observed, job)).flatten() {
            Some(exit) => late(now, exit, ALONE_PATIENCE, || lost(at)),
            None => Late::Now(lost(at)),
        }),
        JobState::Complete(at) => Some(late(now, at, ALONE_PATIENCE, || {
            let detail = format!("all workers of Job {name} ended before the master");
            failed(LOST, detail, now)
        })),
        JobState::Held | JobState::Unfinished if observed.job(Role::Worker).is_none() => {
            Some(Late::Now(deleted(Role::Worker, observed)))
        }
        JobState::Held | JobState::Unfinished if is_alone(observed) => {
            let detail = "all workers were lost: Locust hears of none, and stops a test without workers for good";
            Some(Late::Now(failed(LOST, detail.to_owned(), now)))
        }
        JobState::Held | JobState::Unfinished if had_all && !observed.master_has_ended() => {
            match (observed.workers_at_work(), last_exit(observed, job)) {
                (0, None) => Some(Late::Now(lost(now))),
                (0, Some(exit)) => Some(late(now, exit, ALONE_PATIENCE, || lost(now))),
                _ => crashed_together(observed, job)
                    .map(|exit| late(now, exit, ALONE_PATIENCE, || lost(now))),
            }
        }
        JobState::Held | JobState::Unfinished => None,
    }
}

/// Whether Locust itself has lost all workers, whatever their pods look like: a
/// network that parts them from the master for long enough ends the load.
fn is_alone(observed: &Observed) -> bool {
    let heard = observed.heard.as_ref();
    heard.is_some_and(|heard| heard.phase == RunPhase::AllWorkersLost)
        && !observed.master_has_ended()
}

/// When the last worker ended by its own decision. In a normal end workers do
/// so too, even with an error: then the master follows, and its word counts.
fn last_exit(observed: &Observed, job: &Job) -> Option<Timestamp> {
    own_exits(observed, job).max()
}

/// When the last worker ended, if all of them did so before the Job replaced
/// one: Locust stops a test whose last worker is gone, and replacements do not
/// start it again.
fn crashed_together(observed: &Observed, job: &Job) -> Option<Timestamp> {
    let workers = usize::try_from(observed.workers_wanted()).unwrap_or_default();
    let mut exits: Vec<Timestamp> = own_exits(observed, job).collect();
    exits.sort_unstable();
    let last = *exits.last()?;
    let first = *exits.get(exits.len().checked_sub(workers)?)?;
    (last.duration_since(first) < REPLACEMENT).then_some(last)
}

fn own_exits(observed: &Observed, job: &Job) -> impl Iterator<Item = Timestamp> {
    let container = job.metadata.name.as_deref().unwrap_or_default();
    observed
        .pods_of(Role::Worker)
        .filter_map(move |pod| health::own_exit(pod, container))
}

fn why_lost(troubles: &[Trouble]) -> Option<String> {
    health::summary(troubles).map(|summary| summary.line)
}

/// Pods that cannot start, or not within the grace, end the test.
fn outlasted(observed: &Observed, settings: &Settings, troubles: &[Trouble]) -> Option<Late> {
    let of = |prospect: fn(&Prospect) -> bool| -> Vec<Trouble> {
        let troubles = troubles
            .iter()
            .filter(|trouble| prospect(&trouble.prospect));
        troubles.cloned().collect()
    };
    let hopeless = of(|prospect| *prospect == Prospect::Final);
    if let Some(summary) = health::summary(&hopeless) {
        return Some(Late::Now(failed_by(summary, observed.now)));
    }
    if gate::starts_anyway(observed) {
        // Its own deadline says how long they may take.
        return None;
    }
    let passing = of(|prospect| matches!(prospect, Prospect::Heals(_)));
    let oldest = passing.iter().map(|trouble| trouble.since).min()?;
    let summary = health::summary(&passing)?;
    Some(late(observed.now, oldest, settings.pod_grace, || {
        failed_by(summary, observed.now)
    }))
}

pub(super) fn late(
    now: Timestamp,
    start: Timestamp,
    patience: Duration,
    ending: impl FnOnce() -> Ending,
) -> Late {
    let waited = Duration::try_from(now.duration_since(start)).unwrap_or_default();
    match patience.saturating_sub(waited) {
        Duration::ZERO => Late::Now(ending()),
        wait => Late::In(wait),
    }
}
