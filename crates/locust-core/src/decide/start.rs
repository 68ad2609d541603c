//! Before the run: create what is missing, then record, then release.
//!
//! The master Job is created held. The run is recorded on the test under that
//! Job's UID, and only then is the Job released. So whatever crashes between
//! two of these writes, the next look sees either no record (no load was made,
//! create what is missing) or a record (the run has begun, create nothing).

use std::time::Duration;

use k8s_openapi::api::batch::v1::Job;
use locust_api::condition::{ConditionType, Reason};
use locust_api::latest::Phase;
use locust_api::names::{ANNOTATION_HELD, Role};

use super::{Decision, RESYNC, Step, delete_job};
use crate::build;
use crate::observed::{Child, Observed};
use crate::resolve::resolve;
use crate::settings::Settings;
use crate::status::{Draft, Truth};

/// How soon a name is tried again that a deleted test still holds.
pub(super) const LEAVING_RETRY: Duration = Duration::from_secs(2);
/// How soon a name is tried again that somebody else holds.
pub(super) const CONFLICT_RETRY: Duration = Duration::from_secs(30);

pub(super) fn decide(observed: &Observed, settings: &Settings) -> Decision {
    let obstacle = obstacle(observed);
    let steps = match obstacle {
        Some(_) => Vec::new(),
        None => steps(observed, settings),
    };
    let (reason, message, requeue) = obstacle.unwrap_or_else(|| {
        let creating = "Creating resources".to_owned();
        (Reason::ResourcesCreating, creating, RESYNC)
    });
    let mut draft = Draft::of(observed);
    pending(&mut draft, observed);
    draft.set(ConditionType::Ready, Truth::False, reason, message);
    initial_conditions(&mut draft);
    Decision {
        steps,
        status: draft.finish(),
        events: Vec::new(),
        requeue: Some(requeue),
    }
}

/// The status of a test whose run has not begun.
pub(super) fn pending(draft: &mut Draft, observed: &Observed) {
    if draft.phase().is_none() {
        draft.set_phase(Phase::Pending);
        draft.set_connected_workers(0);
    }
    draft.expect_workers(observed.test.spec.worker.replicas);
}

fn initial_conditions(draft: &mut Draft) {
    use ConditionType::{PodsHealthy, TestCompleted, WorkersConnected};
    draft.set(
        WorkersConnected,
        Truth::False,
        Reason::WaitingForWorkers,
        "Waiting for workers to connect",
    );
    draft.set(
        TestCompleted,
        Truth::False,
        Reason::TestInProgress,
        "Test has not started",
    );
    draft.set(
        PodsHealthy,
        Truth::True,
        Reason::PodsStarting,
        "Waiting for pods to start",
    );
}

/// What makes creating pointless for now: why, in words, and when to try again.
fn obstacle(observed: &Observed) -> Option<(Reason, String, Duration)> {
    let names = [
        ("Service", Role::Master, blocked(&observed.service)),
        ("Job", Role::Master, blocked(&observed.master_job)),
        ("Job", Role::Worker, blocked(&observed.worker_job)),
    ];
    let test = observed.test.metadata.name.as_deref().unwrap_or_default();
    let mut leaving = None;
    for (kind, role, blocked) in names {
        let name = locust_api::names::role_name(test, role);
        match blocked {
            Some(Blocked::Foreign(owner)) => {
                let message = conflict(kind, &name, &owner);
                return Some((Reason::NameConflict, message, CONFLICT_RETRY));
            }
            Some(Blocked::Leaving) => {
                let message = format!("Waiting for the previous {kind} {name} to be removed");
                leaving = Some((Reason::ResourcesCreating, message, LEAVING_RETRY));
            }
            None => {}
        }
    }
    leaving
}

/// What to say of a name that is taken.
pub(super) fn conflict(kind: &str, name: &str, owner: &str) -> String {
    format!(
        "{kind} {name} exists and belongs to {owner}: delete it or give the LocustTest another name"
    )
}

enum Blocked {
    Leaving,
    Foreign(String),
}

fn blocked<T>(child: &Child<T>) -> Option<Blocked> {
    match child {
        Child::Absent | Child::Gone(_) | Child::Ours(_) => None,
        Child::Going(_) | Child::Leaving => Some(Blocked::Leaving),
        Child::Foreign(owner) => Some(Blocked::Foreign(owner.clone())),
    }
}

fn steps(observed: &Observed, settings: &Settings) -> Vec<Step> {
    let outdated = outdated(observed);
    if !outdated.is_empty() {
        return outdated;
    }
    let resolved = resolve(&observed.test, settings);
    let mut steps = Vec::new();
    if observed.service.is_absent() {
        let service = build::master_service(&resolved, settings);
        steps.push(Step::CreateService(Box::new(service)));
    }
    if observed.master_job.is_absent() {
        let job = build::master_job(&resolved, settings);
        steps.push(Step::CreateJob(Role::Master, Box::new(job)));
    }
    if observed.worker_job.is_absent() {
        let job = build::worker_job(&resolved);
        steps.push(Step::CreateJob(Role::Worker, Box::new(job)));
    }
    match observed.job(Role::Master) {
        Some(job) if steps.is_empty() => begin(job),
        _ => steps,
    }
}

fn begin(master_job: &Job) -> Vec<Step> {
    let uid = master_job.metadata.uid.clone().unwrap_or_default();
    vec![
        Step::RecordRun { id: uid.clone() },
        Step::ReleaseMaster {
            name: master_job.metadata.name.clone().unwrap_or_default(),
            uid,
        },
    ]
}

/// Jobs made from an older spec: as long as no load was made, an edit counts.
fn outdated(observed: &Observed) -> Vec<Step> {
    let generation = observed
        .test
        .metadata
        .generation
        .unwrap_or_default()
        .to_string();
    let is_current = |job: &Job| {
        let held = job.metadata.annotations.as_ref();
        held.and_then(|annotations| annotations.get(ANNOTATION_HELD))
            .is_some_and(|made_from| *made_from == generation)
    };
    match observed.job(Role::Master) {
        Some(job) if !is_current(job) => [Role::Worker, Role::Master]
            .into_iter()
            .filter_map(|role| Some(delete_job(role, observed.job(role)?)))
            .collect(),
        _ => Vec::new(),
    }
}
