//! Every cause of a bad end, and what leads to it.

use locust_api::failure::FailureReason;
use locust_api::latest::DesiredState;

use super::objects::{heard, pod};
use super::*;
use crate::locust::RunPhase;
use crate::polling::Heard;
use crate::thresholds::Standing;

/// The load has ended by itself, with so many requests and failures.
fn after_load(requests: u32, failures: u64) -> World {
    let mut world = under_load(World::new());
    let mut words = Heard {
        phase: RunPhase::Ended,
        load_ended: Some(world.now),
        ..heard("stopped", 0, requests, 2)
    };
    if let Some(numbers) = words.numbers.as_mut() {
        numbers.totals.failures = failures;
    }
    world.heard = Some(words);
    world.workers_end();
    world
}

/// The master's process ends with this code.
fn exits(mut world: World, code: i32) -> World {
    let job = world.master.as_ref().unwrap();
    let uid = job.metadata.uid.clone().unwrap();
    let ended = serde_json::json!({ "terminated": { "exitCode": code, "finishedAt": "1970-01-01T01:00:00Z" } });
    world.master_pod = Some(pod("demo-master", &uid, &ended));
    world.master_ends(if code == 0 { "Complete" } else { "Failed" });
    world
}

/// What leads to it.
fn produced(reason: FailureReason) -> World {
    use FailureReason as R;
    match reason {
        R::RequestFailures => exits(after_load(40, 3), 1),
        R::LocustfileError => exits(after_load(40, 0), 1),
        R::ExitCode => exits(after_load(40, 0), 42),
        R::NoRequests => exits(after_load(0, 0), 0),
        R::MasterLost => exits(under_load(World::new()), 137),
        R::ThresholdBreached => {
            let mut world = after_load(40, 0);
            let limit = serde_json::json!([{ "metric": "p95", "max": "5ms" }]);
            world.test.spec.thresholds = serde_json::from_value(limit).unwrap();
            let breached = Standing::Breached {
                words: "p95 is 9ms, more than 5ms".to_owned(),
                aborts: false,
            };
            world.heard.as_mut().unwrap().standings = vec![breached];
            world.look();
            exits(world, 0)
        }
        R::Stopped => {
            let mut world = under_load(World::new());
            world.test.spec.desired_state = Some(DesiredState::Stopped);
            world.look();
            world.heard.as_mut().unwrap().phase = RunPhase::Ended;
            world
        }
        R::DeadlineExceeded => {
            let mut world = under_load(World::new());
            world.test.spec.active_deadline_seconds = Some(60);
            world.now += SignedDuration::from_secs(61);
            world.look();
            world.heard.as_mut().unwrap().phase = RunPhase::Ended;
            world
        }
        R::WorkersNeverConnected => {
            let mut world = World::new();
            world.test.spec.start_deadline_seconds = Some(60);
            world.look();
            world.workers_run(1);
            world.master_runs();
            world.heard = Some(heard("ready", 0, 0, 1));
            world.look();
            world.now += SignedDuration::from_secs(61);
            world
        }
        R::WorkersLost => {
            let mut world = under_load(World::new());
            world.heard.as_mut().unwrap().phase = RunPhase::AllWorkersLost;
            world
        }
        R::JobDeleted => {
            let mut world = under_load(World::new());
            world.delete_job_seen(Role::Master);
            world
        }
        R::ResultUnknown => {
            let mut world = under_load(World::new());
            world.master = None;
            world
        }
    }
}

#[test]
fn every_cause_can_be_told_and_each_by_what_it_means() {
    for reason in FailureReason::ALL {
        let mut world = produced(*reason);
        world.look();
        let status = world.test.status.clone().unwrap();
        let failure = status
            .failure
            .unwrap_or_else(|| panic!("{reason:?}: no failure: {:?}", status.phase));
        assert_eq!(failure.reason, reason.as_str(), "{}", failure.message);
        assert!(
            !failure.message.is_empty() && !failure.message.contains('\n'),
            "{reason:?}"
        );
        assert!(status.verdict.is_some(), "{reason:?}");
        // What still runs is removed, and that is all.
        world.now += SignedDuration::from_secs(10);
        world.look();
        assert_eq!(world.look(), 0, "{reason:?} is the last word");
    }
}
