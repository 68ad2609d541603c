//! Tests whose load a person starts.

use locust_api::names::Role;

use super::objects::heard;
use super::*;
use crate::by_hand::Load;
use crate::polling::{Master, Source, source};

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
    world.heard = Some(heard("ready", 0, 0, 2));
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
    world.heard = None;
    assert_eq!(world.look(), 0, "an answer that is missed changes nothing");
}

#[test]
fn a_load_that_a_person_starts_is_a_running_test() {
    let mut world = waiting();
    world.heard = Some(heard("running", 5, 9, 2));
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

fn asked(world: &World) -> Option<Master> {
    match source(&world.observed(), &Settings::default()) {
        Source::Master(master) => Some(*master),
        Source::Nobody | Source::Headless => None,
    }
}

#[test]
fn only_the_master_of_the_run_is_asked_and_only_while_it_runs() {
    let mut world = waiting();
    let master = asked(&world).unwrap();
    assert_eq!(master.address.to_string(), "10.0.0.7:8089");
    assert_eq!(master.workers, "demo-worker-");

    let mut other = world.clone();
    other.test.metadata.annotations = Some([("locust.io/run".to_owned(), "x".to_owned())].into());
    assert_eq!(asked(&other), None, "another run's");
    let mut automatic = world.clone();
    automatic.test.spec.master.autostart = true;
    assert_eq!(asked(&automatic), Some(master));
    let headless = |world: &mut World| {
        world.test.spec.master.extra_args = Some(vec!["--headless".to_owned()]);
        source(&world.observed(), &Settings::default())
    };
    assert_eq!(headless(&mut world.clone()), Source::Headless);
    world.master_ends("Complete");
    world.master_pod = None;
    assert_eq!(asked(&world), None, "it has ended");
    world.look();
    assert_eq!(headless(&mut world), Source::Nobody, "the test is over");
}

#[test]
fn the_web_ui_is_where_arguments_or_variables_put_it() {
    let mut world = waiting();
    let variable = |name: &str, value: &str| serde_json::json!({ "name": name, "value": value });
    world.test.spec.env = serde_json::from_value(serde_json::json!({ "variables": [
        variable("LOCUST_WEB_PORT", "9001"),
        variable("LOCUST_WEB_BASE_PATH", "/old"),
        variable("LOCUST_WEB_BASE_PATH", "/of/variables/"),
    ] }))
    .unwrap();
    let master = asked(&world).unwrap();
    assert_eq!(master.address.to_string(), "10.0.0.7:9001");
    assert_eq!(master.base_path, "of/variables");

    world.test.spec.master.command = "--web-base-path /load --web-port=9000 -t 1m".to_owned();
    let master = asked(&world).unwrap();
    assert_eq!(master.address.to_string(), "10.0.0.7:9000");
    assert_eq!(master.base_path, "load");
    assert_eq!(master.run_time, Some(Duration::from_secs(60)));
    world.look();
    assert!(
        world
            .message("TestCompleted")
            .ends_with("http://demo-master.n:9000/load")
    );
}

#[test]
fn only_load_that_was_seen_counts_as_started() {
    let load =
        |state, users, requests, workers| Load::of(Some(&heard(state, users, requests, workers)));
    assert_eq!(load("ready", 0, 0, 2), Load::Waiting);
    assert_eq!(load("spawning", 0, 0, 2), Load::Started);
    assert_eq!(load("running", 5, 9, 2), Load::Started);
    assert_eq!(load("stopped", 0, 9, 2), Load::Started, "it was short");
    assert_eq!(load("stopped", 0, 0, 0), Load::Waiting, "workers left");
    assert_eq!(Load::of(None), Load::Unknown);
}
