//! The run: from its record to its end and verdict. Nothing here creates a Job.

mod ending;
mod gate;
mod losses;
mod replace;
mod report;
mod stop;
mod store;
mod verdict;

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::batch::v1::Job;
use locust_api::condition::{ConditionType, Reason};
use locust_api::latest::Phase;
use locust_api::names::{Role, role_name};

use super::{Decision, RESYNC, Step, drift, start};
use crate::build;
use crate::by_hand::{Load, WebUi, web_ui};
use crate::events::Event;
use crate::observed::{Child, JobState, Observed, ready_pods, recorded_run};
use crate::polling::{self, Silence, Source};
use crate::resolve::resolve;
use crate::settings::Settings;
use crate::status::health;
use crate::status::{Draft, Truth};
use ending::{deleted, end, ended, suspended, unknown};
use losses::{Late, given_up};
use report::Stage;
use store::{Stored, store};

/// How long a running master waits for slow workers before the test counts as
/// running without them.
const WORKERS_PATIENCE: Duration = Duration::from_secs(10);
/// How long a master that has just started may take to say that there is load,
/// before that is taken from its pod and those of the workers.
const FIRST_WORDS: Duration = Duration::from_secs(5);
/// How long one may take that does not listen yet. On a busy node the start of
/// Python alone takes ten seconds.
const SLOW_START: Duration = Duration::from_secs(30);

pub(super) fn decide(observed: &Observed, settings: &Settings) -> Decision {
    let mut draft = Draft::of(observed);
    start::pending(&mut draft, observed);
    let recorded = recorded_run(&observed.test).map(str::to_owned);
    let known = recorded
        .clone()
        .or_else(|| draft.run().map(|run| run.id.clone()));
    let master_job = match observed.last_job(Role::Master) {
        Some(job) if is_run(job, known.as_deref()) => job,
        _ => {
            return end(
                observed,
                draft,
                unknown(observed, known.as_deref()),
                Vec::new(),
            );
        }
    };
    let id = master_job.metadata.uid.clone().unwrap_or_default();
    let is_there = observed.job(Role::Master).is_some();
    let mut steps = Vec::new();
    if recorded.is_none() {
        steps.push(Step::RecordRun { id: id.clone() });
    }
    let state = JobState::of(master_job, observed.now);
    if state == JobState::Held && is_there {
        steps.push(Step::ReleaseMaster {
            name: master_job.metadata.name.clone().unwrap_or_default(),
            uid: id.clone(),
        });
    }
    draft.begin(&id, &observed.test.spec);
    let over = ended(observed, master_job, state)
        .or_else(|| (!is_there).then(|| deleted(Role::Master, observed)))
        .or_else(|| suspended(observed, master_job, &draft));
    if let Some(ending) = over {
        drift::report(observed, &mut draft);
        draft.set_phase(ending.phase());
        report::stats(observed, settings, &mut draft);
        report::generator(observed, &mut draft);
        report::thresholds(observed, &mut draft);
        let troubles = health::troubles(observed);
        report::pods(observed, &mut draft, &troubles, &Stage::Running);
        return end(observed, draft, ending, steps);
    }
    follow(observed, settings, draft, steps)
}

/// Whether a Job is the one that the run is recorded for. A test of the Go
/// operator has no record yet: its Job is the run.
fn is_run(master_job: &Job, known: Option<&str>) -> bool {
    known.is_none_or(|id| master_job.metadata.uid.as_deref() == Some(id))
}

/// A run under way: watches workers and pods, and mends the Service.
fn follow(
    observed: &Observed,
    settings: &Settings,
    mut draft: Draft,
    mut steps: Vec<Step>,
) -> Decision {
    let Mended {
        step,
        event,
        requeue: service_requeue,
    } = mend_service(observed, settings, &mut draft);
    steps.extend(step);
    let events = event.into_iter().collect();
    let (stage, start_requeue) = stage(observed, settings, &draft);
    if stage == Stage::Running {
        draft.set_phase(Phase::Running);
    }
    report::workers(observed, &mut draft, &stage);
    report::stats(observed, settings, &mut draft);
    report::generator(observed, &mut draft);
    report::thresholds(observed, &mut draft);
    let is_load_over = observed
        .heard
        .as_ref()
        .is_some_and(|heard| heard.phase.is_over());
    if is_load_over {
        report::results(observed, &mut draft);
    }
    report::progress(&mut draft, &stage);
    let troubles = health::troubles(observed);
    let pods_requeue = report::pods(observed, &mut draft, &troubles, &stage);
    drift::report(observed, &mut draft);
    let late = stop::stopped(observed, settings, &mut draft).or_else(|| {
        let given_up = given_up(observed, settings, &draft, &troubles);
        let overdue = gate::overdue(observed, settings, &mut draft, &troubles);
        losses::sooner(given_up, overdue)
    });
    let patience = match late {
        Some(Late::Now(ending)) => {
            return Decision {
                events,
                ..end(observed, draft, ending, steps)
            };
        }
        Some(Late::In(wait)) => Some(wait),
        None => None,
    };
    steps.extend(replace::replacements(observed));
    let Stored {
        step: store_step,
        requeue: store_requeue,
    } = store(observed, &mut draft, false);
    steps.extend(store_step);
    let waits = [
        Some(start_requeue),
        Some(service_requeue),
        pods_requeue,
        patience,
        health::next_change(observed),
        store_requeue,
        stop::deadline_in(observed, &draft).filter(|left| !left.is_zero()),
    ];
    Decision {
        steps,
        status: draft.finish(),
        events,
        requeue: waits.into_iter().flatten().min(),
    }
}

/// What became of the look at the Service.
struct Mended {
    step: Option<Step>,
    event: Option<Event>,
    requeue: Duration,
}

/// The workers find their master by the Service: a run needs it all the time.
fn mend_service(observed: &Observed, settings: &Settings, draft: &mut Draft) -> Mended {
    let ready = ConditionType::Ready;
    let recreating = "Recreating externally deleted resources";
    let mut mended = Mended {
        step: None,
        event: None,
        requeue: RESYNC,
    };
    match &observed.service {
        Child::Ours(_) => {
            let message = "All resources created";
            draft.set(ready, Truth::True, Reason::ResourcesCreated, message);
        }
        Child::Absent | Child::Gone(_) => {
            let service = build::master_service(&resolve(&observed.test, settings));
            let name = service.metadata.name.as_deref().unwrap_or_default();
            mended.event = Some(Event::deleted_externally("Master Service", name));
            mended.step = Some(Step::CreateService(Box::new(service)));
            draft.set(ready, Truth::False, Reason::ResourcesCreating, recreating);
        }
        Child::Going(_) | Child::Leaving => {
            draft.set(ready, Truth::False, Reason::ResourcesCreating, recreating);
            mended.requeue = start::LEAVING_RETRY;
        }
        Child::Foreign(owner) => {
            let test = observed.test.metadata.name.as_deref().unwrap_or_default();
            let message = start::conflict("Service", &role_name(test, Role::Master), owner);
            draft.set(ready, Truth::False, Reason::NameConflict, message);
            mended.requeue = start::CONFLICT_RETRY;
        }
    }
    mended
}

/// How far the run has come, and when to look again. A run that was seen
/// running stays so until its verdict.
fn stage(observed: &Observed, settings: &Settings, draft: &Draft) -> (Stage, Duration) {
    let load = Load::of(observed.heard.as_ref());
    if draft.phase() == Some(Phase::Running) || load == Load::Started {
        return (Stage::Running, RESYNC);
    }
    if !observed.test.spec.master.autostart
        && let Some(web_ui) = web_ui(&resolve(&observed.test, settings))
    {
        return (stage_by_hand(load, draft, &web_ui), RESYNC);
    }
    let master_runs = observed
        .job(Role::Master)
        .is_some_and(|job| ready_pods(job) > 0);
    if !master_runs {
        return (Stage::Starting, RESYNC);
    }
    let waited = draft
        .started()
        .map_or(WORKERS_PATIENCE, |start| since(observed.now, start));
    let for_workers = match observed.workers_at_work() >= observed.workers_wanted() {
        true => Duration::ZERO,
        false => WORKERS_PATIENCE.saturating_sub(waited),
    };
    match for_workers.max(first_words_left(observed, settings)) {
        Duration::ZERO => (Stage::Running, RESYNC),
        wait => (Stage::Starting, wait),
    }
}

/// How long the master is still waited for, to say by itself that there is load.
fn first_words_left(observed: &Observed, settings: &Settings) -> Duration {
    let silence = observed
        .heard
        .as_ref()
        .and_then(|heard| heard.silence.as_ref());
    let patience = match silence {
        None => FIRST_WORDS,
        Some(_) if has_yet_to_listen(observed) => SLOW_START,
        Some(_) => return Duration::ZERO,
    };
    match (
        observed.master_runs_since(),
        polling::source(observed, settings),
    ) {
        (Some(start), Source::Master(_)) => patience.saturating_sub(since(observed.now, start)),
        _ => Duration::ZERO,
    }
}

/// Whether nothing was heard of the master, since nobody listens there.
fn has_yet_to_listen(observed: &Observed) -> bool {
    observed.heard.as_ref().is_some_and(|heard| {
        heard.numbers.is_none() && matches!(heard.silence, Some(Silence::NotListening(_)))
    })
}

/// Running means that the load has been started. A master that misses an answer
/// is where it was.
fn stage_by_hand(load: Load, draft: &Draft, web_ui: &WebUi) -> Stage {
    let waits = draft
        .condition(ConditionType::TestCompleted)
        .is_some_and(|condition| condition.reason == Reason::WaitingForStart.as_str());
    match load {
        Load::Started => Stage::Running,
        Load::Waiting => Stage::AwaitsPerson(web_ui.url()),
        Load::Unknown if waits => Stage::AwaitsPerson(web_ui.url()),
        Load::Unknown => Stage::Starting,
    }
}

fn since(now: Timestamp, start: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(start)).unwrap_or_default()
}
