//! Runs whose workers are not all connected in time.

use jiff::SignedDuration;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use locust_api::latest::{StartPolicy, Verdict};
use serde_json::json;

use super::objects::heard;
use super::*;
use crate::polling::{Heard, Master, Order, Silence, Source, source};

/// One of two workers is connected, and the other may take a minute.
fn waiting(policy: Option<StartPolicy>) -> World {
    let mut world = World::new();
    world.test.spec.start_deadline_seconds = Some(60);
    world.test.spec.start_policy = policy;
    world.look();
    world.workers_run(1);
    world.master_runs();
    world.heard = Some(heard("ready", 0, 0, 1));
    world.look();
    world
}

fn after(world: &mut World, seconds: i64) {
    world.now += SignedDuration::from_secs(seconds);
    world.look();
}

fn end(world: &World) -> Option<(&str, &str, Verdict)> {
    let status = world.test.status.as_ref()?;
    let failure = status.failure.as_ref()?;
    Some((&failure.reason, &failure.message, status.verdict?))
}

fn master(world: &World) -> Option<Master> {
    match source(&world.observed(), &Settings::default()) {
        Source::Master(master) => Some(*master),
        Source::Nobody | Source::Headless => None,
    }
}

fn order(world: &World) -> Option<Order> {
    master(world)?.order
}

const MISSED: (&str, &str, Verdict) = (
    "WorkersNeverConnected",
    "1 of 2 workers were connected within spec.startDeadlineSeconds (60)",
    Verdict::Failed,
);

#[test]
fn workers_that_were_never_all_connected_fail_the_run_at_its_start_deadline() {
    for policy in [None, Some(StartPolicy::Fail)] {
        let mut world = waiting(policy);
        let requeue = decide(&world.observed(), &Settings::default()).requeue;
        assert!(requeue.unwrap() <= std::time::Duration::from_secs(60));
        after(&mut world, 59);
        assert_eq!(end(&world), None);
        after(&mut world, 1);
        assert_eq!(end(&world), Some(MISSED));
        assert_eq!(world.phase(), Some(Phase::Failed));
        assert_eq!(order(&world), None);
        world.look();
        assert!(world.master.is_none() && world.worker.is_none());
    }
}

#[test]
fn workers_that_were_all_there_once_have_kept_the_start_deadline() {
    let mut world = waiting(None);
    after(&mut world, 30);
    world.workers_run(2);
    world.heard = Some(heard("running", 5, 40, 2));
    world.look();
    world.workers_run(1);
    world.heard = Some(heard("running", 5, 80, 1));
    after(&mut world, 40);
    assert_eq!(world.phase(), Some(Phase::Running));
    assert_eq!(end(&world), None);
}

#[test]
fn without_a_start_deadline_workers_are_waited_for() {
    let mut world = waiting(None);
    world.test.spec.start_deadline_seconds = None;
    world.test.spec.start_policy = Some(StartPolicy::StartAnyway);
    after(&mut world, 3600);
    assert_eq!(end(&world), None);
    assert_eq!(order(&world), None);
}

#[test]
fn a_run_starts_without_the_workers_that_are_missing_if_its_policy_says_so() {
    let mut world = waiting(Some(StartPolicy::StartAnyway));
    after(&mut world, 59);
    assert_eq!(order(&world), None);
    after(&mut world, 1);
    assert_eq!(
        world.condition("WorkersConnected").as_deref(),
        Some("False/StartingWithoutAll")
    );
    assert_eq!(
        world.message("WorkersConnected"),
        "1/2 workers connected: starting without the others"
    );
    assert_eq!(order(&world), Some(Order::StartWithoutAll), "as stored");
    world.heard = Some(heard("running", 5, 40, 1));
    after(&mut world, 2);
    assert_eq!(order(&world), None, "it has");
    assert_eq!(
        world.condition("WorkersConnected").as_deref(),
        Some("False/WorkersMissing")
    );
    after(&mut world, 300);
    assert_eq!(world.phase(), Some(Phase::Running), "with one worker");
    world.workers_end();
    world.master_ends("Complete");
    world.look();
    assert_eq!(world.phase(), Some(Phase::Succeeded));
}

#[test]
fn pods_that_keep_workers_from_starting_do_not_end_a_run_that_starts_without_them() {
    let mut world = waiting(Some(StartPolicy::StartAnyway));
    world.test.spec.start_deadline_seconds = Some(300);
    let running = world.workers.clone();
    world.worker_is(&json!({ "phase": "Pending", "containerStatuses": [{
        "name": "demo-worker", "ready": false, "restartCount": 0, "image": "", "imageID": "",
        "state": { "waiting": { "reason": "ImagePullBackOff", "message": "no such image" } },
    }] }));
    world.workers.extend(running);
    let mut impatient = world.clone();
    impatient.test.spec.start_policy = None;
    for seconds in [1, 150] {
        after(&mut world, seconds);
        after(&mut impatient, seconds);
    }
    assert_eq!(end(&impatient).unwrap().0, "ImagePullError");
    assert_eq!(end(&world), None);
    after(&mut world, 150);
    assert_eq!(order(&world), Some(Order::StartWithoutAll));
    world.heard = Some(heard("running", 5, 40, 1));
    after(&mut world, 300);
    assert_eq!(world.phase(), Some(Phase::Running));
}

#[test]
fn a_load_that_cannot_be_started_without_all_workers_fails_the_run() {
    let nobody = heard("ready", 0, 0, 0);
    let silent = Heard {
        silence: Some(Silence::AuthRequired),
        ..heard("ready", 0, 0, 1)
    };
    for (says, because) in [(nobody, "0 of 2"), (silent, "cannot be told")] {
        let mut world = waiting(Some(StartPolicy::StartAnyway));
        world.heard = Some(says);
        after(&mut world, 60);
        let (reason, message, _) = end(&world).unwrap();
        assert_eq!(reason, "WorkersNeverConnected");
        assert!(message.contains(because), "{message}");
    }
    let mut world = waiting(Some(StartPolicy::StartAnyway));
    after(&mut world, 60);
    after(&mut world, 29);
    assert_eq!(end(&world), None);
    after(&mut world, 1);
    let (reason, message, _) = end(&world).unwrap();
    assert_eq!(reason, "WorkersNeverConnected");
    assert!(
        message.ends_with("did not start without the others"),
        "{message}"
    );
}

#[test]
fn an_operator_that_has_just_started_hears_the_master_before_it_judges() {
    let mut world = waiting(None);
    world.heard = None;
    after(&mut world, 3600);
    assert_eq!(end(&world), None);
    let requeue = decide(&world.observed(), &Settings::default()).requeue;
    assert!(requeue.unwrap() <= std::time::Duration::from_secs(2));
    let mut begun = world.clone();
    begun.heard = Some(heard("running", 5, 40, 1));
    begun.look();
    assert_eq!(begun.phase(), Some(Phase::Running));
    assert_eq!(end(&begun), None);
    world.heard = Some(heard("ready", 0, 0, 1));
    world.look();
    assert_eq!(end(&world), Some(MISSED));
}

#[test]
fn the_start_deadline_counts_from_the_start_of_the_masters_job() {
    let mut world = waiting(None);
    let started = world.now + SignedDuration::from_secs(100);
    let job = world.master.as_mut().unwrap();
    job.status.get_or_insert_default().start_time = Some(Time(started));
    after(&mut world, 159);
    assert_eq!(end(&world), None, "the operator noted an earlier time");
    after(&mut world, 1);
    assert_eq!(end(&world), Some(MISSED));
}

#[test]
fn a_job_that_waits_in_a_queue_has_no_start_deadline_yet() {
    let mut world = World::new();
    world.test.spec.start_deadline_seconds = Some(60);
    world.look();
    world.suspend_master();
    after(&mut world, 3600);
    assert_eq!(end(&world), None);
}

#[test]
fn a_run_that_began_without_some_workers_is_over_when_it_has_lost_the_others() {
    let mut world = waiting(Some(StartPolicy::StartAnyway));
    after(&mut world, 60);
    world.heard = Some(heard("running", 5, 40, 1));
    after(&mut world, 2);
    assert_eq!(world.phase(), Some(Phase::Running));
    world.workers.clear();
    after(&mut world, 1);
    assert_eq!(
        end(&world).map(|(reason, _, _)| reason),
        Some("WorkersLost")
    );
}

#[test]
fn a_load_that_a_person_starts_waits_for_the_person() {
    let mut world = waiting(Some(StartPolicy::StartAnyway));
    world.test.spec.master.autostart = false;
    after(&mut world, 3600);
    assert_eq!(end(&world), None);
    assert_eq!(order(&world), None);
}

#[test]
fn a_load_that_may_start_without_all_workers_does_not_want_all() {
    let wanted = |policy| master(&waiting(policy)).unwrap().wanted_workers;
    assert_eq!(wanted(None), Some(2));
    assert_eq!(wanted(Some(StartPolicy::Fail)), Some(2));
    assert_eq!(wanted(Some(StartPolicy::StartAnyway)), None);
}
