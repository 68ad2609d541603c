//! What the master itself says of its run.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use locust_api::latest::LocustState;

use super::objects::heard;
use super::*;
use crate::locust::RunPhase;
use crate::polling::{Heard, Silence};
use crate::status::{Pace, pace};

/// A test whose master and workers run, and whose master says this.
fn told(words: Heard) -> World {
    let mut world = World::new();
    world.look();
    world.workers_run(2);
    world.master_runs();
    world.heard = Some(words);
    world.look();
    world
}

#[test]
fn a_status_says_what_locust_says() {
    let world = told(heard("running", 7, 90, 2));
    assert_eq!(world.phase(), Some(Phase::Running));
    let status = world.test.status.clone().unwrap();
    let stats = status.locust.unwrap();
    assert_eq!(stats.state, LocustState::Running);
    assert_eq!((stats.users, stats.requests), (7, 90));
    assert_eq!(
        world.condition("StatsAvailable").as_deref(),
        Some("True/Answering")
    );
    assert_eq!(world.message("WorkersConnected"), "2/2 workers connected");
}

#[test]
fn connected_workers_are_those_that_locust_hears_of() {
    let mut world = told(heard("spawning", 0, 0, 1));
    let connected = |world: &World| world.test.status.clone().unwrap().connected_workers;
    assert_eq!(world.observed().workers_at_work(), 2, "by their pods");
    assert_eq!(connected(&world), Some(1));
    assert_eq!(
        world.condition("WorkersConnected").as_deref(),
        Some("False/WorkersMissing")
    );
    world.heard = Some(heard("running", 5, 10, 2));
    world.look();
    assert_eq!(connected(&world), Some(2));
    let both = world.workers.clone();
    world.workers_run(1);
    world.look();
    assert_eq!(connected(&world), Some(1), "Locust has yet to miss it");
    world.workers = both;
    world.look();

    let leaving = Heard {
        phase: RunPhase::Ending,
        ..heard("stopped", 0, 10, 0)
    };
    world.heard = Some(leaving);
    world.look();
    assert_eq!(connected(&world), Some(2), "they leave at the end");
    let lost = Heard {
        phase: RunPhase::AllWorkersLost,
        ..heard("stopped", 0, 10, 0)
    };
    world.heard = Some(lost);
    world.look();
    assert_eq!(connected(&world), Some(0));
}

#[test]
fn a_run_whose_master_says_nothing_is_followed_by_its_pods() {
    let mut world = told(heard("running", 5, 10, 1));
    let silence = Silence::Unreachable("connection refused".to_owned());
    world.heard = Some(Heard {
        silence: Some(silence),
        ..heard("running", 5, 10, 1)
    });
    world.look();
    assert_eq!(
        world.condition("StatsAvailable").as_deref(),
        Some("False/Unreachable")
    );
    assert_eq!(
        world.message("StatsAvailable"),
        "Locust does not answer: connection refused; the run is followed by its Jobs and pods"
    );
    let status = world.test.status.clone().unwrap();
    assert_eq!(status.connected_workers, Some(2));
    assert!(status.locust.is_some(), "the last numbers stay");
    world.master_ends("Complete");
    world.master_pod = None;
    world.look();
    assert_eq!(world.phase(), Some(Phase::Succeeded));
    assert_eq!(
        world.condition("StatsAvailable").as_deref(),
        Some("False/Unreachable")
    );
}

#[test]
fn a_headless_master_is_said_to_say_nothing() {
    let mut world = World::new();
    world.test.spec.master.extra_args = Some(vec!["--headless".to_owned()]);
    world.look();
    assert_eq!(
        world.condition("StatsAvailable").as_deref(),
        Some("False/Headless")
    );
    world.workers_run(2);
    world.master_runs();
    assert_eq!(world.look(), 1, "nobody is waited for");
    assert_eq!(world.phase(), Some(Phase::Running));
}

#[test]
fn a_master_that_has_just_started_is_given_time_to_say_that_there_is_load() {
    let mut world = World::new();
    world.look();
    world.workers_run(2);
    world.master_runs();
    let since = serde_json::json!({ "running": { "startedAt": Time(world.now) } });
    let mut pod = serde_json::to_value(&world.master_pod).unwrap();
    *pod.pointer_mut("/status/containerStatuses/0/state")
        .unwrap() = since;
    world.master_pod = serde_json::from_value(pod).unwrap();
    world.look();
    assert_eq!(world.phase(), Some(Phase::Pending));
    let decision = decide(&world.observed(), &Settings::default());
    assert_eq!(decision.requeue, Some(Duration::from_secs(5)));

    let mut spoken = world.clone();
    spoken.heard = Some(heard("ready", 0, 0, 2));
    spoken.look();
    assert_eq!(spoken.phase(), Some(Phase::Pending), "there is no load");
    spoken.heard = Some(heard("spawning", 0, 0, 2));
    spoken.look();
    assert_eq!(spoken.phase(), Some(Phase::Running));
    let mut silent = world.clone();
    silent.heard = Some(Heard {
        numbers: None,
        silence: Some(Silence::AuthRequired),
        ..heard("ready", 0, 0, 2)
    });
    silent.look();
    assert_eq!(silent.phase(), Some(Phase::Running), "by its pods");
    a_slow_start_is_waited_for(world.clone());
    world.now += SignedDuration::from_secs(10);
    world.look();
    assert_eq!(world.phase(), Some(Phase::Running), "it took too long");
}

/// Its pods run, and nobody listens there.
fn a_slow_start_is_waited_for(mut world: World) {
    world.heard = Some(Heard {
        numbers: None,
        silence: Some(Silence::NotListening("connection refused".to_owned())),
        ..heard("ready", 0, 0, 2)
    });
    world.now += SignedDuration::from_secs(29);
    world.look();
    assert_eq!(world.phase(), Some(Phase::Pending));
    let waits = Some("False/WaitingForWorkers".to_owned());
    assert_eq!(world.condition("WorkersConnected"), waits);
    assert_eq!(world.condition("StatsAvailable"), None);
    world.now += SignedDuration::from_secs(1);
    world.look();
    assert_eq!(world.phase(), Some(Phase::Running), "by its pods");
    let silent = Some("False/Unreachable".to_owned());
    assert_eq!(world.condition("StatsAvailable"), silent);
}

#[test]
fn numbers_are_written_at_most_every_five_seconds_and_time_alone_never() {
    let mut world = told(heard("running", 5, 10, 2));
    let stored = world.test.status.clone().unwrap();
    let after = |seconds| Some(Duration::from_secs(seconds));
    let mut later = heard("running", 5, 10, 2);
    if let Some(numbers) = later.numbers.as_mut() {
        numbers.sampled_at += SignedDuration::from_secs(7);
        numbers.elapsed = after(7);
    }
    world.heard = Some(later.clone());
    let derived = decide(&world.observed(), &Settings::default()).status;
    assert_eq!(pace(Some(&stored), &derived, after(60)), Pace::Same);

    if let Some(numbers) = later.numbers.as_mut() {
        numbers.totals.requests = 11;
    }
    world.heard = Some(later);
    let derived = decide(&world.observed(), &Settings::default()).status;
    let wait = Pace::Wait(Duration::from_secs(2));
    assert_eq!(pace(Some(&stored), &derived, after(3)), wait);
    assert_eq!(pace(Some(&stored), &derived, after(5)), Pace::Write);
    let seconds = derived.locust.unwrap().elapsed_seconds;
    assert_eq!(seconds, Some(7), "it goes along");

    let mut unanswered = stored.clone();
    unanswered.locust = None;
    let conditions = unanswered.conditions.as_mut().unwrap();
    conditions.retain(|condition| condition.type_ != "StatsAvailable");
    assert_eq!(
        pace(Some(&unanswered), &stored, after(3)),
        wait,
        "the first numbers can wait as well"
    );
}

#[test]
fn a_patch_of_the_status_takes_away_what_is_no_longer_said() {
    let mut stored = told(heard("running", 5, 10, 2)).test.status.unwrap();
    let numbers = stored.locust.as_mut().unwrap();
    numbers.remaining_seconds = Some(4);
    let mut new = stored.clone();
    let numbers = new.locust.as_mut().unwrap();
    (numbers.remaining_seconds, numbers.users) = (None, 6);
    assert_eq!(
        crate::status::patch(Some(&stored), &new),
        serde_json::json!({ "locust": { "remainingSeconds": null, "users": 6 } })
    );
    assert_eq!(
        crate::status::patch(None, &new),
        serde_json::to_value(&new).unwrap()
    );
}
