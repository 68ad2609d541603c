//! After the verdict: nothing is ever created or released again, nothing keeps
//! loading the target, and what is no longer wanted is removed.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use locust_api::latest::{LocustTestStatus, Phase, Verdict, WorkerCleanup};
use locust_api::names::Role;

use super::{Decision, delete_job, drift};
use crate::observed::{JobState, Observed};
use crate::status::{Draft, health};

/// How long the processes of a finished run may take to end by themselves.
/// Their pods, and so their logs, stay if they do.
pub(super) const LEAVE_PATIENCE: Duration = Duration::from_secs(5);

pub(super) fn decide(observed: &Observed) -> Decision {
    let leaving: Vec<(Role, &Job, Duration)> = [Role::Master, Role::Worker]
        .into_iter()
        .filter_map(|role| {
            let job = observed.job(role)?;
            Some((role, job, stays_for(observed, role, job)?))
        })
        .collect();
    let due = leaving.iter().filter(|(.., left)| left.is_zero());
    let steps: Vec<_> = due.map(|(role, job, _)| delete_job(*role, job)).collect();
    let soonest = leaving.iter().map(|(.., left)| *left).min();
    Decision {
        requeue: soonest.filter(|_| steps.is_empty()),
        steps,
        status: seen(observed),
        ..Decision::nothing(observed)
    }
}

/// How long the Job of a role may still stay; `None`: as long as it likes.
fn stays_for(observed: &Observed, role: Role, job: &Job) -> Option<Duration> {
    let since = since_completion(observed);
    let wanted = wanted(observed, role).map(|time| time.saturating_sub(since));
    if JobState::of(job, observed.now).finished().is_some() {
        return wanted;
    }
    let leaving = match workers_were_told(observed) {
        true => LEAVE_PATIENCE.saturating_sub(since),
        false => Duration::ZERO,
    };
    Some(wanted.map_or(leaving, |wanted| wanted.min(leaving)))
}

/// How long after its end the Job of a role is wanted, as the spec says.
fn wanted(observed: &Observed, role: Role) -> Option<Duration> {
    let cleanup = observed.test.spec.cleanup.as_ref()?;
    if role == Role::Worker && cleanup.workers == Some(WorkerCleanup::Immediately) {
        return Some(Duration::ZERO);
    }
    let seconds = match has_passed(observed) {
        true => cleanup.ttl_seconds_after_success,
        false => cleanup.ttl_seconds_after_failure,
    };
    Some(Duration::from_secs(u64::try_from(seconds?).ok()?))
}

/// Tests of the Go operator have no verdict.
fn has_passed(observed: &Observed) -> bool {
    let status = observed.test.status.as_ref();
    let verdict = status.and_then(|status| status.verdict);
    let phase = status.and_then(|status| status.phase);
    verdict.map_or(phase == Some(Phase::Succeeded), |verdict| {
        verdict == Verdict::Passed
    })
}

/// The verdict stands; an edit after it is seen, and has no effect. A status
/// that no other generation was noted in stays as it is.
fn seen(observed: &Observed) -> LocustTestStatus {
    let stored = observed.test.status.clone().unwrap_or_default();
    let generation = observed.test.metadata.generation;
    if stored.observed_generation.is_none() || stored.observed_generation == generation {
        return stored;
    }
    let mut draft = Draft::of(observed);
    drift::report(observed, &mut draft);
    draft.finish()
}

/// Whether the master ended by itself: then it has told its workers. Workers of
/// one that was lost would keep loading the target for a minute.
fn workers_were_told(observed: &Observed) -> bool {
    let container = observed
        .last_job(Role::Master)
        .and_then(|job| job.metadata.name.as_deref());
    let has_exited = |pod: &Pod| {
        container
            .and_then(|container| health::own_exit(pod, container))
            .is_some()
    };
    observed.pods_of(Role::Master).any(has_exited)
}

fn since_completion(observed: &Observed) -> Duration {
    let completed = observed
        .test
        .status
        .as_ref()
        .and_then(|status| status.completion_time.as_ref())
        .map_or(Timestamp::UNIX_EPOCH, |time| time.0);
    Duration::try_from(observed.now.duration_since(completed)).unwrap_or_default()
}
