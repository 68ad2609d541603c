//! How runs end: by their master, by a deletion, by somebody's suspension; and
//! what edits do to them.

use locust_api::names::Role;

use super::*;

fn running() -> World {
    let mut world = World::new();
    world.look();
    world.workers_run(2);
    world.master_runs();
    world.look();
    assert_eq!(world.phase(), Some(Phase::Running));
    world
}

#[test]
fn the_verdict_of_a_job_that_is_removed_at_once_is_recorded() {
    for (end, phase) in [("Complete", Phase::Succeeded), ("Failed", Phase::Failed)] {
        let mut world = running();
        world.workers_end();
        world.delete_job_seen(Role::Worker);
        world.look();
        assert_eq!(world.phase(), Some(Phase::Running), "the workers left well");
        assert_eq!(
            world.condition("WorkersConnected").as_deref(),
            Some("True/AllWorkersConnected")
        );
        world.master_ends(end);
        world.delete_job_seen(Role::Master);
        world.look();
        assert_eq!(world.phase(), Some(phase));
        assert_ne!(
            world.condition("TestCompleted").as_deref(),
            Some("True/ResultUnknown")
        );
        assert_eq!(world.runs(), 1);
        assert_eq!(world.look(), 0);
    }
}

#[test]
fn the_end_of_a_job_that_is_being_deleted_counts() {
    let mut world = running();
    world.master_ends("Complete");
    let mut observed = world.observed();
    let mut job = observed.job(Role::Master).unwrap().clone();
    job.metadata.deletion_timestamp = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(
        Timestamp::UNIX_EPOCH,
    ));
    observed.master_job = crate::observed::Child::classify(Some(job), &world.test);
    let decision = decide(&observed, &Settings::default());
    assert_eq!(decision.status.phase, Some(Phase::Succeeded));
}

#[test]
fn a_job_deleted_during_the_run_ends_it_and_the_other_one_is_removed() {
    for (role, other) in [(Role::Master, Role::Worker), (Role::Worker, Role::Master)] {
        let mut world = running();
        world.delete_job_seen(role);
        world.look();
        assert_eq!(world.phase(), Some(Phase::Failed));
        assert_eq!(
            world.message("TestCompleted"),
            format!(
                "Test failed: Job demo-{role} was deleted while the test ran; it is not run again. To run the test again, delete it and create it without the annotation locust.io/run"
            )
        );
        assert_eq!(
            world.condition("TestCompleted").as_deref(),
            Some("True/JobDeleted")
        );
        world.now += SignedDuration::from_secs(5);
        world.look();
        assert!(world.observed().job(other).is_none());
        assert_eq!(world.runs(), 1);
    }
}

#[test]
fn a_suspended_job_is_waited_for_before_the_run_and_ends_it_later() {
    let mut world = World::new();
    world.look();
    world.suspend_master();
    world.look();
    assert_eq!(
        world.message("PodsHealthy"),
        "Waiting for pods to be created: Job demo-master is suspended by somebody else"
    );
    world.now += SignedDuration::from_secs(3600);
    assert_eq!(world.look(), 0, "nothing changed");
    assert_eq!(world.phase(), Some(Phase::Pending));

    let mut world = running();
    world.suspend_master();
    world.look();
    assert_eq!(world.phase(), Some(Phase::Failed));
    let words = world.message("TestCompleted");
    assert!(
        words.starts_with("Test failed: Job demo-master was suspended while the test ran; "),
        "{words}"
    );
}

#[test]
fn pods_that_are_not_created_are_told_of_once() {
    let mut world = World::new();
    assert_eq!(world.look(), 6, "three objects, record, release, status");
    assert_eq!(world.message("PodsHealthy"), "Pods are starting up");
    let decision = decide(&world.observed(), &Settings::default());
    assert_eq!(decision.requeue, Some(Duration::from_secs(10)));
    world.now += SignedDuration::from_secs(10);
    assert_eq!(world.look(), 1);
    assert_eq!(
        world.message("PodsHealthy"),
        "Waiting for pods to be created"
    );
    world.now += SignedDuration::from_secs(3600);
    assert_eq!(world.look(), 0);
}

#[test]
fn a_service_that_is_not_ours_any_more_makes_the_test_unready() {
    let world = running();
    let mut observed = world.observed();
    observed.service = crate::observed::Child::Foreign("Gateway edge".to_owned());
    let decision = decide(&observed, &Settings::default());
    assert_eq!(decision.steps, []);
    let ready = decision.status.conditions.iter().flatten().next().unwrap();
    assert_eq!(ready.status, "False");
    assert_eq!(
        ready.message,
        "Service demo-master exists and belongs to Gateway edge: delete it or give the LocustTest another name"
    );
    observed.service = crate::observed::Child::Leaving;
    let decision = decide(&observed, &Settings::default());
    let ready = decision.status.conditions.iter().flatten().next().unwrap();
    assert_eq!(ready.message, "Recreating externally deleted resources");
}

#[test]
fn an_edit_that_is_taken_back_is_no_drift() {
    let mut world = running();
    let spec = world.test.spec.clone();
    world.edit_spec();
    world.look();
    assert_eq!(
        world.condition("SpecDrifted").as_deref(),
        Some("True/SpecChangeIgnored")
    );
    world.edit_spec();
    world.test.spec = spec;
    world.look();
    assert_eq!(world.test.metadata.generation, Some(3));
    assert_eq!(world.condition("SpecDrifted"), None);
}

#[test]
fn a_deletion_that_waits_for_the_go_operators_finalizer_is_told() {
    let mut world = World::new();
    world.test.metadata.finalizers = Some(vec![UPSTREAM_FINALIZER.to_owned()]);
    world.test.metadata.deletion_timestamp = Some(
        k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(Timestamp::UNIX_EPOCH),
    );
    let decision = decide(&world.observed(), &Settings::default());
    assert_eq!(decision.steps, [Step::RemoveFinalizer]);
    assert_eq!(decision.events, [Event::deleting()]);
}

#[test]
fn a_finished_test_of_the_go_operator_is_left_as_it_is() {
    let mut world = World::new();
    world.test.status = serde_json::from_value(serde_json::json!({
        "phase": "Succeeded",
        "observedGeneration": 1,
        "conditions": [],
    }))
    .unwrap();
    let decision = decide(&world.observed(), &Settings::default());
    assert_eq!(decision.steps, []);
    assert_eq!(Some(decision.status), world.test.status);
}
