//! After the verdict: nothing is ever created or released again, and nothing
//! keeps loading the target.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use locust_api::latest::LocustTestStatus;
use locust_api::names::Role;

use super::{Decision, Step, delete_job, drift};
use crate::observed::{JobState, Observed};
use crate::status::{Draft, health};

/// How long the processes of a finished run may take to end by themselves.
/// Their pods, and so their logs, stay if they do.
pub(super) const LEAVE_PATIENCE: Duration = Duration::from_secs(5);

pub(super) fn decide(observed: &Observed) -> Decision {
    let unfinished: Vec<Step> = [Role::Master, Role::Worker]
        .into_iter()
        .filter_map(|role| {
            let job = observed.job(role)?;
            let finished = JobState::of(job, observed.now).finished();
            finished.is_none().then(|| delete_job(role, job))
        })
        .collect();
    let nothing = Decision {
        status: seen(observed),
        ..Decision::nothing(observed)
    };
    if unfinished.is_empty() {
        return nothing;
    }
    let wait = match workers_were_told(observed) {
        true => LEAVE_PATIENCE.saturating_sub(since_completion(observed)),
        false => Duration::ZERO,
    };
    let (steps, requeue) = match wait.is_zero() {
        true => (unfinished, None),
        false => (Vec::new(), Some(wait)),
    };
    Decision {
        steps,
        requeue,
        ..nothing
    }
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
