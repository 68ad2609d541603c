//! What a status says of a run under way.

use std::time::Duration;

use k8s_openapi::api::batch::v1::Job;
use locust_api::condition::{ConditionType, Reason};
use locust_api::latest::{Completeness, Phase};
use locust_api::names::Role;

use super::{has_yet_to_listen, since};
use crate::locust::{RunPhase, State};
use crate::observed::{JobState, Observed, is_suspended};
use crate::polling::{self, Source};
use crate::settings::Settings;
use crate::status::health::{self, Trouble};
use crate::status::{Draft, Truth};
use crate::thresholds;

/// How long Kubernetes may take to make the first pods before it is told.
const CREATION_PATIENCE: Duration = Duration::from_secs(10);

/// How far a run that has no verdict has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Pods are made, or start.
    Starting,
    /// A person has yet to start the load, here.
    AwaitsPerson(String),
    /// There is load, or was.
    Running,
}

pub(super) fn progress(draft: &mut Draft, stage: &Stage) {
    let (reason, message) = match stage {
        Stage::Starting => (Reason::TestInProgress, "Test has not started".to_owned()),
        Stage::AwaitsPerson(url) => (
            Reason::WaitingForStart,
            format!("Waiting for the load to be started in the web UI at {url}"),
        ),
        Stage::Running => (Reason::TestInProgress, "Test is running".to_owned()),
    };
    draft.set(ConditionType::TestCompleted, Truth::False, reason, message);
}

/// Reports the pods. Returns when to look again though nothing was seen to
/// change.
pub(super) fn pods(
    observed: &Observed,
    draft: &mut Draft,
    troubles: &[Trouble],
    stage: &Stage,
) -> Option<Duration> {
    let healthy = ConditionType::PodsHealthy;
    let is_over = draft.phase().is_some_and(Phase::is_terminal);
    if let Some(summary) = health::summary(troubles) {
        // Pods of a test that is over do not start any more.
        let promise = if is_over { "" } else { &summary.promise };
        let message = format!("{}{promise}", summary.line);
        draft.set(healthy, Truth::False, summary.reason, message);
        return None;
    }
    if *stage != Stage::Starting {
        let message = "All pods are healthy";
        draft.set(healthy, Truth::True, Reason::PodsHealthy, message);
        return None;
    }
    let (message, wait) = starting(observed, draft);
    draft.set(healthy, Truth::True, Reason::PodsStarting, message);
    wait
}

fn starting(observed: &Observed, draft: &Draft) -> (String, Option<Duration>) {
    let waiting = "Waiting for pods to be created";
    if let Some(job) = jobs(observed).find(|job| is_suspended(job)) {
        let name = job.metadata.name.as_deref().unwrap_or_default();
        let message = format!("{waiting}: Job {name} is suspended by somebody else");
        return (message, None);
    }
    let all_made = [Role::Master, Role::Worker]
        .into_iter()
        .all(|role| observed.pods_of(role).next().is_some());
    let waited = draft
        .started()
        .map_or(CREATION_PATIENCE, |start| since(observed.now, start));
    let left = CREATION_PATIENCE.saturating_sub(waited);
    match (all_made, left) {
        (true, _) => ("Pods are starting up".to_owned(), None),
        (false, Duration::ZERO) => (waiting.to_owned(), None),
        (false, left) => ("Pods are starting up".to_owned(), Some(left)),
    }
}

fn jobs(observed: &Observed) -> impl Iterator<Item = &Job> {
    [Role::Master, Role::Worker]
        .into_iter()
        .filter_map(|role| observed.job(role))
}

pub(super) fn workers(observed: &Observed, draft: &mut Draft, stage: &Stage) {
    let connected = ConditionType::WorkersConnected;
    if *stage == Stage::Starting {
        draft.set(
            connected,
            Truth::False,
            Reason::WaitingForWorkers,
            "Waiting for workers to connect",
        );
        return;
    }
    let workers = match counted(observed) {
        Count::Now(workers) => workers,
        Count::AsBefore => return,
    };
    draft.set_connected_workers(workers);
    let expected = draft.expect_workers(observed.test.spec.worker.replicas);
    let message = format!("{workers}/{expected} workers connected");
    if workers >= expected {
        draft.set(connected, Truth::True, Reason::AllWorkersConnected, message);
    } else {
        draft.set(connected, Truth::False, Reason::WorkersMissing, message);
    }
}

/// How many workers there are.
enum Count {
    Now(i32),
    /// Workers that leave at the end are not lost.
    AsBefore,
}

/// Locust knows which workers are connected, and misses one that was killed only
/// after some seconds, when its replacement may be there already: the pods know
/// that at once. Where Locust cannot be asked, the pods alone are counted.
fn counted(observed: &Observed) -> Count {
    let heard = observed.heard.as_ref();
    let speaks = heard.filter(|heard| heard.silence.is_none() && !observed.master_has_ended());
    let Some((phase, numbers)) =
        speaks.and_then(|heard| Some((heard.phase, heard.numbers.as_ref()?)))
    else {
        return match left_well(observed) {
            true => Count::AsBefore,
            false => Count::Now(observed.workers_at_work()),
        };
    };
    let is_at_work = matches!(
        numbers.state,
        State::Ready | State::Spawning | State::Running
    );
    match phase {
        RunPhase::Starting | RunPhase::Running if is_at_work => {
            let connected = i32::try_from(numbers.workers_connected).unwrap_or(i32::MAX);
            Count::Now(connected.min(observed.workers_at_work()))
        }
        RunPhase::AllWorkersLost => Count::Now(0),
        RunPhase::Starting | RunPhase::Running | RunPhase::Ending | RunPhase::Ended => {
            Count::AsBefore
        }
    }
}

/// What Locust says of the run, or why it does not. Of one that has ended its
/// last words stay.
pub(super) fn stats(observed: &Observed, settings: &Settings, draft: &mut Draft) {
    let available = ConditionType::StatsAvailable;
    let source = polling::source(observed, settings);
    if source == Source::Headless {
        let message = "Locust runs without its web API (--headless); the run is followed by its Jobs and pods";
        draft.set(available, Truth::False, Reason::Headless, message);
    }
    let Some(heard) = &observed.heard else { return };
    if let Some(numbers) = &heard.numbers {
        draft.set_locust(polling::stats(numbers));
    }
    if source == Source::Nobody {
        return;
    }
    match &heard.silence {
        // It is no news that Locust takes a while to start.
        Some(_) if has_yet_to_listen(observed) && draft.phase() != Some(Phase::Running) => {}
        Some(silence) => draft.set(available, Truth::False, silence.reason(), silence.message()),
        None if heard.numbers.is_some() => {
            draft.set(available, Truth::True, Reason::Answering, "Locust answers");
        }
        None => {}
    }
}

/// What came out of the run, once its load is over or its end is known. Of a
/// master that is heard no more, what was noted before stays.
pub(super) fn results(observed: &Observed, draft: &mut Draft) {
    let Some(heard) = observed.heard.as_ref() else {
        return;
    };
    let Some(results) = polling::results(heard) else {
        return;
    };
    // An operator that has just started sees the end of the load anew, and late.
    let is_known = draft.results().is_some_and(|known| {
        known.completeness == Completeness::Complete && known.total == results.total
    });
    if !is_known {
        draft.set_results(results);
    }
}

/// How the numbers compare with the thresholds. A breach for good stays one.
pub(super) fn thresholds(observed: &Observed, draft: &mut Draft) {
    let met = ConditionType::ThresholdsMet;
    if !observed.has_thresholds() {
        draft.clear(met);
        return;
    }
    let is_breached = draft
        .condition(met)
        .is_some_and(|condition| condition.reason == Reason::ThresholdBreached.as_str());
    let Some(heard) = observed.heard.as_ref().filter(|_| !is_breached) else {
        return;
    };
    if !heard.phase.has_begun() {
        return;
    }
    let is_over = heard.phase.is_over();
    let (reason, message) = thresholds::summary(&heard.standings, is_over);
    let truth = if reason == Reason::AllMet {
        Truth::True
    } else {
        Truth::False
    };
    draft.set(met, truth, reason, message);
}

/// Whether what makes the load does so as asked for. What was lost or too much
/// stays true; users and workers that are missing may still come.
pub(super) fn generator(observed: &Observed, draft: &mut Draft) {
    let healthy = ConditionType::GeneratorHealthy;
    let Some(heard) = observed.heard.as_ref() else {
        return;
    };
    let may_pass = [Reason::UsersMissing, Reason::WorkersMissing].map(Reason::as_str);
    let was = draft.condition(healthy).map(|was| was.reason.as_str());
    let is_lasting = was.is_some_and(|reason| !may_pass.contains(&reason));
    match heard.making.unhealthy(heard.phase) {
        Some((reason, _)) if is_lasting && may_pass.contains(&reason.as_str()) => {}
        Some((reason, message)) => draft.set(healthy, Truth::False, reason, message),
        None if is_lasting || heard.numbers.is_none() => {}
        None => draft.clear(healthy),
    }
}

/// Whether the workers' Job is complete and removed, by its time to live. Its
/// pods went with it, and the numbers of the run stay.
fn left_well(observed: &Observed) -> bool {
    observed.job(Role::Worker).is_none()
        && observed.last_job(Role::Worker).is_some_and(|job| {
            let state = JobState::of(job, observed.now);
            matches!(state, JobState::Complete(_))
        })
}
