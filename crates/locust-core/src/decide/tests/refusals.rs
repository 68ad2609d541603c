//! What becomes of a spec that cannot be run, or may not be meant.

use std::time::Duration;

use locust_api::condition::Reason;
use locust_api::latest::Phase;
use locust_api::names::Role;

use super::World;
use crate::decide::{Step, decide};
use crate::fold::{Outcome, Refusal, changed_events, fold};
use crate::observed::{LastRefusal, RefusalCause};
use crate::settings::Settings;

#[test]
fn a_spec_with_a_problem_makes_nothing_until_it_is_corrected() {
    let mut world = World::new();
    world.test.spec.master.command = "-f 'a".to_owned();
    assert_eq!(world.look(), 1, "one write, of the status");
    assert_eq!(world.look(), 0);
    assert_eq!(world.phase(), Some(Phase::Pending));
    let condition = |world: &World, type_| world.condition(type_).unwrap_or_default();
    assert_eq!(condition(&world, "Accepted"), "False/InvalidCommand");
    assert_eq!(condition(&world, "Ready"), "False/NotAccepted");
    world.test.spec.master.command = "-f 'a'".to_owned();
    world.edit_spec();
    world.look();
    assert_eq!(condition(&world, "Accepted"), "True/Accepted");
    assert_eq!(world.runs(), 1);
}

#[test]
fn jobs_of_an_older_spec_go_also_if_the_new_one_cannot_be_run() {
    let mut world = World::new();
    world.look_until(3);
    assert!(world.observed().job(Role::Worker).is_some());
    world.test.spec.master.command = "'".to_owned();
    world.edit_spec();
    world.look();
    assert!(world.observed().job(Role::Worker).is_none());
    assert_eq!(world.runs(), 0);
}

#[test]
fn the_first_status_of_a_run_says_what_may_not_be_meant() {
    let mut world = World::new();
    world.test.spec.master.extra_args = Some(vec!["--master-port=1".to_owned()]);
    world.look();
    let accepted = world.condition("Accepted");
    assert_eq!(accepted.as_deref(), Some("True/AcceptedWithWarnings"));
    let status = world.test.status.unwrap();
    let events = changed_events(None, &status);
    let warnings: Vec<_> = events
        .iter()
        .filter(|event| event.reason == "SpecWarning")
        .collect();
    assert_eq!(warnings.len(), 1);
    assert_eq!(changed_events(Some(&status), &status), []);
}

fn last(cause: RefusalCause, generation: i64, seconds: u64) -> LastRefusal {
    LastRefusal {
        generation: Some(generation),
        cause,
        ago: Duration::from_secs(seconds),
    }
}

#[test]
fn a_refused_step_waits_for_its_time_or_another_spec() {
    use RefusalCause::{Forbidden, Invalid};
    let world = World::new();
    for (refusal, wait) in [
        (last(Invalid, 1, 0), Some(300)),
        (last(Invalid, 1, 299), Some(1)),
        (last(Invalid, 1, 300), None),
        (last(Invalid, 2, 0), None),
        (last(Forbidden, 1, 10), Some(20)),
        (last(Forbidden, 1, 30), None),
    ] {
        let mut observed = world.observed();
        observed.refused = Some(refusal);
        let decision = decide(&observed, &Settings::default());
        let creates = decision
            .steps
            .iter()
            .any(|step| matches!(step, Step::CreateJob(..)));
        assert_eq!(creates, wait.is_none(), "{refusal:?}");
        if let Some(seconds) = wait {
            assert_eq!(decision.requeue, Some(Duration::from_secs(seconds)));
        }
    }
}

#[test]
fn only_what_an_object_is_makes_its_refusal_one_of_the_spec() {
    let world = World::new();
    let observed = world.observed();
    let decision = decide(&observed, &Settings::default());
    for (cause, reason) in [
        (RefusalCause::Invalid, Some(Reason::RefusedByKubernetes)),
        (RefusalCause::Forbidden, Some(Reason::Accepted)),
    ] {
        let outcome = Outcome {
            done: Vec::new(),
            refused: Some(Refusal {
                object: "Job demo-master".to_owned(),
                message: "spec.a: no".to_owned(),
                cause,
            }),
        };
        let status = fold(&observed, &decision, &outcome);
        let find = |type_: &str| {
            let mut conditions = status.conditions.iter().flatten();
            conditions.find(|condition| condition.type_ == type_)
        };
        let accepted = find("Accepted").map(|condition| condition.reason.as_str());
        assert_eq!(accepted, reason.map(Reason::as_str));
        let ready = find("Ready").map(|condition| condition.message.as_str());
        assert_eq!(ready, Some("Job demo-master was refused: spec.a: no"));
    }
}

#[test]
fn telemetry_that_the_image_cannot_do_is_a_condition_and_an_event_and_no_obstacle() {
    let mut world = World::new();
    world.test.spec.image = "locustio/locust:2.32.0".to_owned();
    let enabled = serde_json::json!({"openTelemetry": {"enabled": true}});
    world.test.spec.observability = serde_json::from_value(enabled).unwrap();
    world.look();
    assert_eq!(world.runs(), 1);
    let type_ = "OpenTelemetryAvailable";
    assert_eq!(
        world.condition(type_).as_deref(),
        Some("False/LocustTooOld")
    );
    let status = world.test.status.unwrap();
    let events = changed_events(None, &status);
    let about = |event: &&crate::events::Event| event.reason == "OpenTelemetryUnavailable";
    assert_eq!(events.iter().filter(about).count(), 1);
}
