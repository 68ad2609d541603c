//! How a run ended, and what a status says of it.

use jiff::Timestamp;
use k8s_openapi::api::batch::v1::Job;
use locust_api::condition::{ConditionType, Reason};
use locust_api::latest::Phase;
use locust_api::names::{ANNOTATION_RUN, Role, role_name};

use crate::decide::Decision;
use crate::decide::over::LEAVE_PATIENCE;
use crate::observed::{JobState, Observed, is_suspended};
use crate::status::health;
use crate::status::{Draft, Truth};

/// How a run ended.
pub(super) struct Verdict {
    phase: Phase,
    reason: Reason,
    detail: String,
    at: Timestamp,
}

/// The end of a run whose master Job is not there, and never was seen.
pub(super) fn lost(observed: &Observed, id: Option<&str>) -> Verdict {
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
    match state {
        JobState::Held | JobState::Unfinished => None,
        JobState::Complete(at) => Some(verdict(
            Phase::Succeeded,
            Reason::TestSucceeded,
            String::new(),
            at,
        )),
        JobState::Failed(at) => {
            let container = master_job.metadata.name.as_deref().unwrap_or_default();
            let detail = observed
                .pods_of(Role::Master)
                .find_map(|pod| health::ending(pod, container))
                .or_else(|| failed_message(master_job))
                .unwrap_or_default();
            Some(failed(detail, at))
        }
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

const fn verdict(phase: Phase, reason: Reason, detail: String, at: Timestamp) -> Verdict {
    Verdict {
        phase,
        reason,
        detail,
        at,
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
    } = verdict;
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
