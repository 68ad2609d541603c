//! What is removed of a test that is over, and when.

use locust_api::latest::{Cleanup, Verdict, WorkerCleanup};

use super::*;

/// A test that is over, by an end of its master.
fn over(condition: &str, cleanup: Option<Cleanup>) -> World {
    let mut world = World::new();
    world.test.spec.cleanup = cleanup;
    world.look();
    world.workers_run(2);
    world.master_runs();
    world.look();
    world.workers_end();
    world.master_ends(condition);
    world.look();
    world
}

/// A minute after a success, an hour after anything else.
fn seconds() -> Cleanup {
    Cleanup {
        ttl_seconds_after_success: Some(60),
        ttl_seconds_after_failure: Some(3600),
        workers: None,
    }
}

fn stands(world: &World) -> (bool, bool) {
    let observed = world.observed();
    let stands = |role| observed.job(role).is_some();
    (stands(Role::Master), stands(Role::Worker))
}

/// What stands so many seconds after the end.
fn stands_after(mut world: World, seconds: i64) -> (bool, bool) {
    world.now += SignedDuration::from_secs(seconds);
    world.look();
    assert_eq!(world.look(), 0, "it is left alone");
    stands(&world)
}

fn with_verdict(mut world: World, verdict: Verdict) -> World {
    world.test.status.as_mut().unwrap().verdict = Some(verdict);
    world
}

#[test]
fn jobs_stay_unless_the_spec_says_otherwise() {
    let week = 7 * 24 * 3600;
    assert_eq!(stands_after(over("Complete", None), week), (true, true));
    let none = Some(Cleanup::default());
    assert_eq!(stands_after(over("Failed", none), week), (true, true));
}

#[test]
fn jobs_go_after_their_time_which_is_another_one_for_what_did_not_pass() {
    let passed = || with_verdict(over("Complete", Some(seconds())), Verdict::Passed);
    assert_eq!(stands_after(passed(), 59), (true, true));
    assert_eq!(stands_after(passed(), 60), (false, false));
    let unclear = || with_verdict(over("Complete", Some(seconds())), Verdict::Inconclusive);
    let failed = || over("Failed", Some(seconds()));
    assert_eq!(stands_after(failed(), 3599), (true, true));
    assert_eq!(stands_after(failed(), 3600), (false, false));
    assert_eq!(stands_after(unclear(), 3599), (true, true));
    assert_eq!(stands_after(unclear(), 3600), (false, false));
}

#[test]
fn it_is_looked_at_again_when_the_time_has_come() {
    let mut world = over("Failed", Some(seconds()));
    world.now += SignedDuration::from_secs(600);
    let decision = decide(&world.observed(), &Settings::default());
    assert_eq!(decision.steps, []);
    assert_eq!(decision.requeue, Some(Duration::from_secs(3000)));
}

#[test]
fn workers_may_go_at_once() {
    let at_once = Cleanup {
        workers: Some(WorkerCleanup::Immediately),
        ..seconds()
    };
    assert_eq!(
        stands_after(over("Failed", Some(at_once)), 0),
        (true, false)
    );
}

#[test]
fn workers_that_are_to_go_at_once_are_given_no_time_to_end() {
    let still_at_work = |workers| {
        let mut world = World::new();
        world.test.spec.cleanup = Some(Cleanup {
            workers,
            ..Cleanup::default()
        });
        world.look();
        world.workers_run(2);
        world.master_runs();
        world.look();
        world.master_ends("Complete");
        world.master_pod = None;
        world.look();
        stands_after(world, 1)
    };
    assert_eq!(still_at_work(None), (true, true), "they have been told");
    let at_once = Some(WorkerCleanup::Immediately);
    assert_eq!(still_at_work(at_once), (true, false));
}
