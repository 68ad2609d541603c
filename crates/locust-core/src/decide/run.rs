//! The run: from its record to its verdict. Nothing here creates a Job.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::batch::v1::Job;
use locust_api::condition::{ConditionType, Reason};
use locust_api::latest::Phase;
use locust_api::names::{Role, role_name};

use super::over::LEAVE_PATIENCE;
use super::{Decision, RESYNC, Step, start};
use crate::build;
use crate::events::Event;
use crate::observed::{Child, JobState, Observed, ready_pods, recorded_run};
use crate::resolve::resolve;
use crate::settings::Settings;
use crate::status::health::{self, Trouble};
use crate::status::{Draft, Truth};

/// How long a running master waits for slow workers before the test counts as
/// running without them.
const WORKERS_PATIENCE: Duration = Duration::from_secs(10);
/// How long the master may go on after the last worker is gone. In a normal
/// end the workers leave one or two seconds before it.
const ALONE_PATIENCE: Duration = Duration::from_secs(30);
/// How long the master may go on without a workers' Job.
const ORPHAN_PATIENCE: Duration = Duration::from_secs(10);

/// How a run ended.
struct Verdict {
    phase: Phase,
    reason: Reason,
    detail: String,
    at: Timestamp,
}

pub(super) fn decide(observed: &Observed, settings: &Settings) -> Decision {
    let mut draft = Draft::of(observed);
    start::pending(&mut draft, observed);
    let recorded = recorded_run(&observed.test).map(str::to_owned);
    let known = recorded
        .clone()
        .or_else(|| draft.run().map(|run| run.id.clone()));
    let master_job = match observed.job(Role::Master) {
        Some(job) if is_run(job, known.as_deref()) => job,
        _ => return end(draft, lost(observed, known.as_deref())),
    };
    let id = master_job.metadata.uid.clone().unwrap_or_default();
    let mut steps = Vec::new();
    if recorded.is_none() {
        steps.push(Step::RecordRun { id: id.clone() });
    }
    let state = JobState::of(master_job, observed.now);
    if state == JobState::Held {
        steps.push(Step::ReleaseMaster {
            name: master_job.metadata.name.clone().unwrap_or_default(),
            uid: id.clone(),
        });
    }
    draft.begin(&id);
    if let Some(verdict) = ended(observed, master_job, state) {
        let mut decision = end(draft, verdict);
        decision.steps = steps;
        return decision;
    }
    follow(observed, settings, draft, steps)
}

/// Whether a Job is the one that the run is recorded for. A test of the Go
/// operator has no record yet: its Job is the run.
fn is_run(master_job: &Job, known: Option<&str>) -> bool {
    known.is_none_or(|id| master_job.metadata.uid.as_deref() == Some(id))
}

fn lost(observed: &Observed, id: Option<&str>) -> Verdict {
    let test = observed.test.metadata.name.as_deref().unwrap_or_default();
    let job = role_name(test, Role::Master);
    let run = id.map_or_else(String::new, |id| format!(" (run {id})"));
    Verdict {
        phase: Phase::Failed,
        reason: Reason::ResultUnknown,
        detail: format!(
            "Job {job}{run} is gone and its end was not seen; it is not run again. To run the test again, delete it and create it without the annotation {}",
            locust_api::names::ANNOTATION_RUN
        ),
        at: observed.now,
    }
}

/// The master's own end, which counts whatever else is wrong.
fn ended(observed: &Observed, master_job: &Job, state: JobState) -> Option<Verdict> {
    match state {
        JobState::Held | JobState::Unfinished => None,
        JobState::Complete(at) => Some(Verdict {
            phase: Phase::Succeeded,
            reason: Reason::TestSucceeded,
            detail: String::new(),
            at,
        }),
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

fn failed_message(job: &Job) -> Option<String> {
    job.status
        .iter()
        .flat_map(|status| status.conditions.iter().flatten())
        .find(|condition| condition.type_ == "Failed" && condition.status == "True")
        .and_then(|condition| condition.message.clone())
}

fn failed(detail: String, at: Timestamp) -> Verdict {
    Verdict {
        phase: Phase::Failed,
        reason: Reason::TestFailed,
        detail,
        at,
    }
}

/// A run under way: watches workers and pods, and mends the Service.
fn follow(
    observed: &Observed,
    settings: &Settings,
    mut draft: Draft,
    mut steps: Vec<Step>,
) -> Decision {
    let mut events = Vec::new();
    if observed.service.is_absent() {
        let service = build::master_service(&resolve(&observed.test, settings), settings);
        let name = service.metadata.name.clone().unwrap_or_default();
        events.push(Event::deleted_externally("Master Service", &name));
        steps.push(Step::CreateService(Box::new(service)));
    }
    draft.set(
        ConditionType::Ready,
        Truth::True,
        Reason::ResourcesCreated,
        "All resources created",
    );
    let start_requeue = enter_running(observed, &mut draft);
    report_workers(observed, &mut draft);
    report_progress(&mut draft);
    let pods = observed
        .pods_of(Role::Master)
        .chain(observed.pods_of(Role::Worker));
    let troubles = health::troubles(pods);
    report_pods(&mut draft, &troubles);
    report_drift(observed, &mut draft);
    let given_up =
        workers_lost(observed, &draft).or_else(|| outlasted(observed, settings, &draft, &troubles));
    match given_up {
        Some(Late::Now(verdict)) => Decision {
            steps,
            events,
            ..end(draft, verdict)
        },
        Some(Late::In(wait)) => Decision {
            steps,
            status: draft.finish(),
            events,
            requeue: Some(wait.min(start_requeue)),
        },
        None => Decision {
            steps,
            status: draft.finish(),
            events,
            requeue: Some(start_requeue),
        },
    }
}

/// Running means: the master runs, and so do its workers, or they are slow.
/// Returns when to look again.
fn enter_running(observed: &Observed, draft: &mut Draft) -> Duration {
    if draft.phase() == Some(Phase::Running) {
        return RESYNC;
    }
    let master_runs = observed
        .job(Role::Master)
        .is_some_and(|job| ready_pods(job) > 0);
    if !master_runs {
        return RESYNC;
    }
    let workers = observed.workers_at_work();
    let waited = draft
        .started()
        .map_or(WORKERS_PATIENCE, |start| since(observed.now, start));
    if workers >= observed.test.spec.worker.replicas || waited >= WORKERS_PATIENCE {
        draft.set_phase(Phase::Running);
        return RESYNC;
    }
    WORKERS_PATIENCE.saturating_sub(waited)
}

fn report_progress(draft: &mut Draft) {
    let progress = match draft.phase() {
        Some(Phase::Running) => "Test is running",
        _ => "Test has not started",
    };
    draft.set(
        ConditionType::TestCompleted,
        Truth::False,
        Reason::TestInProgress,
        progress,
    );
}

fn report_pods(draft: &mut Draft, troubles: &[Trouble]) {
    let healthy = ConditionType::PodsHealthy;
    match (health::summary(troubles), draft.phase()) {
        (Some((reason, message)), _) => draft.set(healthy, Truth::False, reason, message),
        (None, Some(Phase::Running)) => {
            draft.set(
                healthy,
                Truth::True,
                Reason::PodsHealthy,
                "All pods are healthy",
            );
        }
        (None, _) => draft.set(
            healthy,
            Truth::True,
            Reason::PodsStarting,
            "Waiting for pods to start",
        ),
    }
}

fn report_workers(observed: &Observed, draft: &mut Draft) {
    let connected = ConditionType::WorkersConnected;
    if draft.phase() != Some(Phase::Running) {
        draft.set(
            connected,
            Truth::False,
            Reason::WaitingForWorkers,
            "Waiting for workers to connect",
        );
        return;
    }
    let workers = observed.workers_at_work();
    draft.set_connected_workers(workers);
    let expected = draft.expect_workers(observed.test.spec.worker.replicas);
    let message = format!("{workers}/{expected} workers connected");
    if workers >= expected {
        draft.set(connected, Truth::True, Reason::AllWorkersConnected, message);
    } else {
        draft.set(connected, Truth::False, Reason::WorkersMissing, message);
    }
}

/// A run keeps the spec that it was begun with.
fn report_drift(observed: &Observed, draft: &mut Draft) {
    let begun_with = draft.run().and_then(|run| run.generation);
    if begun_with == observed.test.metadata.generation {
        draft.clear(ConditionType::SpecDrifted);
        return;
    }
    draft.set(
        ConditionType::SpecDrifted,
        Truth::True,
        Reason::SpecChangeIgnored,
        "Spec changes after creation are ignored. Delete and recreate the CR to apply changes.",
    );
}

/// A failure that is certain now, or will be unless something changes.
enum Late {
    Now(Verdict),
    In(Duration),
}

/// Without workers the master makes no load and might still end well.
fn workers_lost(observed: &Observed, draft: &Draft) -> Option<Late> {
    let now = observed.now;
    let test = observed.test.metadata.name.as_deref().unwrap_or_default();
    let name = role_name(test, Role::Worker);
    match &observed.worker_job {
        Child::Ours(job) => match JobState::of(job, now) {
            JobState::Failed(at) => Some(Late::Now(failed(
                format!(
                    "no worker is left: Job {name} failed: {}",
                    failed_message(job).unwrap_or_default()
                ),
                at,
            ))),
            JobState::Complete(at) => Some(late(now, at, ALONE_PATIENCE, || {
                failed(
                    format!("all workers of Job {name} ended before the master"),
                    now,
                )
            })),
            JobState::Held | JobState::Unfinished => None,
        },
        Child::Absent | Child::Leaving | Child::Foreign(_) => {
            let missing_since = draft
                .condition(ConditionType::WorkersConnected)
                .filter(|condition| condition.status == "False")
                .map_or(now, |condition| condition.last_transition_time.0);
            Some(late(now, missing_since, ORPHAN_PATIENCE, || {
                failed(format!("Job {name} was deleted while the test ran"), now)
            }))
        }
    }
}

/// Pods that cannot start for longer than the grace end the test, unless all
/// its workers were there before: then it goes on without them.
fn outlasted(
    observed: &Observed,
    settings: &Settings,
    draft: &Draft,
    troubles: &[Trouble],
) -> Option<Late> {
    let was_complete = draft.phase() == Some(Phase::Running) && draft.connected_workers() > 0;
    if was_complete {
        return None;
    }
    let oldest = troubles.iter().map(|trouble| trouble.since).min()?;
    let (_, message) = health::summary(troubles)?;
    Some(late(observed.now, oldest, settings.pod_grace, || {
        failed(message, observed.now)
    }))
}

fn late(
    now: Timestamp,
    start: Timestamp,
    patience: Duration,
    verdict: impl FnOnce() -> Verdict,
) -> Late {
    match patience.saturating_sub(since(now, start)) {
        Duration::ZERO => Late::Now(verdict()),
        wait => Late::In(wait),
    }
}

fn since(now: Timestamp, start: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(start)).unwrap_or_default()
}

/// Records a verdict. What still runs is ended by the next look, which finds
/// the test over.
fn end(mut draft: Draft, verdict: Verdict) -> Decision {
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
    if phase == Phase::Failed {
        draft.set(
            ConditionType::Ready,
            Truth::False,
            Reason::ResourcesFailed,
            "Test failed",
        );
    } else {
        draft.set(
            ConditionType::Ready,
            Truth::True,
            Reason::ResourcesCreated,
            "All resources created",
        );
    }
    draft.set(ConditionType::TestCompleted, Truth::True, reason, message);
    Decision {
        steps: Vec::new(),
        status: draft.finish(),
        events: Vec::new(),
        requeue: Some(LEAVE_PATIENCE),
    }
}
