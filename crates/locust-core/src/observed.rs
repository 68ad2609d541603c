//! Everything that a decision may look at: the test, its children, its pods,
//! what its master says, and the time.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ContainerState, Pod, Service};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube_core::Resource;
use locust_api::latest::LocustTest;
use locust_api::names::{self, Role};

use crate::polling::Heard;
use crate::report::Storing;
use crate::status::health;

/// What is, at one moment.
#[derive(Clone, Debug)]
pub struct Observed {
    /// When it was observed.
    pub now: Timestamp,
    /// The test as the API server has it.
    pub test: LocustTest,
    /// What stands under the name of the master's Service.
    pub service: Child<Service>,
    /// What stands under the name of the master's Job.
    pub master_job: Child<Job>,
    /// What stands under the name of the workers' Job.
    pub worker_job: Child<Job>,
    /// Pods of the two Jobs; of a Job that is gone, those last seen.
    pub pods: Vec<Pod>,
    /// What the master of the run says, as far as it was asked.
    pub heard: Option<Heard>,
    /// What events say of the objects that
    /// [`questions`](crate::status::health::questions) are about.
    pub notices: Vec<Notice>,
    /// The last step for this test that the API server refused, as far as this
    /// process remembers.
    pub refused: Option<LastRefusal>,
    /// What became of the last attempt to store the full results, as far as this
    /// process remembers.
    pub storing: Option<Storing>,
}

/// What an event says of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// UID of the object.
    pub about: String,
    /// The event's reason.
    pub reason: String,
    /// Its sentence.
    pub message: String,
    /// When it was last said.
    pub at: Timestamp,
}

/// A step that the API server refused, and that is not tried again yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastRefusal {
    /// Generation of the test that the step was for.
    pub generation: Option<i64>,
    /// Why it was refused.
    pub cause: RefusalCause,
    /// How long ago.
    pub ago: Duration,
}

/// Why the API server refuses a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalCause {
    /// For what the object is: only another spec changes that, or other
    /// settings of the operator or the cluster.
    Invalid,
    /// For what else there is, such as a quota, or missing permissions.
    Forbidden,
}

impl RefusalCause {
    /// How long it takes until the step is tried again.
    pub const fn patience(self) -> Duration {
        match self {
            Self::Invalid => Duration::from_secs(300),
            Self::Forbidden => Duration::from_secs(30),
        }
    }
}

impl Observed {
    /// How long the steps of this spec are still to wait, because one of them
    /// was refused.
    pub fn refused_for(&self) -> Option<Duration> {
        let refused = self.refused?;
        let wait = refused.cause.patience().saturating_sub(refused.ago);
        let is_this_spec = refused.generation == self.test.metadata.generation;
        (is_this_spec && !wait.is_zero()).then_some(wait)
    }
}

/// What stands under a name that the test needs.
#[derive(Clone, Debug)]
pub enum Child<T> {
    /// Nothing.
    Absent,
    /// An object whose controller is this test.
    Ours(Box<T>),
    /// One of ours that is being deleted.
    Going(Box<T>),
    /// Nothing any more. Holds the last that was seen of an object of ours.
    Gone(Box<T>),
    /// An object of a deleted LocustTest of the same name, which the garbage
    /// collector is about to remove.
    Leaving,
    /// Somebody else's object. Holds who that is, for people.
    Foreign(String),
}

impl<T: Resource<DynamicType = ()>> Child<T> {
    /// Classifies an object by its controller. Names do not tell: they collide,
    /// and outlive the test that made them.
    pub fn classify(object: Option<T>, test: &LocustTest) -> Self {
        let Some(object) = object else {
            return Self::Absent;
        };
        match controller(object.meta()) {
            Some(owner) if Some(&owner.uid) == test.metadata.uid.as_ref() => {}
            Some(owner) if is_namesake(owner, test) => return Self::Leaving,
            Some(owner) => return Self::Foreign(format!("{} {}", owner.kind, owner.name)),
            None => return Self::Foreign("nobody (it has no controller)".to_owned()),
        }
        match object.meta().deletion_timestamp {
            None => Self::Ours(Box::new(object)),
            Some(_) => Self::Going(Box::new(object)),
        }
    }

    /// The same, where `last` was seen of an object under this name.
    #[must_use]
    pub fn or_gone(self, last: Option<T>, test: &LocustTest) -> Self {
        match (self, last) {
            (Self::Absent, Some(last)) => match Self::classify(Some(last), test) {
                Self::Ours(last) | Self::Going(last) => Self::Gone(last),
                Self::Absent | Self::Gone(_) | Self::Leaving | Self::Foreign(_) => Self::Absent,
            },
            (child, _) => child,
        }
    }
}

impl<T> Child<T> {
    /// The object, if it is this test's.
    pub fn ours(&self) -> Option<&T> {
        match self {
            Self::Ours(object) => Some(object),
            Self::Absent | Self::Going(_) | Self::Gone(_) | Self::Leaving | Self::Foreign(_) => {
                None
            }
        }
    }

    /// The object, or the last that was seen of it, if it is or was this
    /// test's.
    pub fn last(&self) -> Option<&T> {
        match self {
            Self::Ours(object) | Self::Going(object) | Self::Gone(object) => Some(object),
            Self::Absent | Self::Leaving | Self::Foreign(_) => None,
        }
    }

    /// Whether nothing stands under the name.
    pub const fn is_absent(&self) -> bool {
        matches!(self, Self::Absent | Self::Gone(_))
    }
}

fn controller(meta: &ObjectMeta) -> Option<&OwnerReference> {
    meta.owner_references
        .iter()
        .flatten()
        .find(|owner| owner.controller == Some(true))
}

fn is_namesake(owner: &OwnerReference, test: &LocustTest) -> bool {
    owner.kind == LocustTest::kind(&()) && Some(&owner.name) == test.metadata.name.as_ref()
}

impl Observed {
    /// The Job of a role, if it is this test's.
    pub fn job(&self, role: Role) -> Option<&Job> {
        match role {
            Role::Master => self.master_job.ours(),
            Role::Worker => self.worker_job.ours(),
        }
    }

    /// The Job of a role, or the last that was seen of it.
    pub fn last_job(&self, role: Role) -> Option<&Job> {
        match role {
            Role::Master => self.master_job.last(),
            Role::Worker => self.worker_job.last(),
        }
    }

    /// Pods of a role's Job.
    pub fn pods_of(&self, role: Role) -> impl Iterator<Item = &Pod> {
        let uid = self
            .last_job(role)
            .and_then(|job| job.metadata.uid.as_deref());
        self.pods.iter().filter(move |pod| {
            uid.is_some() && controller(&pod.metadata).map(|owner| owner.uid.as_str()) == uid
        })
    }
}

impl Observed {
    /// How many workers are at work. One that ended well was told to by its
    /// master: the end of a run is no loss of workers, so it still counts, also
    /// when its pod is removed after that. One whose pod was to be deleted
    /// before it ended was told to by somebody else.
    pub fn workers_at_work(&self) -> i32 {
        let count = self
            .pods_of(Role::Worker)
            .filter(|pod| self.is_worker_at_work(pod))
            .count();
        i32::try_from(count).unwrap_or(i32::MAX)
    }

    /// Whether a pod is a worker at work.
    pub fn is_worker_at_work(&self, pod: &Pod) -> bool {
        let container = self
            .last_job(Role::Worker)
            .and_then(|job| job.metadata.name.as_deref());
        container.is_some_and(|container| is_at_work(pod, container))
    }
}

impl Observed {
    /// Whether the run has thresholds to keep to.
    pub fn has_thresholds(&self) -> bool {
        let thresholds = self.test.spec.thresholds.as_ref();
        thresholds.is_some_and(|thresholds| !thresholds.is_empty())
    }

    /// How many workers the test was started with.
    pub fn workers_wanted(&self) -> i32 {
        let of_job = self
            .job(Role::Worker)
            .and_then(|job| job.spec.as_ref()?.parallelism);
        of_job.unwrap_or(self.test.spec.worker.replicas)
    }

    /// Whether the master's Locust has ended: its Job is about to say how.
    pub fn master_has_ended(&self) -> bool {
        self.master_states().any(|state| state.terminated.is_some())
    }

    /// Whether the master's Locust runs.
    pub fn master_runs(&self) -> bool {
        self.master_states().any(|state| state.running.is_some())
    }

    /// Since when the master's Locust runs, if it does and that is known.
    pub fn master_runs_since(&self) -> Option<Timestamp> {
        self.master_states()
            .filter_map(|state| state.running.as_ref()?.started_at.as_ref())
            .map(|since| since.0)
            .max()
    }

    fn master_states(&self) -> impl Iterator<Item = &ContainerState> {
        let container = self
            .job(Role::Master)
            .and_then(|job| job.metadata.name.as_deref());
        self.pods_of(Role::Master)
            .filter(|pod| !is_leaving(pod))
            .flat_map(|pod| pod.status.iter())
            .flat_map(|status| status.container_statuses.iter().flatten())
            .filter(move |status| Some(status.name.as_str()) == container)
            .filter_map(|status| status.state.as_ref())
    }
}

fn is_at_work(pod: &Pod, container: &str) -> bool {
    pod.status
        .iter()
        .flat_map(|status| status.container_statuses.iter().flatten())
        .filter(|status| status.name == container)
        .filter_map(|status| status.state.as_ref())
        .any(|state| match &state.terminated {
            Some(ended) => ended.exit_code == 0 && !health::cut_short(pod, container),
            None => state.running.is_some() && !is_leaving(pod),
        })
}

/// Whether a container of a pod runs.
pub fn is_running(pod: &Pod, container: &str) -> bool {
    pod.status
        .iter()
        .flat_map(|status| status.container_statuses.iter().flatten())
        .filter(|status| status.name == container)
        .filter_map(|status| status.state.as_ref())
        .any(|state| state.running.is_some())
}

/// Whether all containers of a pod have ended for good.
pub fn has_ended(pod: &Pod) -> bool {
    let phase = pod
        .status
        .as_ref()
        .and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}

/// Whether somebody has deleted the pod.
pub const fn is_leaving(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_some()
}

/// How far a Job has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    /// Held by us: it makes no pods.
    Held,
    /// Neither complete nor failed.
    Unfinished,
    /// Complete, since then.
    Complete(Timestamp),
    /// Failed, since then.
    Failed(Timestamp),
}

impl JobState {
    /// Reads the state off a Job. `now` stands in for a missing time.
    pub fn of(job: &Job, now: Timestamp) -> Self {
        let conditions = job
            .status
            .iter()
            .flat_map(|status| status.conditions.iter().flatten());
        for condition in conditions.filter(|condition| condition.status == "True") {
            let since = condition
                .last_transition_time
                .as_ref()
                .map_or(now, |time| time.0);
            match condition.type_.as_str() {
                "Complete" => return Self::Complete(since),
                "Failed" => return Self::Failed(since),
                _ => {}
            }
        }
        if is_held(job) {
            Self::Held
        } else {
            Self::Unfinished
        }
    }

    /// Since when the Job makes no more pods, if it is finished.
    pub const fn finished(self) -> Option<Timestamp> {
        match self {
            Self::Complete(since) | Self::Failed(since) => Some(since),
            Self::Held | Self::Unfinished => None,
        }
    }
}

/// Whether this operator holds the Job back. The annotation tells our hold from
/// that of a queueing system, which is not ours to end.
pub fn is_held(job: &Job) -> bool {
    let annotated = job
        .metadata
        .annotations
        .as_ref()
        .is_some_and(|annotations| annotations.contains_key(names::ANNOTATION_HELD));
    annotated && job.spec.as_ref().and_then(|spec| spec.suspend) == Some(true)
}

/// Whether somebody else holds the Job back, such as a queueing system.
pub fn is_suspended(job: &Job) -> bool {
    job.spec.as_ref().and_then(|spec| spec.suspend) == Some(true) && !is_held(job)
}

/// How many pods of a Job are running and ready.
pub fn ready_pods(job: &Job) -> i32 {
    job.status
        .as_ref()
        .and_then(|status| status.ready)
        .unwrap_or_default()
}

/// The run that the test records, if any.
pub fn recorded_run(test: &LocustTest) -> Option<&str> {
    test.metadata
        .annotations
        .as_ref()
        .and_then(|annotations| annotations.get(names::ANNOTATION_RUN))
        .map(String::as_str)
}
