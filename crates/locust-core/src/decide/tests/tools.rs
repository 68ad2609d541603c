//! What tools that wait make of a status. The rules are those of kstatus, by
//! which Helm, Argo CD and Flux wait for kinds that they do not know.

use serde_json::Value;

use super::*;

#[derive(Debug, PartialEq)]
enum Computed {
    InProgress,
    Current,
    Failed,
    Terminating,
}

/// The generic rules of kstatus, in their order.
fn kstatus(test: &locust_api::latest::LocustTest) -> Computed {
    let test = serde_json::to_value(test).unwrap();
    if test.pointer("/metadata/deletionTimestamp").is_some() {
        return Computed::Terminating;
    }
    let seen = test.pointer("/status/observedGeneration");
    if seen.is_some_and(|seen| Some(seen) != test.pointer("/metadata/generation")) {
        return Computed::InProgress;
    }
    let conditions = test.pointer("/status/conditions").and_then(Value::as_array);
    let says = |condition: &Value, type_: &str, status: &str| {
        condition.get("type") == Some(&type_.into())
            && condition.get("status") == Some(&status.into())
    };
    for condition in conditions.into_iter().flatten() {
        if says(condition, "Reconciling", "True") {
            return Computed::InProgress;
        }
        if says(condition, "Stalled", "True") {
            return Computed::Failed;
        }
    }
    let is_unready = conditions
        .into_iter()
        .flatten()
        .any(|condition| says(condition, "Ready", "False") || says(condition, "Ready", "Unknown"));
    if is_unready {
        return Computed::InProgress;
    }
    Computed::Current
}

#[test]
fn a_tool_waits_until_the_test_runs_and_sees_it_succeed() {
    let mut world = World::new();
    world.unseen();
    assert_eq!(kstatus(&world.test), Computed::InProgress, "unseen");
    world.look();
    assert_eq!(world.phase(), Some(Phase::Pending));
    assert_eq!(kstatus(&world.test), Computed::InProgress);
    world.workers_run(2);
    world.master_runs();
    world.look();
    assert_eq!(world.phase(), Some(Phase::Running));
    assert_eq!(kstatus(&world.test), Computed::Current);
    assert_eq!(world.condition("Reconciling"), None);
    world.workers_end();
    world.master_ends("Complete");
    world.look();
    assert_eq!(world.phase(), Some(Phase::Succeeded));
    assert_eq!(kstatus(&world.test), Computed::Current);
}

#[test]
fn a_tool_sees_a_failed_test_as_failed_and_why() {
    let mut world = World::new();
    world.look();
    world.master_ends("Failed");
    world.look();
    assert_eq!(kstatus(&world.test), Computed::Failed);
    assert_eq!(
        world.condition("Stalled").as_deref(),
        Some("True/TestFailed")
    );
    assert_eq!(world.condition("Reconciling"), None);
}

#[test]
fn a_tool_sees_a_test_that_needs_a_person_as_failed_until_it_goes_on() {
    let mut world = World::new();
    world.squat_on_master();
    world.look();
    assert_eq!(kstatus(&world.test), Computed::Failed);
    assert_eq!(
        world.condition("Stalled").as_deref(),
        Some("True/NameConflict")
    );
    world.nobody_squats();
    world.look();
    assert_eq!(kstatus(&world.test), Computed::InProgress);
    assert_eq!(world.condition("Stalled"), None);
}

#[test]
fn a_tool_is_not_left_waiting_by_an_edit_of_a_finished_test() {
    let mut world = World::new();
    world.look();
    world.master_ends("Complete");
    world.look();
    world.edit_spec();
    assert_eq!(kstatus(&world.test), Computed::InProgress);
    assert_eq!(world.look(), 1, "one write of the status");
    assert_eq!(kstatus(&world.test), Computed::Current);
    let status = world.test.status.clone().unwrap();
    for condition in status.conditions.iter().flatten() {
        assert_eq!(
            condition.observed_generation,
            Some(2),
            "{}",
            condition.type_
        );
    }
    assert_eq!(world.phase(), Some(Phase::Succeeded));
    assert_eq!(
        world.condition("SpecDrifted").as_deref(),
        Some("True/SpecChangeIgnored")
    );
    assert_eq!(world.look(), 0);
}

#[test]
fn every_condition_was_judged_with_the_latest_generation_in_view() {
    let mut world = World::new();
    world.look();
    world.workers_run(2);
    world.master_runs();
    world.look();
    world.edit_spec();
    world.look();
    let status = world.test.status.as_ref().unwrap();
    assert_eq!(status.observed_generation, Some(2));
    for condition in status.conditions.iter().flatten() {
        assert_eq!(
            condition.observed_generation,
            Some(2),
            "{}",
            condition.type_
        );
    }
}
