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
