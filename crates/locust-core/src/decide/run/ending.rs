//! How a run ended.

use jiff::Timestamp;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use locust_api::condition::{ConditionType, Reason};
use locust_api::failure::FailureReason;
use locust_api::latest::Phase;
use locust_api::names::{ANNOTATION_RUN, Role, role_name};

use super::store::store;
use super::{report, verdict};
use crate::decide::over::LEAVE_PATIENCE;
use crate::decide::{Decision, Step};
pub(super) use crate::judgement::Cause;
use crate::observed::{JobState, Observed, is_suspended};
use crate::status::health::{self, Summary};
use crate::status::{Draft, Truth};

/// How a run ended.
pub(super) struct Ending {
    /// What made it end badly, if anything did.
    pub(super) cause: Option<Cause>,
    pub(super) reason: Reason,
    pub(super) detail: String,
    /// More of it than the detail, if that is known.
    pub(super) told: Option<String>,
    /// The exit code of a master that ended by itself, but for 0.
    pub(super) exit: Option<i32>,
    pub(super) at: Timestamp,
    /// Trouble with pods that ended it.
    pub(super) trouble: Option<Summary>,
}

impl Ending {
    pub(super) const fn phase(&self) -> Phase {
        match self.cause {
            None => Phase::Succeeded,
            Some(_) => Phase::Failed,
        }
    }
}

/// The end of a run whose master Job is not there, and never was seen.
pub(super) fn unknown(observed: &Observed, id: Option<&str>) -> Ending {
    let job = master_of(observed);
    let run = id.map_or_else(String::new, |id| format!(" (run {id})"));
    let detail = format!(
        "Job {job}{run} is gone and its end was not seen; {}",
        not_again()
    );
    Ending {
        reason: Reason::ResultUnknown,
        ..failed(
            Cause::Run(FailureReason::ResultUnknown),
            detail,
            observed.now,
        )
    }
}

/// The end of a run because one of its Jobs was deleted.
pub(super) fn deleted(role: Role, observed: &Observed) -> Ending {
    let test = observed.test.metadata.name.as_deref().unwrap_or_default();
    let job = role_name(test, role);
    let detail = format!("Job {job} was deleted while the test ran; {}", not_again());
    Ending {
        reason: Reason::JobDeleted,
        ..failed(Cause::Run(FailureReason::JobDeleted), detail, observed.now)
    }
}

fn not_again() -> String {
    format!(
        "it is not run again. To run the test again, delete it and create it without the annotation {ANNOTATION_RUN}"
    )
}

/// The master's own end, which counts whatever else is wrong.
pub(super) fn ended(observed: &Observed, master_job: &Job, state: JobState) -> Option<Ending> {
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
            None => well(at),
        }),
        JobState::Failed(at) => Some(match (cut_short(), observed.pods_of(Role::Master).next()) {
            (Some(pod), _) => lost(pod, at),
            (None, Some(pod)) => died(pod, master_job, at),
            (None, None) => match failed_message(master_job) {
                // Nothing but a deletion takes away the pod of a Job.
                _ if has_had_pod(master_job) && observed.job(Role::Master).is_some() => {
                    let why = last_seen(observed).unwrap_or("its pod was deleted");
                    failed(LOST, format!("the master was lost: {why}"), at)
                }
                message => failed(LOST, message.unwrap_or_default(), at),
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
fn lost(pod: &Pod, at: Timestamp) -> Ending {
    match health::fatal_summary(pod, &[Reason::Evicted]) {
        Some(trouble) => Ending {
            detail: format!("the master was lost: {}", trouble.line),
            ..failed_by(trouble, at)
        },
        None => {
            let name = pod.metadata.name.as_deref().unwrap_or_default();
            let detail = format!("the master was lost: pod {name} was deleted");
            failed(LOST, detail, at)
        }
    }
}

/// The master ended by itself, or by its container's or node's trouble.
fn died(pod: &Pod, job: &Job, at: Timestamp) -> Ending {
    const TAKEN: [Reason; 2] = [Reason::OOMKilled, Reason::Evicted];
    const NOT_STARTED: [Reason; 3] = [
        Reason::StartError,
        Reason::InitializationError,
        Reason::SchedulingError,
    ];
    if let Some(trouble) = health::fatal_summary(pod, &TAKEN) {
        let detail = format!("the master was lost: {}", trouble.line);
        return Ending {
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
            failed(LOST, format!("the master was lost: {ending}"), at)
        }
        ending => {
            let exit = health::exit_code(pod, container);
            let reason = match exit {
                Some(1) if health::cause(pod, container).is_none() => {
                    FailureReason::RequestFailures
                }
                Some(1 | 2) => FailureReason::LocustfileError,
                _ => FailureReason::ExitCode,
            };
            let detail = ending.or_else(|| failed_message(job));
            Ending {
                exit,
                ..failed(Cause::Run(reason), detail.unwrap_or_default(), at)
            }
        }
    }
}

/// A Job that is suspended loses its pods: the load has ended, and a master
/// that is started later would be a second run.
pub(super) fn suspended(observed: &Observed, master_job: &Job, draft: &Draft) -> Option<Ending> {
    let was_running = draft.phase() == Some(Phase::Running);
    (was_running && is_suspended(master_job)).then(|| {
        let job = master_of(observed);
        let detail = format!(
            "Job {job} was suspended while the test ran; {}",
            not_again()
        );
        let deleted = Cause::Run(FailureReason::JobDeleted);
        failed(deleted, detail, observed.now)
    })
}

pub(super) fn failed_message(job: &Job) -> Option<String> {
    job.status
        .iter()
        .flat_map(|status| status.conditions.iter().flatten())
        .find(|condition| condition.type_ == "Failed" && condition.status == "True")
        .and_then(|condition| condition.message.clone())
}

const LOST: Cause = Cause::Run(FailureReason::MasterLost);

pub(super) const fn well(at: Timestamp) -> Ending {
    Ending {
        cause: None,
        reason: Reason::TestSucceeded,
        detail: String::new(),
        told: None,
        exit: None,
        at,
        trouble: None,
    }
}

pub(super) const fn failed(cause: Cause, detail: String, at: Timestamp) -> Ending {
    Ending {
        cause: Some(cause),
        reason: Reason::TestFailed,
        detail,
        told: None,
        exit: None,
        at,
        trouble: None,
    }
}

/// A failure by trouble with pods.
pub(super) fn failed_by(trouble: Summary, at: Timestamp) -> Ending {
    Ending {
        trouble: Some(trouble.clone()),
        ..failed(Cause::Pods(trouble.reason), trouble.line, at)
    }
}

fn master_of(observed: &Observed) -> String {
    let test = observed.test.metadata.name.as_deref().unwrap_or_default();
    role_name(test, Role::Master)
}

/// Records an end and its verdict. What still runs is ended by the next look,
/// which finds the test over.
pub(super) fn end(
    observed: &Observed,
    mut draft: Draft,
    ending: Ending,
    mut steps: Vec<Step>,
) -> Decision {
    report::results(observed, &mut draft);
    steps.extend(store(observed, &mut draft, true).step);
    let Ending {
        cause,
        reason,
        detail,
        at,
        trouble,
        told: _,
        exit: _,
    } = verdict::record(&mut draft, observed.has_thresholds(), ending);
    if let Some(Summary { reason, line, .. }) = trouble {
        draft.set(ConditionType::PodsHealthy, Truth::False, reason, line);
    }
    draft.complete(at);
    let (phase, truth, ready, words, message) = match (cause, detail.is_empty()) {
        (None, _) => (
            Phase::Succeeded,
            Truth::True,
            Reason::ResourcesCreated,
            "All resources created",
            "Test completed successfully".to_owned(),
        ),
        (Some(_), is_silent) => (
            Phase::Failed,
            Truth::False,
            Reason::ResourcesFailed,
            "Test failed",
            match is_silent {
                true => "Test failed".to_owned(),
                false => format!("Test failed: {detail}"),
            },
        ),
    };
    draft.set_phase(phase);
    draft.set(ConditionType::Ready, truth, ready, words);
    draft.set(ConditionType::TestCompleted, Truth::True, reason, message);
    Decision {
        steps,
        status: draft.finish(),
        events: Vec::new(),
        requeue: Some(LEAVE_PATIENCE),
    }
}
