//! Whether a run was good, what ended it if it was not, and what came out of it.

use jiff::SignedDuration;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use locust_api::latest::{Completeness, LocustTestStatus, Results, Verdict};

use super::objects::heard;
use super::*;
use crate::judgement::Making;
use crate::locust::RunPhase;
use crate::polling::Heard;

/// A test under load, whose master says this now.
fn under_load(words: Heard) -> World {
    let mut world = super::under_load(World::new());
    world.heard = Some(words);
    world.look();
    world
}

fn ended(requests: u32, failures: u64) -> Heard {
    let mut words = heard("stopped", 0, requests, 2);
    words.phase = RunPhase::Ended;
    words.load_ended = Some(Timestamp::UNIX_EPOCH);
    if let Some(numbers) = words.numbers.as_mut() {
        numbers.totals.failures = failures;
    }
    words
}

fn lost_one() -> Heard {
    let words = ended(90, 0);
    Heard {
        making: Making {
            lost_workers: 1,
            ..words.making
        },
        ..words
    }
}

fn status(world: &World) -> &LocustTestStatus {
    world.test.status.as_ref().unwrap()
}

fn results(world: &World) -> Option<&Results> {
    status(world).results.as_ref()
}

/// Phase, verdict, why, and what ended it badly.
fn told(world: &World) -> (Phase, Verdict, String, Option<String>) {
    let status = status(world).clone();
    (
        status.phase.unwrap(),
        status.verdict.unwrap(),
        status.verdict_reason.unwrap(),
        status.failure.map(|failure| failure.reason),
    )
}

fn end(mut world: World, condition: &str) -> (Phase, Verdict, String, Option<String>) {
    world.workers_end();
    world.master_ends(condition);
    world.master_pod = None;
    world.look();
    let told = told(&world);
    assert_eq!(world.look(), 0, "it is the last word");
    told
}

#[test]
fn without_thresholds_the_verdict_is_locusts_and_says_so() {
    let (phase, verdict, reason, failure) = end(under_load(ended(90, 0)), "Complete");
    assert_eq!((phase, verdict), (Phase::Succeeded, Verdict::Passed));
    assert_eq!(
        reason,
        "Locust ended with exit code 0: of 90 requests none failed; there are no thresholds"
    );
    assert_eq!(failure, None);
    let (phase, verdict, reason, _) = end(under_load(ended(90, 3)), "Complete");
    assert_eq!((phase, verdict), (Phase::Succeeded, Verdict::Passed));
    assert!(reason.contains("of 90 requests 3 failed, which its arguments"));

    let (phase, verdict, reason, failure) = end(under_load(ended(90, 3)), "Failed");
    assert_eq!((phase, verdict), (Phase::Failed, Verdict::Failed));
    assert_eq!(reason, "3 of 90 requests failed");
    assert_eq!(failure.as_deref(), Some("RequestFailures"));
    let (.., failure) = end(under_load(ended(90, 0)), "Failed");
    assert_eq!(failure.as_deref(), Some("LocustfileError"));
}

#[test]
fn an_exit_code_of_0_alone_is_not_passed() {
    let alone = Heard {
        phase: RunPhase::AllWorkersLost,
        ..ended(90, 0)
    };
    let mut of_unknown = World::new();
    of_unknown.look();
    of_unknown.workers_run(2);
    of_unknown.master_runs();
    of_unknown.look();
    for (what, world, expected) in [
        (
            "nothing was requested",
            under_load(ended(0, 0)),
            (Phase::Failed, Verdict::Failed, Some("NoRequests")),
        ),
        (
            "the master was never heard",
            of_unknown,
            (Phase::Succeeded, Verdict::Inconclusive, None),
        ),
        (
            "it was heard before its first request only",
            under_load(heard("running", 5, 0, 2)),
            (Phase::Succeeded, Verdict::Inconclusive, None),
        ),
        (
            "a worker was lost",
            under_load(lost_one()),
            (Phase::Succeeded, Verdict::Inconclusive, None),
        ),
        (
            "all workers were lost",
            under_load(alone),
            (Phase::Failed, Verdict::Failed, Some("WorkersLost")),
        ),
    ] {
        let is_over = world.phase().is_some_and(Phase::is_terminal);
        let told = match is_over {
            true => told(&world),
            false => end(world, "Complete"),
        };
        let (phase, verdict, reason, failure) = told;
        assert_eq!((phase, verdict, failure.as_deref()), expected, "{what}");
        assert!(!reason.is_empty(), "{what}");
    }
}

#[test]
fn a_run_whose_workers_locust_has_lost_is_ended_though_all_pods_are_well() {
    let mut world = under_load(Heard {
        phase: RunPhase::AllWorkersLost,
        ..ended(90, 0)
    });
    assert_eq!(told(&world).3.as_deref(), Some("WorkersLost"));
    world.look();
    assert!(world.master.is_none() && world.worker.is_none());
}

#[test]
fn a_master_that_ends_before_its_run_time_is_over_did_not_pass() {
    for (left, expected) in [(40, Verdict::Failed), (5, Verdict::Passed)] {
        let mut world = under_load(heard("running", 5, 40, 2));
        let mut words = heard("running", 5, 400, 2);
        if let Some(numbers) = words.numbers.as_mut() {
            numbers.remaining = Some(std::time::Duration::from_secs(left + 10));
            numbers.sampled_at = world.now - SignedDuration::from_secs(10);
        }
        world.heard = Some(words);
        world.look();
        let (_, verdict, reason, failure) = end(world, "Complete");
        assert_eq!(verdict, expected);
        if verdict == Verdict::Failed {
            assert_eq!(
                reason,
                "the master was ended 40 s before the end of its run time"
            );
            assert_eq!(failure.as_deref(), Some("MasterLost"));
        }
    }
}

#[test]
fn results_are_noted_when_the_load_is_over_and_stay() {
    let mut world = under_load(ended(90, 3));
    assert_eq!(world.phase(), Some(Phase::Running), "its Job goes on");
    let complete = results(&world).unwrap().clone();
    assert_eq!(complete.completeness, Completeness::Complete);
    assert_eq!((complete.total.requests, complete.total.failures), (90, 3));
    assert_eq!(complete.total.fail_percent, "3.33");
    assert_eq!((complete.workers, complete.workers_lost), (2, 0));
    assert_eq!(complete.end_time, Some(Time(Timestamp::UNIX_EPOCH)));

    let later = Heard {
        load_ended: Some(world.now),
        ..ended(90, 3)
    };
    world.heard = Some(later);
    world.look();
    assert_eq!(results(&world), Some(&complete), "seen anew, and late");
    world.heard = None;
    let (_, verdict, ..) = end(world.clone(), "Complete");
    assert_eq!(verdict, Verdict::Passed, "by what was noted");
    world.workers_end();
    world.master_ends("Complete");
    world.look();
    assert_eq!(results(&world), Some(&complete));
}

#[test]
fn results_of_a_master_that_ends_before_they_are_final_are_partial() {
    let mut world = under_load(heard("running", 5, 40, 2));
    assert_eq!(results(&world), None, "it runs");
    world.workers_end();
    world.master_ends("Failed");
    world.look();
    let partial = results(&world).unwrap();
    assert_eq!(partial.completeness, Completeness::Partial);
    assert_eq!(partial.total.requests, 40);
}

#[test]
fn a_run_whose_end_was_not_seen_is_neither_passed_nor_failed() {
    let mut world = under_load(heard("running", 5, 40, 2));
    world.delete_job_seen(locust_api::names::Role::Master);
    world.look();
    let (phase, verdict, _, failure) = told(&world);
    assert_eq!((phase, verdict), (Phase::Failed, Verdict::Inconclusive));
    assert_eq!(failure.as_deref(), Some("JobDeleted"));
}

/// Writes a condition as a newer version of the operator might.
fn with_condition(mut world: World, type_: &str, reason: &str) -> World {
    world.heard = None;
    let status = world.test.status.as_mut().unwrap();
    let conditions = status.conditions.as_mut().unwrap();
    conditions.retain(|condition| condition.type_ != type_);
    let mut condition = conditions[0].clone();
    condition.type_ = type_.to_owned();
    condition.status = "False".to_owned();
    condition.reason = reason.to_owned();
    condition.message = "of a newer version".to_owned();
    conditions.push(condition);
    world
}

#[test]
fn trouble_in_words_of_a_newer_operator_is_still_trouble() {
    let unhealthy = with_condition(under_load(ended(90, 0)), "GeneratorHealthy", "Saturated");
    let (phase, verdict, reason, _) = end(unhealthy, "Complete");
    assert_eq!((phase, verdict), (Phase::Succeeded, Verdict::Inconclusive));
    assert_eq!(reason, "of a newer version");
}

#[test]
fn a_completed_test_says_that_it_failed_and_a_lost_end_that_it_is_unknown() {
    let reason = |world: &World| {
        let mut conditions = status(world).conditions.iter().flatten();
        let completed = conditions.find(|condition| condition.type_ == "TestCompleted");
        completed.map(|condition| condition.reason.clone())
    };
    for (words, condition, expected) in [
        (ended(90, 0), "Complete", "TestSucceeded"),
        (ended(0, 0), "Complete", "TestFailed"),
        (ended(90, 3), "Failed", "TestFailed"),
        (ended(90, 0), "Failed", "TestFailed"),
    ] {
        let mut world = under_load(words);
        world.workers_end();
        world.master_ends(condition);
        world.look();
        assert_eq!(reason(&world).as_deref(), Some(expected), "{condition}");
    }
    let mut deleted = under_load(ended(90, 0));
    deleted.delete_job_seen(locust_api::names::Role::Master);
    deleted.look();
    assert_eq!(reason(&deleted).as_deref(), Some("JobDeleted"));
}

#[test]
fn a_bad_end_of_which_nothing_was_seen_is_told_in_words() {
    let mut world = World::new();
    world.look();
    world.workers_run(2);
    world.master_runs();
    world.look();
    world.workers_end();
    world.master_ends("Failed");
    let mut observed = world.observed();
    observed.pods.clear();
    let status = decide(&observed, &Settings::default()).status;
    let reason = status.verdict_reason.unwrap();
    assert_eq!(reason, "the master's Job failed, and its pod is gone");
    assert_eq!(status.failure.unwrap().reason, "MasterLost");
}

#[test]
fn workers_that_were_missing_may_still_come_and_those_lost_do_not() {
    let healthy = |world: &World| world.condition("GeneratorHealthy");
    let making = |workers, lost_workers| {
        let words = heard("running", 5, 40, 2);
        let making = Making {
            workers,
            wanted_workers: Some(2),
            lost_workers,
            ..words.making
        };
        Heard { making, ..words }
    };
    let mut world = under_load(making(1, 0));
    let missing = Some("False/WorkersMissing".to_owned());
    assert_eq!(healthy(&world), missing);
    world.heard = None;
    world.look();
    assert_eq!(healthy(&world), missing, "nothing newer is known");
    world.heard = Some(making(2, 0));
    world.look();
    assert_eq!(healthy(&world), None, "it has come");
    let lost = Some("False/WorkersLost".to_owned());
    for words in [making(2, 1), making(1, 0), making(2, 0)] {
        world.heard = Some(words);
        world.look();
        assert_eq!(healthy(&world), lost, "its numbers stay lost");
    }
}
