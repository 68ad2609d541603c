//! Whatever a master says and Kubernetes does, in any order: what is over stays
//! as it is, and Passed stands only where it is true.

use std::time::Duration;

use jiff::SignedDuration;
use locust_api::latest::{LocustTestStatus, Verdict};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, prop_oneof};
use proptest::{prop_assert, prop_assert_eq, proptest};
use serde_json::json;

use super::objects::master;
use super::*;
use crate::locust::Sample;
use crate::polling::{Following, Moment, Silence};
use crate::trials::cases;

/// What may happen between two looks.
#[derive(Clone, Debug)]
enum Event {
    /// The master answers.
    Says(Words),
    /// The master does not answer.
    Silent,
    WorkersRun(i32),
    WorkersEnd,
    MasterRuns,
    MasterEnds(bool),
    JobDeleted(bool),
    Stopped,
    /// Another operator, which has heard nothing yet.
    Restart,
    Passes(u8),
}

#[derive(Clone, Debug)]
struct Words {
    state: &'static str,
    users: u8,
    more_requests: u8,
    more_failures: u8,
    workers: u8,
}

fn words() -> impl Strategy<Value = Words> {
    let states = [
        "ready", "spawning", "running", "running", "stopping", "stopped", "?",
    ];
    (0..states.len(), 0..3_u8, 0..3_u8, 0..2_u8, 0..3_u8).prop_map(
        move |(state, users, more_requests, more_failures, workers)| Words {
            state: states[state],
            users,
            more_requests,
            more_failures,
            workers,
        },
    )
}

fn event() -> impl Strategy<Value = Event> {
    let rare = prop_oneof![
        any_bool().prop_map(Event::JobDeleted),
        Just(Event::Stopped),
        Just(Event::Restart),
        Just(Event::Silent),
    ];
    prop_oneof![
        6 => words().prop_map(Event::Says),
        3 => (0..20_u8).prop_map(Event::Passes),
        2 => any_bool().prop_map(Event::MasterEnds),
        1 => (0..3).prop_map(Event::WorkersRun),
        1 => Just(Event::WorkersEnd),
        1 => Just(Event::MasterRuns),
        1 => rare,
    ]
}

fn any_bool() -> impl Strategy<Value = bool> {
    prop_oneof![Just(true), Just(false)]
}

/// A world, and who follows its master.
struct Run {
    world: World,
    following: Following,
    began: Timestamp,
    requests: u64,
    failures: u64,
}

impl Run {
    fn new() -> Self {
        let mut world = World::new();
        world.look();
        Self {
            following: Following::new(&master(), world.now),
            began: world.now,
            world,
            requests: 0,
            failures: 0,
        }
    }

    fn moment(&self) -> Moment {
        let elapsed = self.world.now.duration_since(self.began);
        Moment {
            elapsed: Duration::try_from(elapsed).unwrap(),
            now: self.world.now,
        }
    }

    fn happen(&mut self, event: &Event) {
        match event {
            Event::Says(words) => self.hear(words),
            Event::Silent => {
                let silence = Silence::Unreachable("no route".to_owned());
                self.following.hear(self.moment(), Err(silence));
            }
            Event::WorkersRun(workers) => self.world.workers_run(*workers),
            Event::WorkersEnd => self.world.workers_end(),
            Event::MasterRuns => self.world.master_runs(),
            Event::MasterEnds(well) => {
                let how = if *well { "Complete" } else { "Failed" };
                self.world.master_ends(how);
            }
            Event::JobDeleted(of_master) => {
                let role = if *of_master {
                    Role::Master
                } else {
                    Role::Worker
                };
                self.world.delete_job_seen(role);
            }
            Event::Stopped => {
                self.world.test.spec.desired_state =
                    Some(locust_api::latest::DesiredState::Stopped);
            }
            Event::Restart => {
                self.began = self.world.now;
                let status = self.world.test.status.as_ref();
                let began =
                    status.and_then(|status| status.locust.as_ref()?.load_start_time.clone());
                let mut master = master();
                master.load_began = began.map(|time| time.0);
                self.following = Following::new(&master, self.world.now);
            }
            Event::Passes(seconds) => {
                self.world.now += SignedDuration::from_secs(i64::from(*seconds));
            }
        }
        self.world.heard = Some(self.following.heard());
    }

    fn hear(&mut self, words: &Words) {
        self.requests += u64::from(words.more_requests);
        self.failures += u64::from(words.more_failures.min(words.more_requests));
        let workers: Vec<_> = (0..words.workers)
            .map(|id| json!({ "id": format!("demo-worker-{id}"), "state": words.state }))
            .collect();
        let answer = json!({
            "state": words.state,
            "user_count": words.users,
            "workers": workers,
            "stats": [{
                "name": "Aggregated",
                "num_requests": self.requests,
                "num_failures": self.failures,
            }],
        });
        let sample = Sample::parse(answer.to_string().as_bytes()).unwrap();
        self.following.hear(self.moment(), Ok(sample));
    }

    fn status(&self) -> LocustTestStatus {
        self.world.test.status.clone().unwrap_or_default()
    }
}

/// How often of how many runs the verdict was Passed: a search that never meets
/// it shows nothing.
fn passes(events: &[Vec<Event>]) -> usize {
    let passed = |events: &&Vec<Event>| {
        let mut run = Run::new();
        for event in *events {
            run.happen(event);
            run.world.look();
        }
        run.status().verdict == Some(Verdict::Passed)
    };
    events.iter().filter(passed).count()
}

#[test]
fn runs_that_pass_are_among_those_that_are_tried() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let tried: Vec<Vec<Event>> = (0..300)
        .map(|_| vec(event(), 1..30).new_tree(&mut runner).unwrap().current())
        .collect();
    let passed = passes(&tried);
    println!("{passed} of {} passed", tried.len());
    assert!(passed > 3, "{passed}");
}

proptest! {
    #![proptest_config(cases(200))]
    #[test]
    fn a_phase_never_goes_back_and_passed_stands_only_for_a_whole_run(events in vec(event(), 1..30)) {
        let mut run = Run::new();
        let mut over: Option<LocustTestStatus> = None;
        for event in &events {
            run.happen(event);
            run.world.look();
            let status = run.status();
            if let Some(over) = &over {
                prop_assert_eq!(status.phase, over.phase);
                prop_assert_eq!(status.verdict, over.verdict);
                prop_assert_eq!(&status.failure, &over.failure);
                prop_assert_eq!(&status.results, &over.results);
            } else if status.phase.is_some_and(Phase::is_terminal) {
                prop_assert!(status.verdict.is_some(), "{:?}", status);
                over = Some(status);
            }
        }
        prop_assert!(run.world.runs() <= 1);
        let Some(status) = over else { return Ok(()) };
        let is_failed = status.verdict == Some(Verdict::Failed);
        prop_assert!(!is_failed || status.phase == Some(Phase::Failed), "{:?}", status);
        if status.verdict == Some(Verdict::Passed) {
            prop_assert_eq!(status.phase, Some(Phase::Succeeded));
            prop_assert_eq!(&status.failure, &None);
            let (requests, lost) = match (&status.results, &status.locust) {
                (Some(results), _) => (results.total.requests, results.workers_lost),
                (None, Some(stats)) => (stats.requests, 0),
                (None, None) => (0, 0),
            };
            prop_assert!(requests > 0, "{:?}", status);
            prop_assert_eq!(lost, 0);
            prop_assert_eq!(run.world.condition("GeneratorHealthy"), None);
        }
    }
}
