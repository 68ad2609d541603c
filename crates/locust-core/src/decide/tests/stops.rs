//! Thresholds, and loads that are stopped before their time.

use jiff::SignedDuration;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use locust_api::latest::{DesiredState, LocustTestStatus, Threshold, Verdict};

use super::objects::heard;
use super::*;
use crate::locust::RunPhase;
use crate::polling::{Heard, Order, Source, source};
use crate::thresholds::Standing;

fn under_load() -> World {
    let mut world = World::new();
    let limit: Threshold = serde_json::from_value(
        serde_json::json!({ "metric": "p95", "max": "500ms", "abort": true }),
    )
    .unwrap();
    world.test.spec.thresholds = Some(vec![limit]);
    world.look();
    world.workers_run(2);
    world.master_runs();
    world.heard = Some(with(vec![Standing::Met], heard("running", 5, 40, 2)));
    world.look();
    assert_eq!(world.phase(), Some(Phase::Running));
    world
}

fn with(standings: Vec<Standing>, heard: Heard) -> Heard {
    Heard { standings, ..heard }
}

fn ended(standing: Standing) -> Heard {
    Heard {
        phase: RunPhase::Ended,
        load_ended: Some(Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1)),
        ..with(vec![standing], heard("stopped", 0, 90, 2))
    }
}

fn breach(aborts: bool) -> Standing {
    Standing::Breached {
        words: "p95 is 734ms, more than 500ms".to_owned(),
        aborts,
    }
}

fn status(world: &World) -> &LocustTestStatus {
    world.test.status.as_ref().unwrap()
}

fn cause(world: &World) -> Option<&str> {
    let failure = status(world).failure.as_ref()?;
    Some(&failure.reason)
}

fn is_to_stop(world: &World) -> bool {
    match source(&world.observed(), &Settings::default()) {
        Source::Master(master) => master.order == Some(Order::Stop),
        Source::Nobody | Source::Headless => false,
    }
}

fn exits(world: &mut World, condition: &str) {
    world.workers_end();
    world.master_ends(condition);
    world.master_pod = None;
    world.look();
    world.look();
}

#[test]
fn thresholds_judge_failed_requests_in_locusts_place() {
    let failures = |standing: Standing| {
        let mut words = ended(standing);
        if let Some(numbers) = words.numbers.as_mut() {
            numbers.totals.failures = 3;
        }
        words
    };
    let unseen = Standing::Unseen("p95 of /nope".to_owned());
    for (standing, exit, expected) in [
        (
            Standing::Met,
            "Complete",
            (Phase::Succeeded, Verdict::Passed, None),
        ),
        (
            Standing::Met,
            "Failed",
            (Phase::Succeeded, Verdict::Passed, None),
        ),
        (
            breach(false),
            "Complete",
            (Phase::Failed, Verdict::Failed, Some("ThresholdBreached")),
        ),
        (
            breach(false),
            "Failed",
            (Phase::Failed, Verdict::Failed, Some("ThresholdBreached")),
        ),
        (
            unseen,
            "Complete",
            (Phase::Succeeded, Verdict::Inconclusive, None),
        ),
    ] {
        let mut world = under_load();
        world.heard = Some(failures(standing.clone()));
        world.look();
        exits(&mut world, exit);
        let seen = (
            world.phase().unwrap(),
            status(&world).verdict.unwrap(),
            cause(&world),
        );
        assert_eq!(seen, expected, "{standing:?} {exit}");
    }
}

#[test]
fn exceptions_of_the_locustfile_are_no_matter_of_thresholds() {
    let mut world = under_load();
    world.heard = Some(ended(Standing::Met));
    world.look();
    exits(&mut world, "Failed");
    assert_eq!(cause(&world), Some("LocustfileError"));
    assert_eq!(status(&world).verdict, Some(Verdict::Failed));
}

#[test]
fn thresholds_that_were_met_until_the_last_word_but_not_to_the_end_decide_nothing() {
    let mut world = under_load();
    exits(&mut world, "Complete");
    assert_eq!(status(&world).verdict, Some(Verdict::Inconclusive));
    let mut world = under_load();
    world.heard = None;
    world.test.status.as_mut().unwrap().conditions = None;
    exits(&mut world, "Complete");
    let reason = status(&world).verdict_reason.clone().unwrap();
    assert!(
        reason.starts_with("the thresholds could not be judged"),
        "{reason}"
    );
}

#[test]
fn thresholds_in_words_of_a_newer_operator_decide_nothing() {
    let mut world = under_load();
    world.heard = Some(ended(Standing::Met));
    world.look();
    world.heard = None;
    let conditions = world.test.status.as_mut().unwrap().conditions.iter_mut();
    let met = conditions
        .flatten()
        .find(|condition| condition.type_ == "ThresholdsMet");
    met.unwrap().reason = "MetForNow".to_owned();
    exits(&mut world, "Complete");
    assert_eq!(status(&world).verdict, Some(Verdict::Inconclusive));
    let reason = status(&world).verdict_reason.clone().unwrap();
    assert!(
        reason.starts_with("the thresholds could not be judged"),
        "{reason}"
    );
}

#[test]
fn a_breach_is_told_first_as_passing_and_then_for_good() {
    let mut world = under_load();
    assert_eq!(
        world.message("ThresholdsMet"),
        "the threshold is met so far"
    );
    let passing = Standing::NotMet("p95 is 734ms, more than 500ms".to_owned());
    world.heard = Some(with(vec![passing], heard("running", 5, 50, 2)));
    world.look();
    assert_eq!(
        world.condition("ThresholdsMet").as_deref(),
        Some("False/NotMetSoFar")
    );
    world.heard = Some(with(vec![Standing::Met], heard("running", 5, 60, 2)));
    world.look();
    assert_eq!(
        world.condition("ThresholdsMet").as_deref(),
        Some("True/AllMet")
    );
    world.heard = Some(with(vec![breach(false)], heard("running", 5, 70, 2)));
    world.look();
    world.heard = Some(with(vec![Standing::Met], heard("running", 5, 80, 2)));
    world.look();
    assert_eq!(
        world.condition("ThresholdsMet").as_deref(),
        Some("False/ThresholdBreached"),
        "another operator knows nothing of it, but that it was"
    );
    assert_eq!(status(&world).stop, None, "nobody asked for that");
}

#[test]
fn a_breach_that_aborts_stops_the_load_and_keeps_its_results() {
    let mut world = under_load();
    assert!(!is_to_stop(&world));
    world.heard = Some(with(vec![breach(true)], heard("running", 5, 70, 2)));
    world.look();
    assert!(is_to_stop(&world), "as the status says");
    assert_eq!(world.phase(), Some(Phase::Running));
    assert!(world.master.is_some() && world.worker.is_some());
    world.heard = Some(Heard {
        phase: RunPhase::Ending,
        ..with(vec![breach(true)], heard("stopped", 0, 80, 2))
    });
    world.look();
    assert_eq!(
        world.phase(),
        Some(Phase::Running),
        "its numbers still grow"
    );
    world.heard = Some(ended(breach(true)));
    world.look();
    assert_eq!(world.phase(), Some(Phase::Failed));
    assert_eq!(status(&world).verdict, Some(Verdict::Failed));
    assert_eq!(cause(&world), Some("ThresholdBreached"));
    let results = status(&world).results.as_ref().unwrap();
    assert_eq!(results.total.requests, 90);
    world.look();
    assert!(
        world.master.is_none() && world.worker.is_none(),
        "nobody stays"
    );
}

#[test]
fn a_load_is_stopped_when_that_is_desired_and_for_half_a_minute_at_most() {
    for (answers, stops) in [(true, false), (true, true), (false, false)] {
        let mut world = under_load();
        world.test.spec.desired_state = Some(DesiredState::Stopped);
        world.test.metadata.generation = Some(2);
        if !answers {
            world.heard = None;
        }
        world.look();
        assert_eq!(status(&world).stop.as_ref().unwrap().reason, "Stopped");
        if answers {
            assert_eq!(world.phase(), Some(Phase::Running));
            world.now += SignedDuration::from_secs(29);
            if stops {
                world.heard = Some(ended(Standing::Met));
            }
            world.look();
            assert_eq!(world.phase() == Some(Phase::Failed), stops);
            world.now += SignedDuration::from_secs(1);
            world.look();
        }
        assert_eq!(world.phase(), Some(Phase::Failed), "{answers} {stops}");
        assert_eq!(cause(&world), Some("Stopped"));
        assert_eq!(status(&world).verdict, Some(Verdict::Inconclusive));
        world.look();
        assert!(world.master.is_none() && world.worker.is_none());
        assert_eq!(world.condition("SpecDrifted"), None);
    }
}

#[test]
fn a_test_that_is_not_wanted_yet_waits() {
    let mut world = World::new();
    world.test.spec.desired_state = Some(DesiredState::Stopped);
    world.look();
    assert!(world.master.is_none() && world.worker.is_none());
    assert_eq!(world.condition("Ready").as_deref(), Some("False/Stopped"));
    world.test.spec.desired_state = Some(DesiredState::Running);
    world.look();
    assert!(world.master.is_some() && world.worker.is_some());
    assert_eq!(world.runs(), 1);
}

#[test]
fn an_annotation_stops_a_test_as_the_field_does() {
    let annotate = |world: &mut World, value: &str| {
        let annotations = world.test.metadata.annotations.get_or_insert_default();
        annotations.insert("locust.io/stop".to_owned(), value.to_owned());
        world.look();
    };
    let mut world = World::new();
    annotate(&mut world, "true");
    assert!(world.master.is_none() && world.worker.is_none());
    assert_eq!(
        world.message("Ready"),
        "the annotation locust.io/stop is true: the test runs once that is taken off"
    );
    annotate(&mut world, "false");
    assert!(world.master.is_some() && world.worker.is_some());

    let mut world = under_load();
    annotate(&mut world, "false");
    assert_eq!(status(&world).stop, None);
    annotate(&mut world, "true");
    assert!(is_to_stop(&world));
    world.heard = Some(ended(Standing::Met));
    world.look();
    assert_eq!(cause(&world), Some("Stopped"));
    assert_eq!(status(&world).verdict, Some(Verdict::Inconclusive));
    let failure = status(&world).failure.as_ref().unwrap();
    assert_eq!(failure.message, "the annotation locust.io/stop is true");
}

#[test]
fn a_run_that_is_not_over_within_its_deadline_is_stopped() {
    let mut world = under_load();
    world.test.spec.active_deadline_seconds = Some(90);
    world.look();
    let decision = decide(&world.observed(), &Settings::default());
    assert!(decision.requeue.unwrap() <= std::time::Duration::from_secs(90));
    world.now += SignedDuration::from_secs(89);
    world.look();
    assert_eq!(status(&world).stop, None);
    world.now += SignedDuration::from_secs(1);
    world.look();
    assert!(is_to_stop(&world));
    let requeue = decide(&world.observed(), &Settings::default()).requeue;
    assert!(!requeue.unwrap().is_zero(), "no hurry");
    world.heard = Some(ended(Standing::Met));
    world.look();
    assert_eq!(cause(&world), Some("DeadlineExceeded"));
    assert_eq!(status(&world).verdict, Some(Verdict::Failed));
}

#[test]
fn a_load_that_was_stopped_in_the_web_ui_is_finished_and_not_left_running() {
    let mut world = under_load();
    world.test.spec.master.autoquit =
        serde_json::from_value(serde_json::json!({ "timeout": 20 })).unwrap();
    world.heard = Some(ended(Standing::Met));
    world.look();
    world.now += SignedDuration::from_secs(34);
    world.look();
    assert_eq!(
        world.phase(),
        Some(Phase::Running),
        "it may still end by itself"
    );
    world.now += SignedDuration::from_secs(1);
    world.look();
    assert_eq!(cause(&world), Some("Stopped"));
    assert_eq!(status(&world).verdict, Some(Verdict::Inconclusive));
    world.look();
    assert!(world.master.is_none() && world.worker.is_none());
}

#[test]
fn the_load_of_a_test_that_is_being_deleted_is_stopped() {
    let mut world = under_load();
    assert!(!is_to_stop(&world));
    world.test.metadata.deletion_timestamp = Some(Time(Timestamp::UNIX_EPOCH));
    assert!(is_to_stop(&world));
}
