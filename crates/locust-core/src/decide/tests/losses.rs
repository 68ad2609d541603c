//! Workers and masters that are lost, and pods that do not start.

use jiff::SignedDuration;
use k8s_openapi::api::batch::v1::JobStatus;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use locust_api::latest::Phase;
use serde_json::{Value, json};

use super::model::World;
use super::objects::pod;
use crate::decide::{Step, decide};
use crate::settings::Settings;

/// A run with both workers at work, for a minute.
fn running() -> World {
    let mut world = World::new();
    world.look();
    world.workers_run(2);
    world.master_runs();
    world.look();
    world.now += SignedDuration::from_secs(5);
    assert_eq!(world.look(), 0);
    assert_eq!(world.phase(), Some(Phase::Running));
    world.now += SignedDuration::from_secs(60);
    world
}

/// A pod of the workers' Job in this state.
fn worker(world: &World, state: &Value) -> Pod {
    let uid = world
        .worker
        .as_ref()
        .and_then(|job| job.metadata.uid.clone());
    pod("demo-worker", &uid.unwrap_or_default(), state)
}

fn failed_worker(world: &World, code: i32) -> Pod {
    let at = world.now.to_string();
    let mut pod = worker(
        world,
        &json!({ "terminated": { "exitCode": code, "reason": "Error", "finishedAt": at } }),
    );
    pod.metadata.creation_timestamp = Some(Time(world.now));
    pod.status.get_or_insert_default().phase = Some("Failed".to_owned());
    pod
}

/// A pod that somebody deletes now.
fn deleted(world: &World, mut pod: Pod) -> Pod {
    pod.metadata.deletion_timestamp = Some(Time(world.now + SignedDuration::from_secs(30)));
    pod.metadata.deletion_grace_period_seconds = Some(30);
    pod
}

/// As a time to live of zero has it.
#[test]
fn workers_whose_pods_are_removed_after_they_ended_well_are_not_missing() {
    let mut world = running();
    let at = (world.now - SignedDuration::from_secs(1)).to_string();
    let ended = json!({ "terminated": { "exitCode": 0, "finishedAt": at } });
    let ended = worker(&world, &ended);
    let removed = deleted(&world, ended);
    world.workers = vec![removed.clone(), removed];
    world.look();
    assert_eq!(world.message("WorkersConnected"), "2/2 workers connected");
}

#[test]
fn one_lost_worker_of_two_does_not_end_the_run() {
    let mut world = running();
    world.workers[0] = failed_worker(&world, 137);
    for _ in 0..30 {
        world.look();
        world.now += SignedDuration::from_secs(10);
    }
    assert_eq!(world.phase(), Some(Phase::Running));
    assert_eq!(
        world.condition("PodsHealthy").as_deref(),
        Some("False/CrashLoopBackOff")
    );
}

#[test]
fn a_run_whose_last_worker_is_taken_away_fails_at_once_and_its_master_is_ended() {
    let mut world = running();
    for index in 0..2 {
        world.workers[index] = deleted(&world, world.workers[index].clone());
    }
    world.look();
    assert_eq!(world.phase(), Some(Phase::Failed));
    assert_eq!(
        world.message("TestCompleted"),
        "Test failed: all workers were lost: their pods were deleted"
    );
    world.look();
    assert!(world.master.is_none() && world.worker.is_none());
}

#[test]
fn killed_workers_are_lost_even_if_replacements_come() {
    let mut world = running();
    let new = worker(
        &world,
        &json!({ "waiting": { "reason": "ContainerCreating" } }),
    );
    let killed = failed_worker(&world, 137);
    world.workers = vec![killed.clone(), killed, new.clone(), new];
    world.look();
    assert_eq!(world.phase(), Some(Phase::Failed));
    assert!(
        world
            .message("TestCompleted")
            .starts_with("Test failed: all workers were lost: CrashLoopBackOff: 2 pod(s) affected"),
        "{}",
        world.message("TestCompleted")
    );
}

#[test]
fn workers_that_leave_with_an_error_wait_for_their_masters_word() {
    let mut world = running();
    let left = failed_worker(&world, 1);
    world.workers = vec![left.clone(), left];
    world.look();
    world.now += SignedDuration::from_secs(20);
    world.look();
    assert_eq!(world.phase(), Some(Phase::Running));
    let mut in_time = world.clone();
    in_time.master_ends("Complete");
    in_time.look();
    assert_eq!(in_time.phase(), Some(Phase::Succeeded));

    let back = worker(&world, &json!({ "running": {} }));
    world.workers.extend([back.clone(), back]);
    world.now += SignedDuration::from_secs(11);
    world.look();
    assert_eq!(
        world.phase(),
        Some(Phase::Failed),
        "Locust does not go on with workers that join a stopped test"
    );
}

#[test]
fn a_master_that_was_told_to_stop_before_its_time_has_not_succeeded() {
    let mut world = running();
    world.master_ends("Complete");
    let pod = world.observed().pods.pop().unwrap();
    world.master_pod = Some(deleted(&world, pod));
    // It ended after it was told to.
    if let Some(Pod {
        status: Some(status),
        ..
    }) = world.master_pod.as_mut()
    {
        let state = json!({ "terminated": { "exitCode": 0, "finishedAt": (world.now + SignedDuration::from_secs(1)).to_string() } });
        let containers = status.container_statuses.as_mut().unwrap();
        containers[0].state = Some(serde_json::from_value(state).unwrap());
    }
    world.look();
    assert_eq!(world.phase(), Some(Phase::Failed));
    assert!(
        world
            .message("TestCompleted")
            .contains("the master was lost: pod "),
        "{}",
        world.message("TestCompleted")
    );
    world.look();
    assert!(
        world.worker.is_none(),
        "workers of a lost master are not waited for"
    );
}

#[test]
fn a_worker_that_left_well_is_replaced_once_and_only_while_the_master_runs() {
    let mut world = running();
    world.workers.pop();
    world.look();
    assert_eq!(
        world.workers.len(),
        1,
        "a Job without a success replaces it itself"
    );
    let job = world.worker.as_mut().unwrap();
    job.status.get_or_insert_with(JobStatus::default).succeeded = Some(1);
    let steps = decide(&world.observed(), &Settings::default()).steps;
    let [Step::ReplaceWorker(pod)] = steps.as_slice() else {
        panic!("{steps:#?}");
    };
    assert_eq!(pod.metadata.name.as_deref(), Some("demo-worker-r1"));
    assert_eq!(
        pod.metadata.finalizers.as_deref(),
        Some(["batch.kubernetes.io/job-tracking".to_owned()].as_slice())
    );
    world.look();
    assert_eq!(world.look(), 0);
    assert_eq!(world.workers.len(), 2);

    let mut over = running();
    over.workers.pop();
    let job = over.worker.as_mut().unwrap();
    job.status.get_or_insert_with(JobStatus::default).succeeded = Some(1);
    over.master_ends("Complete");
    over.look();
    assert_eq!(over.workers.len(), 1);
}

#[test]
fn pods_that_do_not_start_end_the_test_after_their_grace_and_not_before() {
    let mut world = World::new();
    world.look();
    let mut pod = worker(
        &world,
        &json!({ "waiting": { "reason": "CreateContainerConfigError", "message": "secret \"s\" not found" } }),
    );
    pod.metadata.creation_timestamp = Some(Time(world.now));
    world.workers = vec![pod];
    let decision = decide(&world.observed(), &Settings::default());
    assert!(
        decision
            .requeue
            .is_some_and(|requeue| requeue <= Settings::default().pod_grace)
    );
    world.look();
    world.now += SignedDuration::from_secs(119);
    world.look();
    assert_eq!(world.phase(), Some(Phase::Pending));
    let mut healed = world.clone();
    healed.workers_run(2);
    healed.master_runs();
    healed.now += SignedDuration::from_secs(60);
    healed.look();
    assert_eq!(healed.phase(), Some(Phase::Running));

    world.now += SignedDuration::from_secs(1);
    world.look();
    assert_eq!(world.phase(), Some(Phase::Failed));
    let words = "ConfigurationError: 1 pod(s) affected []: secret \"s\" not found";
    assert_eq!(
        world.message("TestCompleted"),
        format!("Test failed: {words}")
    );
    assert_eq!(
        world.message("PodsHealthy"),
        words,
        "no pod will start by itself any more"
    );
    world.look();
    assert!(world.master.is_none() && world.worker.is_none());
}

#[test]
fn what_cannot_heal_ends_the_test_at_once() {
    let mut world = World::new();
    world.look();
    world.workers = vec![worker(
        &world,
        &json!({ "waiting": { "reason": "InvalidImageName", "message": "couldn't parse image name" } }),
    )];
    world.look();
    assert_eq!(world.phase(), Some(Phase::Failed));
    assert_eq!(
        world.message("TestCompleted"),
        "Test failed: ImagePullError: 1 pod(s) affected []: couldn't parse image name"
    );
}
