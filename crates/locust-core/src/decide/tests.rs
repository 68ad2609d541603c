//! Tests of the decision: single cases here, every order of events in `model`.

mod acceptance;
mod by_hand;
mod causes;
mod cleanup;
mod ends;
mod gate;
mod losses;
mod model;
mod objects;
mod refusals;
mod stops;
mod stored;
mod told;
mod tools;
mod truth;
mod verdicts;

use jiff::{SignedDuration, Timestamp};
use locust_api::latest::Phase;
use model::World;
use objects::heard;

use super::*;

/// The load of a test has begun, by 40 requests.
fn under_load(mut world: World) -> World {
    world.look();
    world.workers_run(2);
    world.master_runs();
    world.heard = Some(heard("running", 5, 40, 2));
    world.look();
    assert_eq!(world.phase(), Some(Phase::Running));
    world
}

#[test]
fn the_run_is_recorded_before_the_master_is_released() {
    let mut world = World::new();
    world.look_until(3);
    let steps = decide(&world.observed(), &Settings::default()).steps;
    assert!(matches!(
        steps.as_slice(),
        [Step::RecordRun { id }, Step::ReleaseMaster { uid, .. }] if id == uid
    ));
}

#[test]
fn memory_is_enough_for_a_status_and_never_for_what_cannot_be_taken_back() {
    let reading = |world: &World| decide(&world.observed(), &Settings::default()).reading();
    let mut world = World::new();
    assert_eq!(reading(&world), Reading::Test, "nothing stands yet");
    world.look_until(1);
    assert_eq!(reading(&world), Reading::Everything, "a part stands");
    world.look_until(2);
    assert_eq!(reading(&world), Reading::Everything, "record and release");
    world.look();
    world.workers_run(2);
    world.master_runs();
    assert_eq!(reading(&world), Reading::Nothing, "it runs");
    world.master_ends("Complete");
    assert_eq!(reading(&world), Reading::Everything, "a verdict");
}

#[test]
fn a_settled_test_is_left_alone() {
    let mut world = World::new();
    world.look();
    assert_eq!(world.look(), 0);
    world.workers_run(2);
    world.master_runs();
    assert_eq!(world.look(), 1, "one write of the status");
    assert_eq!(world.look(), 0);
}

#[test]
fn a_whole_life_takes_eight_writes_however_many_workers() {
    for workers in [1, 20] {
        let mut world = World::new();
        world.test.spec.worker.replicas = workers;
        let mut writes = world.look();
        for ready in 1..=workers {
            world.workers_run(ready);
            writes += world.look();
        }
        world.master_runs();
        writes += world.look();
        world.workers_end();
        writes += world.look();
        world.master_ends("Complete");
        writes += world.look();
        assert_eq!(world.phase(), Some(Phase::Succeeded));
        assert_eq!(writes, 8, "with {workers} workers");
    }
}

#[test]
fn a_master_job_that_somebody_else_suspends_is_not_released() {
    let mut world = World::new();
    world.look();
    world.suspend_master();
    let decision = decide(&world.observed(), &Settings::default());
    assert_eq!(decision.steps, []);
}

#[test]
fn a_job_of_somebody_else_is_a_conflict_and_is_not_touched() {
    let mut world = World::new();
    world.squat_on_master();
    let decision = decide(&world.observed(), &Settings::default());
    assert_eq!(decision.steps, []);
    let ready = decision.status.conditions.iter().flatten().next().unwrap();
    assert_eq!(ready.reason, "NameConflict");
    assert_eq!(
        ready.message,
        "Job demo-master exists and belongs to CronJob nightly: delete it or give the LocustTest another name"
    );
}

#[test]
fn an_edit_before_the_run_counts_and_one_after_it_is_shown() {
    let mut world = World::new();
    world.look_until(3);
    world.edit_spec();
    world.look();
    let held_by = world.observed().job(Role::Master).map(is_held);
    assert_eq!(held_by, Some(false), "the new Job was released");
    assert_eq!(world.runs(), 1);
    assert_eq!(world.condition("SpecDrifted"), None);
    world.edit_spec();
    world.look();
    assert_eq!(
        world.condition("SpecDrifted").as_deref(),
        Some("True/SpecChangeIgnored")
    );
}

#[test]
fn the_finalizer_of_the_go_operator_is_taken_off() {
    let mut world = World::new();
    world.test.metadata.finalizers = Some(vec!["keep".to_owned(), UPSTREAM_FINALIZER.to_owned()]);
    world.look();
    assert_eq!(
        world.test.metadata.finalizers,
        Some(vec!["keep".to_owned()])
    );
}

#[test]
fn a_test_being_deleted_gets_no_children() {
    let mut world = World::new();
    world.test.metadata.deletion_timestamp = Some(
        k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(Timestamp::UNIX_EPOCH),
    );
    assert_eq!(world.look(), 0);
}

#[test]
fn a_running_test_of_the_go_operator_is_taken_over_and_not_run_again() {
    let mut world = World::new();
    world.look();
    world.forget_record();
    world.look();
    assert_eq!(world.runs(), 1);
    world.master_ends("Complete");
    world.look();
    assert_eq!(world.phase(), Some(Phase::Succeeded));
}

#[test]
fn workers_that_stay_after_a_failure_are_deleted_in_time() {
    let mut world = World::new();
    world.look();
    world.workers_run(2);
    world.master_ends("Failed");
    world.look();
    assert_eq!(world.phase(), Some(Phase::Failed));
    assert!(
        world.observed().job(Role::Worker).is_some(),
        "they may leave by themselves"
    );
    world.now += SignedDuration::from_secs(5);
    world.look();
    assert!(world.observed().job(Role::Worker).is_none());
}
