//! Objects that wait for something that only their events name: pods that a
//! node has taken and not begun, and Jobs that get no pods. A healthy start is
//! over before anybody is suspected, so it costs no question.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use locust_api::condition::Reason;
use locust_api::names::Role;

use super::pods::{misconfigured, of_live};
use super::words::{missing, steady};
use super::{Prospect, Trouble, condition, created, elapsed, name};
use crate::observed::{JobState, Notice, Observed, has_ended, is_leaving};

/// How long an object may wait before it is asked about.
const SUSPICION: Duration = Duration::from_secs(3);
/// The shortest and the longest time between two questions about a test. In
/// between it is half of what the youngest suspect has waited.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(30));
/// How many pods of a role are asked about; they speak for the others, since
/// all are made from one template.
const SAMPLE: usize = 3;

/// What the events of some objects have to be read for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Questions {
    /// UIDs of the objects.
    pub about: Vec<String>,
    /// How old earlier answers may be.
    pub patience: Duration,
}

struct Suspect<'a> {
    uid: &'a str,
    who: String,
    /// How many pods wait.
    pods: usize,
    kind: Kind<'a>,
    /// Since when it waits.
    since: Timestamp,
}

#[derive(Clone, Copy)]
enum Kind<'a> {
    /// A pod that a node has taken and not begun.
    Pod(&'a Pod),
    /// A Job that has fewer pods than it wants.
    Job,
}

/// Whose events have to be read, if anybody's.
pub fn questions(observed: &Observed) -> Option<Questions> {
    let roles = [Role::Master, Role::Worker].map(|role| suspects(observed, role));
    // What keeps one Job from its pods mostly keeps the other: they are asked
    // about at one time, so that the status says it of both at once.
    let may_ask = |suspect: &Suspect<'_>| match suspect.kind {
        Kind::Pod(_) => is_due(observed, suspect),
        Kind::Job => roles
            .iter()
            .flatten()
            .filter(|other| matches!(other.kind, Kind::Job))
            .all(|other| is_due(observed, other)),
    };
    let suspects: Vec<&Suspect<'_>> = roles
        .iter()
        .flat_map(|suspects| suspects.iter().filter(|one| may_ask(one)).take(SAMPLE))
        .collect();
    let youngest = suspects
        .iter()
        .map(|suspect| elapsed(observed, suspect.since))
        .min()?;
    let (shortest, longest) = PATIENCE;
    Some(Questions {
        about: suspects
            .iter()
            .map(|suspect| suspect.uid.to_owned())
            .collect(),
        patience: (youngest / 2).clamp(shortest, longest),
    })
}

/// When somebody becomes a suspect, or has to be asked about again.
pub(super) fn next_change(observed: &Observed) -> Option<Duration> {
    let coming = [Role::Master, Role::Worker]
        .into_iter()
        .flat_map(|role| suspects(observed, role))
        .filter_map(|suspect| SUSPICION.checked_sub(elapsed(observed, suspect.since)))
        .filter(|wait| !wait.is_zero())
        .min();
    let again = questions(observed).map(|questions| questions.patience);
    coming.into_iter().chain(again).min()
}

/// Trouble that events tell of.
pub(super) fn troubles(observed: &Observed, role: Role) -> Vec<Trouble> {
    let suspects = suspects(observed, role);
    let sample = suspects
        .iter()
        .filter(|suspect| matches!(suspect.kind, Kind::Pod(_)))
        .find_map(|suspect| notice(observed, suspect));
    let told = suspects.iter().filter_map(|suspect| {
        let of_others = match suspect.kind {
            Kind::Pod(_) if is_due(observed, suspect) => sample,
            Kind::Pod(_) | Kind::Job => None,
        };
        let notice = notice(observed, suspect).or(of_others)?;
        Some(trouble(observed, suspect, notice))
    });
    told.collect()
}

fn trouble(observed: &Observed, suspect: &Suspect<'_>, notice: &Notice) -> Trouble {
    let words = steady(&notice.message);
    let (reason, message, prospect) = match (suspect.kind, notice.reason.as_str()) {
        (Kind::Job, _) => (Reason::PodCreationError, words, Prospect::Heals(None)),
        (Kind::Pod(_), reason) if MOUNT.contains(&reason) => match missing(&words) {
            Some(_) => misconfigured(observed, &words),
            None => (Reason::MountError, words, Prospect::Heals(None)),
        },
        (Kind::Pod(_), _) => (Reason::SandboxError, words, Prospect::Heals(None)),
    };
    Trouble {
        who: suspect.who.clone(),
        pods: suspect.pods,
        reason,
        message,
        prospect,
        since: match suspect.kind {
            Kind::Pod(pod) => created(pod),
            Kind::Job => suspect.since,
        },
    }
}

/// Reasons of events about volumes.
const MOUNT: [&str; 3] = ["FailedMount", "FailedAttachVolume", "FailedMapVolume"];
/// Reasons of events about a pod's sandbox.
const SANDBOX: [&str; 3] = [
    "FailedCreatePodSandBox",
    "FailedCreatePodContainer",
    "NetworkNotReady",
];

/// The latest that an event says of why a suspect waits.
fn notice<'a>(observed: &'a Observed, suspect: &Suspect<'_>) -> Option<&'a Notice> {
    observed
        .notices
        .iter()
        .filter(|notice| notice.about == suspect.uid)
        .filter(|notice| {
            let reason = notice.reason.as_str();
            match suspect.kind {
                Kind::Pod(_) => MOUNT.contains(&reason) || SANDBOX.contains(&reason),
                Kind::Job => reason == "FailedCreate" && notice.at >= suspect.since,
            }
        })
        .max_by_key(|notice| notice.at)
}

fn is_due(observed: &Observed, suspect: &Suspect<'_>) -> bool {
    elapsed(observed, suspect.since) >= SUSPICION
}

fn suspects(observed: &Observed, role: Role) -> Vec<Suspect<'_>> {
    let Some(job) = observed.job(role) else {
        return Vec::new();
    };
    let short = short_of_pods(observed, role, job);
    let pods = observed
        .pods_of(role)
        .filter_map(|pod| untold(observed, pod));
    short.into_iter().chain(pods).collect()
}

/// A pod that a node has taken and not begun, and whose status does not say
/// why. Its volumes are mounted and its sandbox made before it is ready for
/// containers; what comes later is told by them.
fn untold<'a>(observed: &Observed, pod: &'a Pod) -> Option<Suspect<'a>> {
    let status = pod.status.as_ref()?;
    let scheduled = condition(pod, "PodScheduled", "True")?;
    let has_begun = condition(pod, "PodReadyToStartContainers", "True").is_some()
        || status
            .init_container_statuses
            .iter()
            .chain(&status.container_statuses)
            .flatten()
            .filter_map(|container| container.state.as_ref())
            .any(|state| state.running.is_some() || state.terminated.is_some());
    if has_begun || has_ended(pod) || is_leaving(pod) || of_live(observed, pod).is_some() {
        return None;
    }
    let since = scheduled.last_transition_time.as_ref();
    Some(Suspect {
        uid: pod.metadata.uid.as_deref()?,
        who: name(pod),
        pods: 1,
        kind: Kind::Pod(pod),
        since: since.map_or_else(|| created(pod), |time| time.0),
    })
}

fn has_succeeded(pod: &Pod) -> bool {
    let status = pod.status.as_ref();
    status.and_then(|status| status.phase.as_deref()) == Some("Succeeded")
}

/// A Job that wants more pods than it has. One that is suspended, or has a pod
/// that succeeded, wants no more; its own status says that a little later than
/// the pod's.
fn short_of_pods<'a>(observed: &Observed, role: Role, job: &'a Job) -> Option<Suspect<'a>> {
    let spec = job.spec.as_ref()?;
    let is_over = JobState::of(job, observed.now).finished().is_some();
    let has_success = job
        .status
        .as_ref()
        .is_some_and(|status| status.succeeded > Some(0))
        || observed.pods_of(role).any(has_succeeded);
    if is_over || has_success || spec.suspend == Some(true) {
        return None;
    }
    let wanted = usize::try_from(spec.parallelism.unwrap_or(1)).unwrap_or_default();
    let live = observed
        .pods_of(role)
        .filter(|pod| !has_ended(pod) && !is_leaving(pod))
        .count();
    let missing = wanted.checked_sub(live).filter(|missing| *missing > 0)?;
    let started = job
        .status
        .as_ref()
        .and_then(|status| status.start_time.as_ref());
    let newest = observed.pods_of(role).map(created).max();
    let since = started.map(|time| time.0).into_iter().chain(newest).max()?;
    Some(Suspect {
        uid: job.metadata.uid.as_deref()?,
        who: format!("Job {}", job.metadata.name.as_deref().unwrap_or_default()),
        pods: missing,
        kind: Kind::Job,
        since,
    })
}
