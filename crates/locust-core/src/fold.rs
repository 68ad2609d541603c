//! What became of the steps, joined with the decision that asked for them.

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use locust_api::condition::{ConditionType, Reason};
use locust_api::latest::{LocustTest, LocustTestStatus, Phase};
use locust_api::names::Role;

use crate::decide::Decision;
use crate::events::Event;
use crate::observed::{Child, Observed, RefusalCause};
use crate::report::Storing;
use crate::status::{Draft, Truth};

/// A step that was carried out, with the API server's answer.
#[derive(Clone, Debug)]
pub enum Done {
    /// The test was patched: its finalizer is off, or its run is recorded.
    TestPatched(Box<LocustTest>),
    /// The Service was created.
    ServiceCreated(Box<Service>),
    /// A Job was created.
    JobCreated(Role, Box<Job>),
    /// The master Job was released.
    MasterReleased(Box<Job>),
    /// A worker was created in the place of another.
    WorkerReplaced(Box<Pod>),
    /// Storing the results was tried.
    StoringTried(Storing),
    /// A Job was deleted, or is gone.
    JobDeleted(Role),
}

/// Why the steps stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What was refused, for example `Job demo-master`.
    pub object: String,
    /// The API server's words.
    pub message: String,
    /// Why.
    pub cause: RefusalCause,
}

/// What became of the steps of one decision.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Those carried out, in order.
    pub done: Vec<Done>,
    /// The one that the API server refused for good, after which no other was
    /// tried.
    pub refused: Option<Refusal>,
}

impl Observed {
    /// The world after a step, without asking again.
    pub fn absorb(&mut self, done: &Done) {
        match done {
            Done::TestPatched(test) => self.test = (**test).clone(),
            Done::ServiceCreated(service) => self.service = Child::Ours(service.clone()),
            Done::JobCreated(Role::Master, job) | Done::MasterReleased(job) => {
                self.master_job = Child::Ours(job.clone());
            }
            Done::JobCreated(Role::Worker, job) => self.worker_job = Child::Ours(job.clone()),
            Done::WorkerReplaced(pod) => self.pods.push((**pod).clone()),
            Done::StoringTried(storing) => self.storing = Some(storing.clone()),
            Done::JobDeleted(Role::Master) => self.master_job = Child::Leaving,
            Done::JobDeleted(Role::Worker) => self.worker_job = Child::Leaving,
        }
    }
}

/// Events about what was done.
pub fn created_events(outcome: &Outcome) -> Vec<Event> {
    let name = |meta: &k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta| {
        meta.name.clone().unwrap_or_default()
    };
    outcome
        .done
        .iter()
        .filter_map(|done| match done {
            Done::ServiceCreated(service) => {
                Some(Event::created("Service", &name(&service.metadata)))
            }
            Done::JobCreated(_, job) => Some(Event::created("Job", &name(&job.metadata))),
            Done::WorkerReplaced(pod) => Some(Event::created("Pod", &name(&pod.metadata))),
            Done::TestPatched(_)
            | Done::MasterReleased(_)
            | Done::StoringTried(_)
            | Done::JobDeleted(_) => None,
        })
        .collect()
}

/// The status after the steps: the decision's, unless one was refused.
pub fn fold(observed: &Observed, decision: &Decision, outcome: &Outcome) -> LocustTestStatus {
    let Some(refusal) = &outcome.refused else {
        return decision.status.clone();
    };
    let mut draft = Draft::resume(decision.status.clone(), observed);
    let message = format!("{} was refused: {}", refusal.object, refusal.message);
    draft.set(
        ConditionType::Ready,
        Truth::False,
        Reason::Refused,
        message.as_str(),
    );
    if refusal.cause == RefusalCause::Invalid {
        draft.set(
            ConditionType::Accepted,
            Truth::False,
            Reason::RefusedByKubernetes,
            message,
        );
    }
    draft.finish()
}

/// Events about what changed between two statuses.
pub fn changed_events(stored: Option<&LocustTestStatus>, written: &LocustTestStatus) -> Vec<Event> {
    let old_phase = stored.and_then(|status| status.phase);
    let entered = written
        .phase
        .filter(|phase| Some(*phase) != old_phase)
        .and_then(|phase| Event::entered(phase, &failure_detail(phase, written)));
    // Which pods have the trouble moves; that there is trouble is the event.
    let trouble = pod_trouble(Some(written))
        .filter(|trouble| pod_trouble(stored).map(|old| &old.reason) != Some(&trouble.reason))
        .map(|trouble| Event::pod_failure(&trouble.message));
    let news = |type_, truth| {
        message(written, type_, truth)
            .filter(|said| stored.and_then(|stored| message(stored, type_, truth)) != Some(*said))
    };
    let refused = news(ConditionType::Accepted, "False").map(Event::not_accepted);
    let warned = news(ConditionType::Accepted, "True")
        .filter(|_| has_warnings(written))
        .map(Event::spec_warning);
    let telemetry =
        news(ConditionType::OpenTelemetryAvailable, "False").map(Event::telemetry_unavailable);
    let not_stored = news(ConditionType::ResultsStored, "False").map(Event::results_not_stored);
    let without_all = gate_opened(written)
        .filter(|_| stored.and_then(gate_opened).is_none())
        .map(Event::starting_without_all);
    let events = [
        entered,
        trouble,
        refused,
        warned,
        telemetry,
        not_stored,
        without_all,
    ];
    events.into_iter().flatten().collect()
}

/// What is said of workers that are no longer waited for. How many there are may
/// move; that they are not waited for is the event.
fn gate_opened(status: &LocustTestStatus) -> Option<&str> {
    condition(status, ConditionType::WorkersConnected, "False")
        .filter(|condition| condition.reason == Reason::StartingWithoutAll.as_str())
        .map(|condition| condition.message.as_str())
}

fn has_warnings(status: &LocustTestStatus) -> bool {
    status
        .conditions
        .iter()
        .flatten()
        .any(|condition| condition.reason == Reason::AcceptedWithWarnings.as_str())
}

fn failure_detail(phase: Phase, status: &LocustTestStatus) -> String {
    if phase != Phase::Failed {
        return String::new();
    }
    message(status, ConditionType::TestCompleted, "True")
        .map(|message| {
            message
                .trim_start_matches("Test failed")
                .trim_start_matches(": ")
                .to_owned()
        })
        .unwrap_or_default()
}

fn pod_trouble(status: Option<&LocustTestStatus>) -> Option<&Condition> {
    condition(status?, ConditionType::PodsHealthy, "False")
}

fn message<'a>(status: &'a LocustTestStatus, type_: ConditionType, truth: &str) -> Option<&'a str> {
    condition(status, type_, truth).map(|condition| condition.message.as_str())
}

fn condition<'a>(
    status: &'a LocustTestStatus,
    type_: ConditionType,
    truth: &str,
) -> Option<&'a Condition> {
    status
        .conditions
        .iter()
        .flatten()
        .find(|condition| condition.type_ == type_.as_str() && condition.status == truth)
}
