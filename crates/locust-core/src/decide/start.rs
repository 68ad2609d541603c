//! Before the run: create what is missing, then record, then release.
//!
//! The master Job is created held. The run is recorded on the test under that
//! Job's UID, and only then is the Job released. So whatever crashes between
//! two of these writes, the next look sees either no record (no load was made,
//! create what is missing) or a record (the run has begun, create nothing).

use std::time::Duration;

use k8s_openapi::api::batch::v1::Job;
use locust_api::condition::{ConditionType, Reason};
use locust_api::latest::{LocustTest, Phase};
use locust_api::names::{ANNOTATION_HELD, Role};

use super::{Decision, RESYNC, Step, delete_job};
use crate::build;
use crate::locust::telemetry::{self, Gap};
use crate::observed::{Child, Observed};
use crate::problems::{Problem, in_one_line, problems, warnings};
use crate::resolve::resolve;
use crate::settings::Settings;
use crate::status::{Draft, Truth};
use crate::stop_request::{StopRequest, stop_request};

/// How soon a name is tried again that a deleted test still holds.
pub(super) const LEAVING_RETRY: Duration = Duration::from_secs(2);
/// How soon a name is tried again that somebody else holds.
pub(super) const CONFLICT_RETRY: Duration = Duration::from_secs(30);

pub(super) fn decide(observed: &Observed, settings: &Settings) -> Decision {
    if let Some(wait) = observed.refused_for() {
        return Decision {
            requeue: Some(wait),
            ..Decision::nothing(observed)
        };
    }
    let problems = problems(&observed.test, settings);
    let obstacle = not_accepted(&problems)
        .or_else(|| not_wanted(&observed.test))
        .or_else(|| obstacle(observed));
    let steps = match obstacle {
        // What was made of an older spec goes, also if the new one is no good.
        Some(_) if !problems.is_empty() => outdated(observed),
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
    acceptance(&mut draft, &observed.test, &problems);
    telemetry(&mut draft, &observed.test);
    Decision {
        steps,
        status: draft.finish(),
        events: Vec::new(),
        requeue: Some(requeue),
    }
}

/// The first status of a run says what was thought of its spec. Steps lead past
/// the status of a test that has not begun, so that one may never be stored.
pub(super) fn accepted(observed: &Observed, decision: Decision) -> Decision {
    let status = observed.test.status.as_ref();
    if status.is_some_and(|status| status.run.is_some()) || decision.status.run.is_none() {
        return decision;
    }
    let mut draft = Draft::resume(decision.status, observed);
    acceptance(&mut draft, &observed.test, &[]);
    telemetry(&mut draft, &observed.test);
    Decision {
        status: draft.finish(),
        ..decision
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

fn not_accepted(problems: &[Problem]) -> Option<(Reason, String, Duration)> {
    let message = || format!("The spec is not accepted: {}", in_one_line(problems));
    (!problems.is_empty()).then(|| (Reason::NotAccepted, message(), RESYNC))
}

fn acceptance(draft: &mut Draft, test: &LocustTest, problems: &[Problem]) {
    let (truth, reason, message) = match problems.first() {
        Some(first) => (Truth::False, first.reason, in_one_line(problems)),
        None => {
            let warnings: Vec<String> = warnings(test).iter().map(ToString::to_string).collect();
            match warnings.is_empty() {
                true => (
                    Truth::True,
                    Reason::Accepted,
                    "The spec is accepted".to_owned(),
                ),
                false => (
                    Truth::True,
                    Reason::AcceptedWithWarnings,
                    warnings.join("; "),
                ),
            }
        }
    };
    draft.set(ConditionType::Accepted, truth, reason, message);
}

/// Whether the image can do what `openTelemetry` asks for, as far as its name
/// tells. The test runs either way: it may be wanted for its load.
fn telemetry(draft: &mut Draft, test: &LocustTest) {
    let observability = test.spec.observability.as_ref();
    let is_asked_for = observability
        .and_then(|observability| observability.open_telemetry.as_ref())
        .is_some_and(|telemetry| telemetry.enabled);
    let type_ = ConditionType::OpenTelemetryAvailable;
    match telemetry::gap(&test.spec.image).filter(|_| is_asked_for) {
        Some(gap) => {
            let reason = match gap {
                Gap::TooOld(_) => Reason::LocustTooOld,
                Gap::WithoutSdk => Reason::ImageWithoutSdk,
            };
            let message = format!("No metrics and no traces will come: {gap}");
            draft.set(type_, Truth::False, reason, message);
        }
        None => draft.clear(type_),
    }
}

/// What makes creating pointless for now: why, in words, and when to try again.
/// A test that is not to run yet.
fn not_wanted(test: &LocustTest) -> Option<(Reason, String, Duration)> {
    stop_request(test).map(|request| {
        let until = match request {
            StopRequest::Field => "it is Running",
            StopRequest::Annotation => "that is taken off",
        };
        let message = format!("{}: the test runs once {until}", request.words());
        (Reason::Stopped, message, RESYNC)
    })
}

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
        let service = build::master_service(&resolved);
        steps.push(Step::CreateService(Box::new(service)));
    }
    if observed.master_job.is_absent() {
        let job = build::master_job(&resolved);
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
