//! Tests whose load a person starts.

use locust_api::names::Role;

use super::*;
use crate::by_hand::{Load, asks};

const WAITING: &str =
    "Waiting for the load to be started in the web UI at http://demo-master.n:8089";

/// Master and workers run, nobody has started the load.
fn waiting() -> World {
    let mut world = World::new();
    world.test.spec.master.autostart = false;
    world.look();
    world.workers_run(2);
    world.master_runs();
    world.look();
    assert_eq!(world.message("TestCompleted"), "Test has not started");
    world.load = Load::Waiting;
    world.look();
    world
}

#[test]
fn a_test_waits_for_a_person_ready_and_without_writing() {
    let mut world = waiting();
    assert_eq!(world.phase(), Some(Phase::Pending));
    assert_eq!(world.message("TestCompleted"), WAITING);
    assert_eq!(
        world.condition("Ready").as_deref(),
        Some("True/ResourcesCreated")
    );
    assert_eq!(
        world.condition("WorkersConnected").as_deref(),
        Some("True/AllWorkersConnected")
    );
    assert_eq!(
        world.condition("Reconciling"),
        None,
        "nothing is to be done"
    );
    world.now += SignedDuration::from_hours(5);
    world.load = Load::Unknown;
    assert_eq!(world.look(), 0, "an answer that is missed changes nothing");
    let decision = decide(&world.observed(), &Settings::default());
    assert_eq!(decision.requeue, Some(Duration::from_secs(2)));
}

#[test]
fn a_load_that_a_person_starts_is_a_running_test() {
    let mut world = waiting();
    world.load = Load::Started;
    world.look();
    assert_eq!(world.phase(), Some(Phase::Running));
    assert_eq!(world.message("TestCompleted"), "Test is running");
    world.master_ends("Complete");
    world.look();
    assert_eq!(world.phase(), Some(Phase::Succeeded));
}

#[test]
fn a_master_that_ends_before_anybody_starts_the_load_ends_the_test() {
    for (end, phase) in [("Complete", Phase::Succeeded), ("Failed", Phase::Failed)] {
        let mut world = waiting();
        world.master_ends(end);
        world.look();
        assert_eq!(world.phase(), Some(phase));
    }
    let mut world = waiting();
    world.delete_job_seen(Role::Master);
    world.look();
    assert_eq!(
        world.condition("TestCompleted").as_deref(),
        Some("True/JobDeleted")
    );
}

#[test]
fn only_the_master_of_the_run_is_asked_and_only_until_there_is_load() {
    let settings = Settings::default();
    let mut world = waiting();
    let master = asks(&world.observed(), &settings).unwrap();
    assert_eq!(master.address.to_string(), "10.0.0.7:8089");

    let mut other = world.clone();
    other.test.metadata.annotations = Some([("locust.io/run".to_owned(), "x".to_owned())].into());
    assert_eq!(asks(&other.observed(), &settings), None, "another run's");
    let mut automatic = world.clone();
    automatic.test.spec.master.autostart = true;
    assert_eq!(asks(&automatic.observed(), &settings), None);
    let mut headless = world.clone();
    headless.test.spec.master.extra_args = Some(vec!["--headless".to_owned()]);
    assert_eq!(asks(&headless.observed(), &settings), None);
    world.load = Load::Started;
    world.look();
    assert_eq!(asks(&world.observed(), &settings), None, "it runs");
}

#[test]
fn the_web_ui_is_where_the_arguments_put_it() {
    let mut world = waiting();
    world.test.spec.master.command = "--web-base-path /load --web-port=9000".to_owned();
    let master = asks(&world.observed(), &Settings::default()).unwrap();
    assert_eq!(master.address.to_string(), "10.0.0.7:9000");
    assert_eq!(master.base_path, "load");
    world.look();
    assert!(
        world
            .message("TestCompleted")
            .ends_with("http://demo-master.n:9000/load")
    );
}

#[test]
fn only_load_that_was_seen_counts_as_started() {
    let load = |state: &str, users: u32, requests: u32, workers: u32| {
        let workers: Vec<_> = (0..workers)
            .map(|id| serde_json::json!({ "id": id.to_string(), "state": "ready" }))
            .collect();
        let answer = serde_json::json!({
            "state": state,
            "user_count": users,
            "stats": [{ "name": "Aggregated", "num_requests": requests }],
            "workers": workers,
        });
        let sample = crate::locust::Sample::parse(answer.to_string().as_bytes()).unwrap();
        Load::of(&sample)
    };
    assert_eq!(load("ready", 0, 0, 2), Load::Waiting);
    assert_eq!(load("spawning", 0, 0, 2), Load::Started);
    assert_eq!(load("running", 5, 9, 2), Load::Started);
    assert_eq!(load("stopped", 0, 9, 2), Load::Started, "it was short");
    assert_eq!(load("stopped", 0, 0, 0), Load::Waiting, "workers left");
}
