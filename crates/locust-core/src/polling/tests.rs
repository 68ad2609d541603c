//! What is made of the answers of one master.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use locust_api::condition::Reason;
use locust_api::latest::LocustState;
use serde_json::{Value, json};

use super::*;
use crate::locust::{RunPhase, Sample};
use crate::storage::Outcome;

fn master() -> Master {
    Master {
        pod: "pod".to_owned(),
        address: ([10, 0, 0, 7], 8089).into(),
        base_path: String::new(),
        workers: "demo-worker-".to_owned(),
        image_version: Some("2.43.3".to_owned()),
        run_time: Some(Duration::from_secs(60)),
        users: Some(5),
        wanted_workers: Some(2),
        load_began: None,
        thresholds: Vec::new(),
        wants_report: false,
        report_room: usize::MAX,
        sidecar: None,
        order: None,
    }
}

fn at(seconds: u64) -> Moment {
    let elapsed = Duration::from_secs(seconds);
    Moment {
        elapsed,
        now: Timestamp::UNIX_EPOCH + SignedDuration::try_from(elapsed).unwrap(),
    }
}

fn answer(state: &str, users: u64, requests: u64, failures: u64) -> Value {
    json!({
        "state": state,
        "user_count": users,
        "stats": [{
            "name": "Aggregated",
            "num_requests": requests,
            "num_failures": failures,
            "median_response_time": 12.4,
            "avg_response_time": 14.5,
            "max_response_time": 1e30,
            "response_time_percentile_0.95": 37.0,
            "current_rps": 99.0,
        }],
        "workers": [
            { "id": "demo-worker-a1_0f", "state": "running" },
            { "id": "demo-worker-b2_0f", "state": "missing" },
        ],
    })
}

fn sample(answer: &Value) -> Sample {
    Sample::parse(answer.to_string().as_bytes()).unwrap()
}

/// A master that has said so much, a second apart.
fn following(answers: &[Value]) -> Following {
    let mut following = Following::new(&master(), Timestamp::UNIX_EPOCH);
    for (second, answer) in (0..).zip(answers) {
        following.hear(at(second), Ok(sample(answer)));
    }
    following
}

fn unreachable() -> Result<Sample, Silence> {
    Err(Silence::Unreachable("refused".to_owned()))
}

#[test]
fn numbers_stand_in_the_status_rounded_and_whole() {
    let mut following = following(&[answer("ready", 0, 0, 0)]);
    following.hear(at(2), Ok(sample(&answer("spawning", 3, 10, 0))));
    following.hear(at(12), Ok(sample(&answer("running", 30, 1244, 3))));
    let stats = stats(&following.heard().numbers.unwrap());
    assert_eq!(
        serde_json::to_value(stats).unwrap(),
        json!({
            "state": "running",
            "users": 30,
            "requestsPerSecond": "123",
            "failuresPerSecond": "0.3",
            "failPercent": "0.24",
            "requests": 1244,
            "failures": 3,
            "medianMs": 12,
            "p95Ms": 37,
            "averageMs": 15,
            "maxMs": 32_000_000_000_000_i64,
            "workersConnected": 1,
            "workersMissing": 1,
            "loadStartTime": "1970-01-01T00:00:02Z",
            "elapsedSeconds": 10,
            "remainingSeconds": 50,
            "sampledAt": "1970-01-01T00:00:12Z",
        })
    );
}

#[test]
fn what_is_not_nothing_does_not_look_like_nothing() {
    let percent = |failures, requests| {
        let following = following(&[answer("running", 1, requests, failures)]);
        stats(&following.heard().numbers.unwrap()).fail_percent
    };
    for (failures, requests, expected) in [
        (0, 0, "0"),
        (0, 9, "0"),
        (1, 1_000_000, "0.01"),
        (1, 300, "0.33"),
        (99_949, 1_000_000, "9.99"),
        (1, 10, "10.0"),
        (999_999, 1_000_000, "99.9"),
        (7, 7, "100"),
    ] {
        assert_eq!(
            percent(failures, requests),
            expected,
            "{failures}/{requests}"
        );
    }
}

#[test]
fn rates_are_nothing_once_the_load_has_ended() {
    let mut following = following(&[answer("running", 3, 10, 1), answer("running", 3, 50, 2)]);
    following.hear(at(4), Ok(sample(&answer("stopped", 0, 90, 2))));
    let heard = following.heard();
    assert_eq!(heard.phase, RunPhase::Ending);
    let stats = stats(&heard.numbers.unwrap());
    assert_eq!(stats.requests_per_second, "0.0");
    assert_eq!(stats.failures_per_second, "0.0");
    assert_eq!(stats.remaining_seconds, None);
    following.hear(at(9), Ok(sample(&answer("stopped", 0, 99, 2))));
    let later = super::stats(&following.heard().numbers.unwrap());
    assert_eq!(
        (later.requests, later.elapsed_seconds),
        (99, Some(4)),
        "of the load"
    );
}

#[test]
fn moved_numbers_are_news_every_five_seconds_and_turns_at_once() {
    let mut following = Following::new(&master(), Timestamp::UNIX_EPOCH);
    let mut hear = |second, answer: Value| following.hear(at(second), Ok(sample(&answer)));
    assert_eq!(hear(0, answer("ready", 0, 0, 0)), News::Some, "the first");
    assert_eq!(hear(2, answer("spawning", 1, 0, 0)), News::Some, "load");
    assert_eq!(hear(3, answer("running", 9, 5, 0)), News::Some, "all users");
    assert_eq!(hear(6, answer("running", 9, 50, 0)), News::None, "too soon");
    assert_eq!(hear(8, answer("running", 9, 60, 0)), News::Some);
    assert_eq!(hear(16, answer("running", 9, 60, 0)), News::None);
    assert_eq!(
        hear(18, answer("running", 9, 60, 0)),
        News::Some,
        "0 a second"
    );
    assert_eq!(
        hear(40, answer("running", 9, 60, 0)),
        News::None,
        "nothing moved"
    );
    assert_eq!(hear(42, answer("running", 9, 61, 0)), News::Some);
}

#[test]
fn a_master_is_asked_often_while_things_change_and_seldom_when_it_is_gone() {
    let pause = |following: &Following| following.pause().as_secs();
    let mut following = Following::new(&master(), Timestamp::UNIX_EPOCH);
    assert_eq!(pause(&following), 2);
    let mut pause_after = |second, answer: Result<Sample, Silence>| {
        following.hear(at(second), answer);
        pause(&following)
    };
    let running = |requests| Ok(sample(&answer("running", 9, requests, 0)));
    assert_eq!(pause_after(0, Ok(sample(&answer("ready", 0, 0, 0)))), 2);
    assert_eq!(pause_after(2, Ok(sample(&answer("spawning", 1, 0, 0)))), 2);
    assert_eq!(pause_after(4, running(9)), 2, "the state changed");
    assert_eq!(pause_after(6, running(20)), 5, "only numbers did");
    assert_eq!(pause_after(57, running(30)), 2, "its end is near");
    assert_eq!(pause_after(62, Ok(sample(&answer("stopped", 0, 40, 0)))), 2);
    let missed: Vec<u64> = (0..9).map(|_| pause_after(64, unreachable())).collect();
    assert_eq!(missed, [2, 2, 2, 4, 8, 16, 30, 30, 30]);
    assert_eq!(pause_after(99, Ok(sample(&answer("stopped", 0, 40, 0)))), 5);
}

#[test]
fn the_numbers_are_asked_for_when_they_are_final_and_no_later() {
    let mut following = following(&[answer("running", 1, 5, 0)]);
    let mut pause_after = |millis: u64| {
        let elapsed = Duration::from_millis(millis);
        let moment = Moment { elapsed, ..at(0) };
        following.hear(moment, Ok(sample(&answer("stopped", 0, 5, 0))));
        u64::try_from(following.pause().as_millis()).unwrap()
    };
    let pauses = [5000, 7000, 9000, 9700, 10_950, 11_000].map(&mut pause_after);
    assert_eq!(pauses, [2000, 2000, 2000, 1300, 100, 5000]);
    assert_eq!(following.heard().phase, RunPhase::Ended);
}

#[test]
fn a_master_that_starts_late_is_heard_as_soon_as_it_listens() {
    let mut following = Following::new(&master(), Timestamp::UNIX_EPOCH);
    for second in 0..20 {
        following.hear(at(second), Err(Silence::NotListening("refused".to_owned())));
        assert_eq!(following.pause().as_secs(), 2);
    }
}

#[test]
fn pauses_differ_by_at_most_a_tenth() {
    let pause = Duration::from_secs(5);
    let pauses: Vec<Duration> = (0..1000).map(|chance| jittered(pause, chance)).collect();
    assert_eq!(pauses.iter().min(), Some(&Duration::from_millis(4500)));
    assert_eq!(pauses.iter().max(), Some(&Duration::from_millis(5500)));
    assert_eq!(jittered(pause, u64::MAX), jittered(pause, u64::MAX % 201));
}

#[test]
fn silence_is_told_once_it_is_more_than_a_moments() {
    for (silence, patience, reason) in [
        (
            Silence::Unreachable("refused".to_owned()),
            3,
            Reason::Unreachable,
        ),
        (Silence::AuthRequired, 1, Reason::AuthRequired),
        (Silence::NotStatistics("404".to_owned()), 2, Reason::NotJSON),
    ] {
        let mut following = following(&[answer("running", 1, 5, 0)]);
        for attempt in 1..patience {
            let news = following.hear(at(attempt), Err(silence.clone()));
            assert_eq!(news, News::None, "{silence:?}");
            assert_eq!(following.heard().silence, None);
        }
        let news = following.hear(at(9), Err(silence.clone()));
        assert_eq!(news, News::Some, "{silence:?}");
        let heard = following.heard();
        assert_eq!(heard.silence.as_ref(), Some(&silence));
        assert_eq!(silence.reason(), reason);
        assert!(heard.numbers.is_some(), "the last numbers stay");
        let news = following.hear(at(10), Ok(sample(&answer("running", 1, 5, 0))));
        assert_eq!(news, News::Some, "it speaks again");
        assert_eq!(following.heard().silence, None);
    }
}

#[test]
fn a_login_stays_the_reason_when_the_master_ends() {
    let mut following = Following::new(&master(), Timestamp::UNIX_EPOCH);
    for second in 0..5 {
        following.hear(at(second), Err(Silence::AuthRequired));
    }
    let refused = Silence::NotListening("refused".to_owned());
    for second in 5..7 {
        let news = following.hear(at(second), Err(refused.clone()));
        assert_eq!(news, News::None);
        assert_eq!(following.heard().silence, Some(Silence::AuthRequired));
    }
    following.hear(at(7), Err(refused.clone()));
    assert_eq!(following.heard().silence, Some(refused));
}

#[test]
fn a_sidecar_is_asked_from_the_end_of_the_load_until_all_is_stored() {
    let without = following(&[answer("running", 1, 5, 0), answer("stopped", 0, 5, 0)]);
    assert!(!without.wants_outcome(), "there is none");
    let master = Master {
        sidecar: Some(([10, 0, 0, 7], 9647).into()),
        ..master()
    };
    let mut following = Following::new(&master, Timestamp::UNIX_EPOCH);
    following.hear(at(0), Ok(sample(&answer("running", 1, 5, 0))));
    assert!(!following.wants_outcome(), "there is load");
    for second in [2, 10] {
        following.hear(at(second), Ok(sample(&answer("stopped", 0, 5, 0))));
    }
    assert_eq!(following.heard().phase, RunPhase::Ended);
    let refused = Outcome::NotStored("403".to_owned());
    assert_eq!(following.hear_outcome(Outcome::Waiting), News::None);
    assert_eq!(following.hear_outcome(refused.clone()), News::Some);
    assert_eq!(following.hear_outcome(refused), News::None);
    assert!(following.wants_outcome(), "it may yet succeed");
    assert_eq!(following.pause().as_secs(), 2);
    let stored = Outcome::Stored("there".to_owned());
    assert_eq!(following.hear_outcome(stored), News::Some);
    assert!(!following.wants_outcome());
}

#[test]
fn the_answer_of_another_runs_master_is_not_believed() {
    let mut strange = answer("running", 500, 9_000, 0);
    strange["workers"] = json!([{ "id": "other-worker-1_0f", "state": "running" }]);
    let reborn = answer("ready", 0, 0, 0);
    for foreign in [strange, reborn] {
        let mut following = following(&[answer("running", 5, 70, 0)]);
        let before = following.heard();
        for second in 1..3 {
            following.hear(at(second), Ok(sample(&foreign)));
            assert_eq!(following.heard(), before);
        }
        following.hear(at(3), Ok(sample(&foreign)));
        let heard = following.heard();
        assert_eq!(heard.silence, Some(Silence::Foreign));
        assert_eq!(heard.numbers, before.numbers);
    }
    let mut mixed = answer("running", 5, 70, 0);
    mixed["workers"] = json!([{ "id": "laptop_0f" }, { "id": "demo-worker-1_0f" }]);
    assert!(
        following(&[mixed]).heard().numbers.is_some(),
        "guests are welcome"
    );
}

#[test]
fn a_run_that_is_followed_anew_goes_on_where_it_was() {
    let began = Timestamp::UNIX_EPOCH;
    let now = began + SignedDuration::from_secs(58);
    let master = Master {
        load_began: Some(began),
        ..master()
    };
    let mut following = Following::new(&master, now);
    let first = Moment {
        elapsed: Duration::ZERO,
        now,
    };
    following.hear(first, Ok(sample(&answer("running", 9, 500, 0))));
    let stats = stats(&following.heard().numbers.unwrap());
    assert_eq!(stats.load_start_time.map(|time| time.0), Some(began));
    assert_eq!(stats.elapsed_seconds, Some(58));
    assert_eq!(stats.remaining_seconds, Some(2));
    let ended = Moment {
        elapsed: Duration::from_secs(3),
        now: now + SignedDuration::from_secs(3),
    };
    following.hear(ended, Ok(sample(&answer("stopped", 0, 600, 0))));
    let heard = following.heard();
    assert_eq!(heard.phase, RunPhase::Ending);
    let stats = super::stats(&heard.numbers.unwrap());
    assert_eq!(stats.state, LocustState::Stopped);
    assert_eq!(stats.elapsed_seconds, Some(61));
}

fn rows(endpoints: usize, errors: usize, name: &str) -> Value {
    let mut answer = answer("running", 5, 1000, 10);
    let of = |index: usize| {
        json!({ "method": "GET", "name": format!("/{index}/{name}"), "num_requests": index,
            "median_response_time": 1, "avg_response_time": 1, "max_response_time": 9 })
    };
    let mut stats: Vec<Value> = (0..endpoints).map(of).collect();
    stats.push(answer["stats"][0].clone());
    answer["stats"] = stats.into();
    let error = |index: usize| json!({ "method": "GET", "name": format!("/{index}"), "error": name.repeat(9), "occurrences": index });
    answer["errors"] = (0..errors).map(error).collect();
    answer
}

#[test]
fn results_hold_the_endpoints_with_the_most_requests_and_the_most_frequent_errors() {
    let results = results(&following(&[rows(12, 7, "x")]).heard()).unwrap();
    let names: Vec<&str> = results.endpoints.iter().map(|row| &*row.name).collect();
    assert_eq!(names.len(), 10);
    assert_eq!((names[0], names[9]), ("/11/x", "/2/x"));
    let often: Vec<i64> = results.errors.iter().map(|row| row.occurrences).collect();
    assert_eq!(often, [6, 5, 4, 3, 2]);
    assert!(results.truncated);
    let few = super::results(&following(&[rows(10, 5, "x")]).heard()).unwrap();
    assert!(!few.truncated);
    assert_eq!((few.endpoints.len(), few.errors.len()), (10, 5));
}

#[test]
fn results_stay_small_whatever_things_are_called() {
    for name in ["\u{1}\"\\", "ä\n", "🦗", "x"] {
        let name = name.repeat(99);
        let results = results(&following(&[rows(40, 40, &name)]).heard()).unwrap();
        let json = serde_json::to_string(&results).unwrap();
        assert!(json.len() <= 4608, "{} bytes", json.len());
        assert!(results.truncated);
        assert!(!json.contains("\\u0001") && !json.contains("\\n"), "{json}");
        assert!(results.errors.len() >= 2 && results.endpoints.len() >= 3);
        assert_eq!(results.total.requests, 1000);
    }
}

#[test]
fn a_worker_that_is_missed_or_gone_under_load_is_counted_once() {
    let workers = |states: &[&str]| {
        let mut said = answer("running", 5, 90, 0);
        let listed = states
            .iter()
            .map(|state| json!({ "id": "demo-worker-1_0f", "state": state }));
        said["workers"] = listed.collect();
        said
    };
    let run = |lists: &[&[&str]]| {
        let answers: Vec<Value> = lists.iter().map(|states| workers(states)).collect();
        let making = following(&answers).heard().making;
        (making.workers, making.lost_workers)
    };
    let (up, gone) = ("running", "missing");
    for (lists, lost) in [
        (&[&[up, up][..], &[up, gone], &[up, gone]][..], 1),
        (&[&[up, up], &[up], &[up, up]], 1),
        (&[&[up, up], &[up, up, gone]], 1),
        (&[&[up, up], &[up, gone], &[up, up, gone], &[up, up]], 1),
        (&[&[up, up], &[up, up]], 0),
    ] {
        assert_eq!(run(lists), (2, lost), "{lists:?}");
    }
}

#[test]
fn the_numbers_of_a_load_that_is_over_are_told_once_when_they_are_final() {
    let mut following = following(&[answer("running", 5, 90, 0)]);
    let stopped = |requests| Ok(sample(&answer("stopped", 0, requests, 0)));
    assert_eq!(following.hear(at(60), stopped(90)), News::None);
    assert_eq!(following.hear(at(63), stopped(130)), News::None);
    assert_eq!(following.heard().phase, RunPhase::Ending);
    assert_eq!(following.hear(at(66), stopped(130)), News::Some);
    assert_eq!(following.heard().phase, RunPhase::Ended);
    assert_eq!(following.hear(at(80), stopped(130)), News::None);
}

#[test]
fn results_name_the_locust_that_the_master_says_it_is_or_else_that_of_its_image() {
    let mut following = following(&[answer("running", 5, 90, 0)]);
    let named = |following: &Following| results(&following.heard()).unwrap().locust_version;
    assert_eq!(named(&following).as_deref(), Some("2.43.3"));
    for _ in 0..3 {
        assert!(following.wants_version());
        following.hear_version(None);
    }
    assert!(!following.wants_version(), "it does not say");
    assert_eq!(named(&following).as_deref(), Some("2.43.3"));
    following.hear_version(Some("2.47.0".to_owned()));
    assert!(!following.wants_version());
    assert_eq!(named(&following).as_deref(), Some("2.47.0"));
}

#[test]
fn what_stands_in_a_status_is_the_same_when_it_is_read_again() {
    let at = |seconds: u64| Moment {
        now: at(seconds).now + SignedDuration::from_millis(718),
        ..at(seconds)
    };
    let mut following = Following::new(&master(), at(0).now);
    following.hear(at(0), Ok(sample(&answer("running", 5, 90, 0))));
    following.hear(at(9), Ok(sample(&answer("stopped", 0, 130, 0))));
    following.hear(at(15), Ok(sample(&answer("stopped", 0, 130, 0))));
    let heard = following.heard();
    let numbers = stats(&heard.numbers.clone().unwrap());
    let json = serde_json::to_value(&numbers).unwrap();
    assert_eq!(
        serde_json::from_value::<locust_api::latest::LocustStats>(json).unwrap(),
        numbers
    );
    let results = results(&heard).unwrap();
    let json = serde_json::to_value(&results).unwrap();
    assert_eq!(
        serde_json::from_value::<locust_api::latest::Results>(json).unwrap(),
        results
    );
}
