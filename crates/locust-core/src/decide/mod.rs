//! The decision: from what is to what shall be done. Start reading here.

mod drift;
mod over;
mod reading;
mod run;
mod start;

#[cfg(test)]
mod tests;

pub use reading::Reading;

use std::time::Duration;

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Service};
use locust_api::latest::{LocustTestStatus, Phase};
use locust_api::names::{Role, UPSTREAM_FINALIZER};

use crate::events::Event;
use crate::observed::{Observed, is_held, recorded_run};
use crate::settings::Settings;

/// What a reconcile shall do.
#[derive(Clone, Debug)]
pub struct Decision {
    /// In this order, up to the first that fails. After them the world is
    /// looked at again; only a decision without steps is the last word.
    pub steps: Vec<Step>,
    /// The status that the world as observed deserves.
    pub status: LocustTestStatus,
    /// What to tell once the steps are done.
    pub events: Vec<Event>,
    /// When to look again though nothing was seen to change.
    pub requeue: Option<Duration>,
}

/// One write to the cluster.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Take the Go operator's finalizer off the test: nothing of ours waits
    /// for a deletion.
    RemoveFinalizer,
    /// Create the master's Service.
    CreateService(Box<Service>),
    /// Create the Job of a role.
    CreateJob(Role, Box<Job>),
    /// Record on the test that its run is that of the master Job with this
    /// UID. From here on no Job is created again.
    RecordRun {
        /// UID of the master Job.
        id: String,
    },
    /// Let the recorded master Job make its pod.
    ReleaseMaster {
        /// Name of the Job.
        name: String,
        /// Its UID.
        uid: String,
    },
    /// Create a worker in the place of one whose Job does not replace it.
    ReplaceWorker(Box<Pod>),
    /// Store the full results of the run, under a name that is the test's.
    StoreResults(Box<ConfigMap>),
    /// Delete a Job and its pods.
    DeleteJob {
        /// Whose Job.
        role: Role,
        /// Its name.
        name: String,
        /// Its UID: another Job of the name is left alone.
        uid: String,
    },
}

/// Where a test stands, whatever its status says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// No load was ever made. Whatever is missing may be created.
    NotBegun,
    /// The run has begun. No Job is ever created again.
    Begun,
    /// The verdict is recorded and final.
    Over,
}

/// How often a test that is not over is looked at though nothing changed.
const RESYNC: Duration = Duration::from_secs(60);

/// Decides what shall be done. Depends on nothing but its arguments.
pub fn decide(observed: &Observed, settings: &Settings) -> Decision {
    let metadata = &observed.test.metadata;
    if metadata.deletion_timestamp.is_some() {
        let mut decision = finalizer_first(observed, Decision::nothing(observed));
        if !decision.steps.is_empty() {
            decision.events.push(Event::deleting());
        }
        return decision;
    }
    let decision = match standing(observed) {
        Standing::NotBegun => start::decide(observed, settings),
        Standing::Begun => start::accepted(observed, run::decide(observed, settings)),
        Standing::Over => over::decide(observed),
    };
    finalizer_first(observed, decision)
}

/// The run has begun if it is recorded, in either place, or if something shows
/// that it has: a phase past Pending (the Go operator's tests, and statuses
/// restored from a backup) or a master Job that nobody of us holds or held.
fn standing(observed: &Observed) -> Standing {
    let status = observed.test.status.as_ref();
    let phase = status.and_then(|status| status.phase);
    if phase.is_some_and(Phase::is_terminal) {
        return Standing::Over;
    }
    let recorded = recorded_run(&observed.test).is_some()
        || status.is_some_and(|status| status.run.is_some())
        || phase == Some(Phase::Running);
    let released = observed.master_job.last().is_some_and(|job| !is_held(job));
    if recorded || released {
        Standing::Begun
    } else {
        Standing::NotBegun
    }
}

fn finalizer_first(observed: &Observed, mut decision: Decision) -> Decision {
    let has_finalizer = observed
        .test
        .metadata
        .finalizers
        .iter()
        .flatten()
        .any(|finalizer| finalizer == UPSTREAM_FINALIZER);
    if has_finalizer {
        decision.steps.insert(0, Step::RemoveFinalizer);
    }
    decision
}

impl Decision {
    /// Leaves everything as it is.
    fn nothing(observed: &Observed) -> Self {
        Self {
            steps: Vec::new(),
            status: observed.test.status.clone().unwrap_or_default(),
            events: Vec::new(),
            requeue: None,
        }
    }
}

fn delete_job(role: Role, job: &Job) -> Step {
    Step::DeleteJob {
        role,
        name: job.metadata.name.clone().unwrap_or_default(),
        uid: job.metadata.uid.clone().unwrap_or_default(),
    }
}
