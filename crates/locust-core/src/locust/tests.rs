//! Tests against answers recorded from real masters of four versions, and
//! against runs made up of samples.

#![allow(
    clippy::disallowed_methods,
    reason = "test data is read from files; the ban is for what ships"
)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::sample::NotStatistics;
use super::*;

mod generator;
mod history;
mod verdicts;

fn test_data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("test_data/locust")
        .join(name)
}

fn recorded(name: &str) -> Sample {
    let body = std::fs::read(test_data(name)).unwrap();
    Sample::parse(&body).unwrap_or_else(|NotStatistics| panic!("{name} is no statistics"))
}

/// Compares with the file beside the input; `UPDATE_EXPECT=1` rewrites it.
fn check(name: &str, actual: &str) {
    let path = test_data(name);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, actual).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(expected, actual, "{name} (UPDATE_EXPECT=1 rewrites it)");
}

const VERSIONS: [&str; 4] = ["2.20.1", "2.31.8", "2.43.4", "2.47.0"];

#[test]
fn answers_of_every_version_are_read() {
    for version in VERSIONS {
        for moment in ["ready", "running", "stopped"] {
            let sample = recorded(&format!("{version}-{moment}.json"));
            check(
                &format!("{version}-{moment}.expected"),
                &format!("{sample:#?}\n"),
            );
        }
        let table = std::fs::read_to_string(test_data(&format!("{version}-stats.csv"))).unwrap();
        let rows = parse_stats_csv(&table).expect("a table");
        check(
            &format!("{version}-stats.expected"),
            &format!("{rows:#?}\n"),
        );
    }
}

#[test]
fn the_table_completes_the_percentiles_of_an_answer() {
    for version in VERSIONS {
        let mut sample = recorded(&format!("{version}-stopped.json"));
        let table = std::fs::read_to_string(test_data(&format!("{version}-stats.csv"))).unwrap();
        let table = parse_stats_csv(&table).unwrap();
        sample.complete(&table);
        let full = table.last().unwrap();
        assert!(full.rarer.p75_ms > Some(0.0), "{version}");
        assert_eq!(sample.totals.rarer, full.rarer, "{version}");
        assert!(sample.totals.p95_ms.is_some(), "{version}");
        for row in &sample.endpoints {
            let full = table.iter().find(|full| full.name == row.name).unwrap();
            assert_eq!(row.rarer, full.rarer, "{version} {}", row.name);
        }
    }
}

#[test]
fn the_versions_say_the_same_in_their_own_words() {
    for version in VERSIONS {
        let running = recorded(&format!("{version}-running.json"));
        assert_eq!(running.state, State::Running, "{version}");
        assert_eq!(running.users, 10, "{version}");
        assert_eq!(running.workers.connected, 2, "{version}");
        assert_eq!(running.totals.name, "Aggregated", "{version}");
        let by_endpoint: u64 = running.endpoints.iter().map(|row| row.requests).sum();
        assert_eq!(by_endpoint, running.totals.requests, "{version}");
        assert!(running.requests_per_second > 10.0, "{version}");
        assert!(running.current_p95_ms.is_some(), "{version}");
        let [error] = running.errors.as_slice() else {
            panic!("{version}: one kind of error");
        };
        assert_eq!(error.occurrences, running.totals.failures, "{version}");
        assert!(!error.error.contains('&'), "{version}: {}", error.error);
        assert!(error.error.contains("code=404"), "{version}");
    }
}

#[test]
fn the_final_table_equals_the_final_sample() {
    for version in VERSIONS {
        let stopped = recorded(&format!("{version}-stopped.json"));
        let table = std::fs::read_to_string(test_data(&format!("{version}-stats.csv"))).unwrap();
        let rows = parse_stats_csv(&table).expect("a table");
        let totals = rows.last().expect("the totals");
        assert_eq!(totals.requests, stopped.totals.requests, "{version}");
        assert_eq!(totals.failures, stopped.totals.failures, "{version}");
        assert!(totals.p95_ms.is_some_and(|p95| p95 > 0.0), "{version}");
        assert!(totals.mean_rps.is_some_and(|rps| rps > 10.0), "{version}");
    }
}

#[test]
fn rates_are_zero_once_nobody_is_at_work() {
    let stopped = recorded("2.47.0-stopped.json");
    assert_eq!(stopped.requests_per_second, 0.0);
    assert_eq!(stopped.failures_per_second, 0.0);
    assert_eq!(stopped.current_p95_ms, None);
    // Locust itself goes on reporting the last rate.
    assert!(stopped.totals.current_rps > 1.0);
}

#[test]
fn an_answer_that_is_no_statistics_is_refused() {
    for body in [
        "Locust auth exception: The session is unavailable",
        "<html></html>",
        "{}",
        "[]",
        "{\"worker_count\": 2}",
        "",
    ] {
        assert_eq!(Sample::parse(body.as_bytes()), Err(NotStatistics), "{body}");
    }
    assert_eq!(parse_stats_csv("404 Not Found"), None);
    assert_eq!(parse_stats_csv(""), None);
}

#[test]
fn missing_and_null_numbers_are_taken_as_absent() {
    let body = r#"{"state": "walking", "user_count": 1, "stats": [{"name": "Aggregated",
        "num_requests": 3, "avg_response_time": null}], "workers": [{"state": "missing"}, {}]}"#;
    let sample = Sample::parse(body.as_bytes()).unwrap();
    assert_eq!(sample.state, State::Unknown);
    assert_eq!(sample.totals.requests, 3);
    assert_eq!(sample.totals.p95_ms, None);
    let worker = |state| Worker {
        id: String::new(),
        state,
        users: 0,
    };
    let workers = Workers {
        connected: 1,
        missing: 1,
        busy: 0,
        running: 0,
        spawning: 0,
        each: vec![worker(WorkerState::Missing), worker(WorkerState::Unknown)],
    };
    assert_eq!(sample.workers, workers);
}

#[test]
fn what_no_locust_says_is_refused_or_left_out() {
    let answer = |totals: &str, rest: &str| {
        format!(r#"{{"state": "running", "user_count": 1, "stats": [{totals}]{rest}}}"#)
    };
    let parse = |body: String| Sample::parse(body.as_bytes());
    for number in ["NaN", "1e999", "-Infinity"] {
        let body = answer(&format!(r#"{{"avg_response_time": {number}}}"#), "");
        assert_eq!(parse(body), Err(NotStatistics), "{number}");
    }
    let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
    let sample = parse(answer(
        &format!(r#"{{"name": {deep}}}"#),
        &format!(r#", "x": {deep}"#),
    ));
    assert_eq!(sample.unwrap().totals, Endpoint::default());

    let odd = r#"{"num_requests": -4, "num_failures": 1.5, "avg_response_time": -3.0, "max_response_time": "9", "name": [[{"a": null}]], "min_response_time": true}"#;
    let sample = parse(answer(odd, r#", "workers": null, "errors": null"#)).unwrap();
    assert_eq!(sample.totals, Endpoint::default());
    assert_eq!(sample.workers, Workers::default());

    let rows = vec!["{\"num_requests\": 1}"; 20_000].join(",");
    let many = format!(r#"{rows}, {{"name": "Aggregated", "num_requests": 20000}}"#);
    let workers = vec!["{\"id\": \"w\"}"; 2_000].join(",");
    let sample = parse(answer(&many, &format!(r#", "workers": [{workers}]"#))).unwrap();
    assert_eq!(sample.totals.requests, 20_000);
    assert_eq!(sample.endpoints.len(), 500);
    assert_eq!(sample.workers.connected, 2_000);
    assert_eq!(sample.workers.each.len(), 500);
}

#[test]
fn quoted_fields_of_the_table_keep_commas_and_quotes() {
    let table = "Type,Name,Request Count,Failure Count,95%\r\n\
        GET,\"/a,b \"\"c\"\"\nd\",5,1,N/A\r\n,Aggregated,5,1,7";
    let rows = parse_stats_csv(table).unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].name, "/a,b \"c\"\nd");
    assert_eq!(rows[0].p95_ms, None);
    assert_eq!(rows[1].p95_ms, Some(7.0));
}

#[test]
fn the_last_of_several_load_arguments_wins_in_every_spelling() {
    let load = |text: &str| Load::from_args(&text.split(' ').collect::<Vec<_>>());
    let expected = Load {
        users: Some(20),
        run_time: Some(Duration::from_secs(90)),
        stop_timeout: Some(Duration::from_secs(5)),
    };
    assert_eq!(load("-f x.py --users 20 --run-time 1m30s -s 5"), expected);
    assert_eq!(load("-u20 -t90 --stop-timeout=5s"), expected);
    assert_eq!(load("-u 5 -t 3h --users=20 --run-time=90s -s5"), expected);
    assert_eq!(load("-f x.py --headless"), Load::default());
    assert_eq!(load("--run-time"), Load::default());
    assert_eq!(
        load::parse_run_time("1h30m"),
        Some(Duration::from_secs(5400))
    );
    for wrong in ["", "s", "5x", "1h30", "-3", "0s"] {
        let span = load::parse_run_time(wrong);
        assert_eq!(span, None, "{wrong}");
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn sample(state: State, users: u64, requests: u64, connected: u64) -> Sample {
    let mut sample = recorded("2.47.0-ready.json");
    sample.state = state;
    sample.users = users;
    sample.totals.requests = requests;
    sample.workers = Workers {
        connected,
        ..Workers::default()
    };
    sample
}

/// Folds samples and gives the phase after each.
fn fold(watch: &mut RunWatch, samples: &[(u64, Sample)]) -> Vec<RunPhase> {
    samples
        .iter()
        .map(|(at, sample)| watch.observe(seconds(*at), sample))
        .collect()
}

#[test]
fn a_run_starts_runs_ends_and_settles() {
    use RunPhase::{Ended, Ending, Running, Starting};
    let mut watch = RunWatch::new(Some(seconds(10)));
    let phases = fold(
        &mut watch,
        &[
            (0, sample(State::Ready, 0, 0, 0)),
            (1, sample(State::Ready, 0, 0, 2)),
            (2, sample(State::Spawning, 0, 0, 2)),
            (5, sample(State::Running, 10, 280, 2)),
            (12, sample(State::Stopping, 0, 730, 0)),
            (13, sample(State::Stopped, 0, 730, 2)),
            (17, sample(State::Stopped, 0, 1170, 2)),
            (18, sample(State::Stopped, 0, 1170, 2)),
        ],
    );
    assert_eq!(
        phases,
        [
            Starting, Starting, Running, Running, Ending, Ending, Ending, Ended
        ]
    );
    assert_eq!(watch.began(), Some(seconds(2)));
    assert_eq!(watch.ended(), Some(seconds(12)));
    assert_eq!((watch.most_workers(), watch.lost_workers()), (2, 0));
}

#[test]
fn stopped_before_any_load_is_no_end() {
    let mut watch = RunWatch::new(None);
    let phases = fold(
        &mut watch,
        &[
            (0, sample(State::Stopped, 0, 0, 2)),
            // A restarted master that hears an earlier run's orphans.
            (9, sample(State::Stopped, 0, 1350, 0)),
            (19, sample(State::Stopped, 0, 9015, 0)),
        ],
    );
    assert_eq!(phases, [RunPhase::Starting; 3]);
}

#[test]
fn a_run_shorter_than_the_pause_between_samples_is_not_missed() {
    let mut watch = RunWatch::new(Some(seconds(1)));
    let phases = fold(
        &mut watch,
        &[
            (0, sample(State::Ready, 0, 0, 2)),
            (5, sample(State::Stopped, 0, 40, 2)),
            (11, sample(State::Stopped, 0, 44, 2)),
        ],
    );
    assert_eq!(
        phases,
        [RunPhase::Starting, RunPhase::Ending, RunPhase::Ended]
    );
}

#[test]
fn an_end_that_stays_in_stopping_is_an_end() {
    let mut watch = RunWatch::new(Some(seconds(10)));
    let phases = fold(
        &mut watch,
        &[
            (2, sample(State::Running, 10, 100, 2)),
            (9, sample(State::Running, 10, 100, 1)),
            (12, sample(State::Stopping, 0, 730, 1)),
            (19, sample(State::Stopping, 0, 730, 1)),
        ],
    );
    assert_eq!(phases.last(), Some(&RunPhase::Ended));
    assert_eq!(watch.lost_workers(), 1);
}

#[test]
fn a_run_without_workers_is_lost_and_stays_so() {
    let mut watch = RunWatch::new(Some(seconds(60)));
    let phases = fold(
        &mut watch,
        &[
            (2, sample(State::Running, 10, 100, 2)),
            (8, sample(State::Stopped, 0, 300, 0)),
            (10, sample(State::Stopped, 0, 300, 0)),
            (12, sample(State::Stopped, 0, 300, 0)),
            (20, sample(State::Stopped, 0, 300, 0)),
        ],
    );
    use RunPhase::{AllWorkersLost, Running};
    assert_eq!(
        phases,
        [Running, Running, Running, AllWorkersLost, AllWorkersLost]
    );
    assert!(phases.last().is_some_and(|phase| phase.is_over()));
}

#[test]
fn the_workers_leaving_at_the_planned_end_are_not_lost() {
    let mut watch = RunWatch::new(Some(seconds(10)));
    let phases = fold(
        &mut watch,
        &[
            (2, sample(State::Running, 10, 100, 2)),
            (13, sample(State::Stopped, 0, 300, 0)),
        ],
    );
    assert_eq!(phases, [RunPhase::Running, RunPhase::Ending]);
    assert_eq!(watch.lost_workers(), 0);
}

#[test]
fn a_slow_stop_that_lists_no_workers_is_no_loss() {
    let mut watch = RunWatch::new(None);
    let phases = fold(
        &mut watch,
        &[
            (2, sample(State::Running, 10, 100, 2)),
            (3, sample(State::Stopping, 5, 150, 0)),
            (13, sample(State::Stopping, 2, 180, 0)),
            (14, sample(State::Stopped, 0, 190, 2)),
        ],
    );
    use RunPhase::{Ending, Running};
    assert_eq!(phases, [Running, Running, Running, Ending]);
}

#[test]
fn a_pause_is_no_end_and_a_restart_by_hand_runs_again() {
    let mut watch = RunWatch::new(None);
    let phases = fold(
        &mut watch,
        &[
            (0, sample(State::Running, 10, 100, 2)),
            (5, sample(State::Running, 0, 300, 2)),
            (60, sample(State::Running, 10, 310, 2)),
            (70, sample(State::Stopped, 0, 400, 2)),
            (80, sample(State::Stopped, 0, 400, 2)),
            (90, sample(State::Spawning, 3, 5, 2)),
        ],
    );
    use RunPhase::{Ended, Ending, Running};
    assert_eq!(phases, [Running, Running, Running, Ending, Ended, Running]);
}

#[test]
fn the_time_left_is_known_only_while_there_is_load() {
    let mut watch = RunWatch::new(Some(seconds(30)));
    assert_eq!(watch.time_left(seconds(0)), None);
    watch.observe(seconds(3), &sample(State::Running, 10, 100, 2));
    assert_eq!(watch.time_left(seconds(13)), Some(seconds(20)));
    assert_eq!(watch.time_left(seconds(40)), Some(seconds(0)));
    assert_eq!(watch.master_gone(seconds(13)), Ended::Early);
    assert_eq!(watch.master_gone(seconds(31)), Ended::Itself);
}

#[test]
fn the_rate_is_the_growth_between_reports() {
    let mut rate = Rate::default();
    assert_eq!(rate.per_second(), None);
    let totals = [(2, 0), (3, 0), (4, 150), (5, 150), (7, 450), (10, 750)];
    for (at, requests) in totals {
        rate.observe(seconds(at), requests);
    }
    assert_eq!(rate.per_second(), Some(750.0 / 8.0));
    // What is long ago no longer counts.
    for (at, requests) in [(13, 780), (16, 810), (19, 840)] {
        rate.observe(seconds(at), requests);
    }
    assert_eq!(rate.per_second(), Some(10.0));
    // The target hangs.
    rate.observe(seconds(28), 840);
    assert_eq!(rate.per_second(), Some(10.0));
    rate.observe(seconds(29), 840);
    assert_eq!(rate.per_second(), Some(0.0));
    // Somebody has reset the statistics.
    rate.observe(seconds(32), 20);
    assert_eq!(rate.per_second(), None);
}

#[test]
fn the_length_of_the_load_is_the_one_behind_locusts_mean_rate() {
    let table = std::fs::read_to_string(test_data("2.47.0-stats.csv")).unwrap();
    let rows = parse_stats_csv(&table).unwrap();
    let seconds = rows.last().and_then(Endpoint::load_seconds).unwrap();
    assert!((7.0..=8.0).contains(&seconds), "{seconds}");
    assert_eq!(Endpoint::default().load_seconds(), None);
}
