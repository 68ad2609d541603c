//! How a run ended, and what a status says of it.

use jiff::Timestamp;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use locust_api::condition::{ConditionType, Reason};
use locust_api::latest::Phase;
use locust_api::names::{ANNOTATION_RUN, Role, role_name};

use crate::decide::Decision;
use crate::decide::over::LEAVE_PATIENCE;
use crate::observed::{JobState, Observed, is_suspended};
use crate::status::health::{self, Summary};
use crate::status::{Draft, Truth};

/// How a run ended.
pub(super) struct Verdict {
    phase: Phase,
    reason: Reason,
    detail: String,
    at: Timestamp,
    /// Trouble with pods that ended it.
    trouble: Option<Summary>,
}

impl Verdict {
    pub(super) const fn phase(&self) -> Phase {
        self.phase
    }
}

/// The end of a run whose master Job is not there, and never was seen.
pub(super) fn unknown(observed: &Observed, id: Option<&str>) -> Verdict {
    let job = master_of(observed);
    let run = id.map_or_else(String::new, |id| format!(" (run {id})"));
    let detail = format!(
        "Job {job}{run} is gone and its end was not seen; {}",
        not_again()
    );
    verdict(Phase::Failed, Reason::ResultUnknown, detail, observed.now)
}

/// The end of a run because one of its Jobs was deleted.
pub(super) fn deleted(role: Role, observed: &Observed) -> Verdict {
    let test = observed.test.metadata.name.as_deref().unwrap_or_default();
    let job = role_name(test, role);
    let detail = format!("Job {job} was deleted while the test ran; {}", not_again());
    verdict(Phase::Failed, Reason::JobDeleted, detail, observed.now)
}

fn not_again() -> String {
    format!(
        "it is not run again. To run the test again, delete it and create it without the annotation {ANNOTATION_RUN}"
    )
}

/// The master's own end, which counts whatever else is wrong.
pub(super) fn ended(observed: &Observed, master_job: &Job, state: JobState) -> Option<Verdict> {
    let container = master_job.metadata.name.as_deref().unwrap_or_default();
    let cut_short = || {
        let mut pods = observed.pods_of(Role::Master);
        pods.find(|pod| health::cut_short(pod, container))
    };
    match state {
        JobState::Held | JobState::Unfinished => None,
        JobState::Complete(at) => Some(match cut_short() {
            // Told to stop before its time, Locust exits with 0.
            Some(pod) => lost(pod, at),
            None => verdict(Phase::Succeeded, Reason::TestSucceeded, String::new(), at),
        }),
        JobState::Failed(at) => Some(match (cut_short(), observed.pods_of(Role::Master).next()) {
            (Some(pod), _) => lost(pod, at),
            (None, Some(pod)) => died(pod, master_job, at),
            (None, None) => match failed_message(master_job) {
                // Nothing but a deletion takes away the pod of a Job.
                _ if has_had_pod(master_job) && observed.job(Role::Master).is_some() => {
                    let why = last_seen(observed).unwrap_or("its pod was deleted");
                    failed(format!("the master was lost: {why}"), at)
                }
                message => failed(message.unwrap_or_default(), at),
            },
        }),
    }
}

/// The trouble with pods that was told before the master's was gone.
fn last_seen(observed: &Observed) -> Option<&str> {
    let conditions = observed.test.status.as_ref()?.conditions.as_ref()?;
    conditions
        .iter()
        .find(|condition| condition.type_ == ConditionType::PodsHealthy.as_str())
        .filter(|condition| condition.reason == Reason::Evicted.as_str())
        .map(|condition| condition.message.as_str())
}

fn has_had_pod(job: &Job) -> bool {
    let failed = job.status.as_ref().and_then(|status| status.failed);
    failed.is_some_and(|failed| failed > 0)
}

/// The master was taken away.
fn lost(pod: &Pod, at: Timestamp) -> Verdict {
    match health::fatal_summary(pod, &[Reason::Evicted]) {
        Some(trouble) => Verdict {
            detail: format!("the master was lost: {}", trouble.line),
            ..failed_by(trouble, at)
        },
        None => {
            let name = pod.metadata.name.as_deref().unwrap_or_default();
            failed(format!("the master was lost: pod {name} was deleted"), at)
        }
    }
}

/// The master ended by itself, or by its container's or node's trouble.
fn died(pod: &Pod, job: &Job, at: Timestamp) -> Verdict {
    const LOST: [Reason; 2] = [Reason::OOMKilled, Reason::Evicted];
    const NOT_STARTED: [Reason; 3] = [
        Reason::StartError,
        Reason::InitializationError,
        Reason::SchedulingError,
    ];
    if let Some(trouble) = health::fatal_summary(pod, &LOST) {
        let detail = format!("the master was lost: {}", trouble.line);
        return Verdict {
            detail,
            ..failed_by(trouble, at)
        };
    }
    if let Some(trouble) = health::fatal_summary(pod, &NOT_STARTED) {
        return failed_by(trouble, at);
    }
    let container = job.metadata.name.as_deref().unwrap_or_default();
    match health::ending(pod, container) {
        Some(ending) if health::own_exit(pod, container).is_none() => {
            failed(format!("the master was lost: {ending}"), at)
        }
        ending => failed(
            ending.or_else(|| failed_message(job)).unwrap_or_default(),
            at,
        ),
    }
}

/// A Job that is suspended loses its pods: the load has ended, and a master
/// that is started later would be a second run.
pub(super) fn suspended(observed: &Observed, master_job: &Job, draft: &Draft) -> Option<Verdict> {
    let was_running = draft.phase() == Some(Phase::Running);
    (was_running && is_suspended(master_job)).then(|| {
        let job = master_of(observed);
        let detail = format!(
            "Job {job} was suspended while the test ran; {}",
            not_again()
        );
        failed(detail, observed.now)
    })
}

pub(super) fn failed_message(job: &Job) -> Option<String> {
    job.status
        .iter()
        .flat_map(|status| status.conditions.iter().flatten())
        .find(|condition| condition.type_ == "Failed" && condition.status == "True")
        .and_then(|condition| condition.message.clone())
}

pub(super) const fn failed(detail: String, at: Timestamp) -> Verdict {
    verdict(Phase::Failed, Reason::TestFailed, detail, at)
}

/// A failure by trouble with pods.
pub(super) fn failed_by(trouble: Summary, at: Timestamp) -> Verdict {
    Verdict {
        trouble: Some(trouble.clone()),
        ..failed(trouble.line, at)
    }
}

const fn verdict(phase: Phase, reason: Reason, detail: String, at: Timestamp) -> Verdict {
    Verdict {
        phase,
        reason,
        detail,
        at,
        trouble: None,
    }
}

fn master_of(observed: &Observed) -> String {
    let test = observed.test.metadata.name.as_deref().unwrap_or_default();
    role_name(test, Role::Master)
}

/// Records a verdict. What still runs is ended by the next look, which finds
/// the test over.
pub(super) fn end(mut draft: Draft, verdict: Verdict) -> Decision {
    let Verdict {
        phase,
        reason,
        detail,
        at,
        trouble,
    } = verdict;
    if let Some(Summary { reason, line, .. }) = trouble {
        draft.set(ConditionType::PodsHealthy, Truth::False, reason, line);
    }
    draft.set_phase(phase);
    draft.complete(at);
    let message = match (phase, detail.is_empty()) {
        (Phase::Succeeded, _) => "Test completed successfully".to_owned(),
        (_, true) => "Test failed".to_owned(),
        (_, false) => format!("Test failed: {detail}"),
    };
    let (truth, ready, words) = match phase {
        Phase::Failed => (Truth::False, Reason::ResourcesFailed, "Test failed"),
        Phase::Pending | Phase::Running | Phase::Succeeded => (
            Truth::True,
            Reason::ResourcesCreated,
            "All resources created",
        ),
    };
    draft.set(ConditionType::Ready, truth, ready, words);
    draft.set(ConditionType::TestCompleted, Truth::True, reason, message);
    Decision {
        steps: Vec::new(),
        status: draft.finish(),
        events: Vec::new(),
        requeue: Some(LEAVE_PATIENCE),
    }
}
