//! What a user of the Go operator relies on, by the numbers of its acceptance
//! list: what happens to a test. Its objects are in `build/acceptance.rs`.

use locust_api::latest::LocustTestStatus;

use super::*;
use crate::fold::changed_events;

fn look(world: &mut World) -> Vec<&'static str> {
    let before = world.test.status.clone();
    world.look();
    let nothing = LocustTestStatus::default();
    let after = world.test.status.as_ref().unwrap_or(&nothing);
    let events = changed_events(before.as_ref(), after);
    events.into_iter().map(|event| event.reason).collect()
}

/// Deviation: the phase is Running once the pods run, not once the Jobs exist.
#[test]
fn check_42_the_start_is_told() {
    let mut world = World::new();
    assert_eq!(look(&mut world), [""; 0]);
    let status = world.test.status.clone().unwrap();
    assert_eq!(status.phase, Some(Phase::Pending));
    assert_eq!(status.start_time.map(|time| time.0), Some(world.now));
    assert_eq!(
        world.condition("Ready").as_deref(),
        Some("True/ResourcesCreated")
    );
    assert_eq!(world.message("Ready"), "All resources created");
    assert_eq!(world.message("TestCompleted"), "Test has not started");
    world.workers_run(2);
    world.master_runs();
    assert_eq!(look(&mut world), ["TestStarted"]);
    assert_eq!(world.phase(), Some(Phase::Running));
    assert_eq!(world.message("TestCompleted"), "Test is running");
}

#[test]
fn check_01_three_objects_and_three_events() {
    use crate::fold::{Done, Outcome, created_events};
    let world = World::new();
    let steps = decide(&world.observed(), &Settings::default()).steps;
    let done = steps.into_iter().filter_map(|step| {
        let created = if let Step::CreateService(service) = step {
            Done::ServiceCreated(service)
        } else if let Step::CreateJob(role, job) = step {
            Done::JobCreated(role, job)
        } else {
            return None;
        };
        Some(created)
    });
    let outcome = Outcome {
        done: done.collect(),
        refused: None,
    };
    let events = created_events(&outcome);
    let notes: Vec<&str> = events.iter().map(|event| event.note.as_str()).collect();
    assert_eq!(
        notes,
        [
            "Created Service demo-master",
            "Created Job demo-master",
            "Created Job demo-worker"
        ]
    );
    assert!(events.iter().all(|event| event.reason == "Created"));
}

/// Deviation: no finalizer, and `Reconciling` for tools that wait.
#[test]
fn check_41_the_first_status_has_everything() {
    let mut world = World::new();
    world.look();
    assert_eq!(world.test.metadata.finalizers, None);
    let status = world.test.status.clone().unwrap();
    assert_eq!(status.phase, Some(Phase::Pending));
    assert_eq!(status.expected_workers, Some(2));
    assert_eq!(status.connected_workers, Some(0));
    let conditions = status.conditions.unwrap();
    let types: Vec<&str> = conditions
        .iter()
        .map(|condition| condition.type_.as_str())
        .collect();
    assert_eq!(
        types,
        [
            "Ready",
            "WorkersConnected",
            "TestCompleted",
            "PodsHealthy",
            "Reconciling",
            "Accepted"
        ]
    );
}

/// Deviation: a Job that is deleted while the test runs ends it.
#[test]
fn check_43_a_deleted_service_is_made_again() {
    let mut world = World::new();
    world.look();
    world.workers_run(2);
    world.master_runs();
    world.look();
    world.delete_service();
    let decision = decide(&world.observed(), &Settings::default());
    assert!(matches!(
        decision.steps.as_slice(),
        [Step::CreateService(_)]
    ));
    let reasons: Vec<&str> = decision.events.iter().map(|event| event.reason).collect();
    assert_eq!(reasons, ["ResourceDeleted"]);
    world.look();
    assert_eq!(world.phase(), Some(Phase::Running));
}

#[test]
fn check_45_nothing_of_a_finished_test_is_made_again() {
    use locust_api::names::Role;
    for end in ["Complete", "Failed"] {
        let mut world = World::new();
        world.look();
        world.master_ends(end);
        look(&mut world);
        let phase = world.phase();
        world.now += SignedDuration::from_secs(60);
        world.look();
        world.delete_service();
        world.delete_job_seen(Role::Master);
        world.delete_job_seen(Role::Worker);
        let decision = decide(&world.observed(), &Settings::default());
        assert_eq!(decision.steps, []);
        assert_eq!(decision.events, []);
        assert_eq!(world.look(), 0);
        assert_eq!(world.phase(), phase);
    }
}

#[test]
fn check_46_the_masters_job_is_the_verdict() {
    let cases = [
        (&["Complete"][..], Phase::Succeeded, "TestCompleted"),
        (&["Failed"], Phase::Failed, "TestFailed"),
        (&["Complete", "Failed"], Phase::Succeeded, "TestCompleted"),
    ];
    for (ends, phase, event) in cases {
        let mut world = World::new();
        world.look();
        world.master_has_conditions(ends);
        assert_eq!(look(&mut world), [event]);
        assert_eq!(world.phase(), Some(phase));
        let status = world.test.status.clone().unwrap();
        assert_eq!(status.completion_time.map(|time| time.0), Some(world.now));
        let reason = if phase == Phase::Succeeded {
            "True/TestSucceeded"
        } else {
            "True/TestFailed"
        };
        assert_eq!(world.condition("TestCompleted").as_deref(), Some(reason));
    }
}

/// Deviation: a worker counts when its container runs, not when its pod exists.
#[test]
fn check_47_workers_are_counted() {
    let mut world = World::new();
    world.test.spec.worker.replicas = 5;
    world.look();
    world.workers_run(5);
    world.master_runs();
    world.look();
    assert_eq!(
        world.condition("WorkersConnected").as_deref(),
        Some("True/AllWorkersConnected")
    );
    assert_eq!(world.message("WorkersConnected"), "5/5 workers connected");
    world.workers_run(4);
    world.look();
    assert_eq!(
        world.condition("WorkersConnected").as_deref(),
        Some("False/WorkersMissing")
    );
    assert_eq!(world.message("WorkersConnected"), "4/5 workers connected");
}

#[test]
fn check_48_an_edit_of_a_running_test_is_only_shown() {
    let mut world = World::new();
    world.look();
    world.workers_run(2);
    world.master_runs();
    world.look();
    assert_eq!(world.condition("SpecDrifted"), None, "at generation 1");
    world.edit_spec();
    let decision = decide(&world.observed(), &Settings::default());
    assert_eq!(decision.steps, []);
    world.look();
    assert_eq!(
        world.condition("SpecDrifted").as_deref(),
        Some("True/SpecChangeIgnored")
    );
    assert_eq!(
        world.message("SpecDrifted"),
        "Spec changes after creation are ignored. Delete and recreate the CR to apply changes."
    );
}

/// A test may replace the label with its name; its pods are found all the same.
#[test]
fn pods_are_found_by_their_job_whatever_their_labels() {
    let mut world = World::new();
    let own = [("performance-test-name".to_owned(), "mine".to_owned())];
    world.test.spec.worker.labels = Some(own.into());
    world.look();
    world.workers_run(2);
    world.master_runs();
    world.look();
    assert_eq!(world.message("WorkersConnected"), "2/2 workers connected");
}

fn waiting(reason: &str) -> serde_json::Value {
    serde_json::json!({
        "phase": "Pending",
        "containerStatuses": [{
            "name": "demo-worker",
            "ready": false,
            "restartCount": 0,
            "image": "",
            "imageID": "",
            "state": { "waiting": { "reason": reason, "message": "its words" } },
        }],
    })
}

/// Deviation: trouble is told of at once, and each pod has its own grace.
#[test]
fn check_49_trouble_of_a_pod_is_told_and_outlasts_the_grace() {
    let kinds = [
        ("CreateContainerConfigError", "ConfigurationError"),
        ("ImagePullBackOff", "ImagePullError"),
    ];
    for (waits_for, reason) in kinds {
        let mut world = World::new();
        world.look();
        world.worker_is(&waiting(waits_for));
        assert_eq!(look(&mut world), ["PodFailure"]);
        assert_eq!(world.phase(), Some(Phase::Pending));
        assert_eq!(
            world.condition("PodsHealthy"),
            Some(format!("False/{reason}"))
        );
        let words = world.message("PodsHealthy");
        let start = format!("{reason}: 1 pod(s) affected [demo-worker-x]: ");
        assert!(words.starts_with(&start), "{words}");
        world.now += SignedDuration::from_secs(119);
        assert_eq!(look(&mut world), [""; 0]);
        world.now += SignedDuration::from_secs(1);
        assert_eq!(look(&mut world), ["TestFailed"]);
        assert_eq!(world.phase(), Some(Phase::Failed));
    }
    let mut world = World::new();
    world.look();
    world.worker_is(&waiting("ImagePullBackOff"));
    world.now += SignedDuration::from_secs(600);
    world.master_ends("Complete");
    world.look();
    assert_eq!(
        world.phase(),
        Some(Phase::Succeeded),
        "the master's end wins"
    );
}

#[test]
fn check_50_a_sidecar_may_end_and_may_not_crash_again_and_again() {
    let sidecar = |state: serde_json::Value, restarts: u32| {
        serde_json::json!({
            "phase": "Running",
            "initContainerStatuses": [{
                "name": "any",
                "ready": false,
                "restartCount": restarts,
                "image": "",
                "imageID": "",
                "state": state,
            }],
        })
    };
    for code in [2, 137] {
        let mut world = World::new();
        world.look();
        let ended = serde_json::json!({ "terminated": { "exitCode": code } });
        world.worker_is(&sidecar(ended, 0));
        world.look();
        let healthy = world.condition("PodsHealthy").unwrap();
        assert!(healthy.starts_with("True/"), "{healthy}");
    }
    let mut world = World::new();
    world.look();
    let crashing = serde_json::json!({ "waiting": { "reason": "CrashLoopBackOff" } });
    world.worker_is(&sidecar(crashing, 1));
    world.look();
    assert_eq!(
        world.condition("PodsHealthy").as_deref(),
        Some("False/CrashLoopBackOff")
    );
}
