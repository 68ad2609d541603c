//! What a threshold is compared with, and when that counts.

use serde_json::{Value, json};

use super::*;

fn judge(thresholds: Value) -> Judge {
    let thresholds: Vec<Threshold> = serde_json::from_value(thresholds).unwrap();
    Judge::new(&thresholds)
}

/// A run with two endpoints; `/a` has the given p95.
fn sample(requests: u64, failures: u64, p95: Option<u64>) -> Sample {
    let answer = json!({
        "state": "running",
        "user_count": 5,
        "stats": [
            { "method": "GET", "name": "/a", "num_requests": requests, "num_failures": 0,
              "median_response_time": 10, "avg_response_time": 11, "max_response_time": 12,
              "response_time_percentile_0.95": p95, "current_rps": 7.0, "total_rps": 6.0 },
            { "method": "POST", "name": "/a", "num_requests": 0 },
            { "name": "Aggregated", "num_requests": requests, "num_failures": failures,
              "median_response_time": 20, "avg_response_time": 21, "max_response_time": 22,
              "response_time_percentile_0.95": p95, "total_rps": 9.0 },
        ],
    });
    Sample::parse(answer.to_string().as_bytes()).unwrap()
}

fn at(phase: RunPhase, seconds: u64) -> RunTime {
    RunTime {
        phase,
        load: Duration::from_secs(seconds),
        lately: 50.0,
    }
}

/// How one threshold stands under load after one answer, and after the end with
/// the same.
fn stands(threshold: &Value, sample: &Sample) -> [Standing; 2] {
    let mut judge = judge(json!([threshold]));
    judge.observe(at(RunPhase::Running, 5), sample);
    let running = judge.standings(false).remove(0);
    judge.observe(at(RunPhase::Ended, 9), sample);
    [running, judge.standings(true).remove(0)]
}

fn not_met(words: &str) -> Standing {
    Standing::NotMet(words.to_owned())
}

fn breached(words: &str, aborts: bool) -> Standing {
    let words = words.to_owned();
    Standing::Breached { words, aborts }
}

#[test]
fn every_metric_is_compared_with_its_own_number() {
    let sample = sample(400, 8, Some(40));
    for (threshold, words) in [
        (
            json!({ "metric": "p50", "max": "19ms" }),
            "p50 is 20ms, more than 19ms",
        ),
        (
            json!({ "metric": "p95", "max": "0.039s" }),
            "p95 is 40ms, more than 0.039s",
        ),
        (
            json!({ "metric": "avg", "max": "20.5ms" }),
            "avg is 21ms, more than 20.5ms",
        ),
        (
            json!({ "metric": "max", "min": "23ms" }),
            "max is 22ms, less than 23ms",
        ),
        (
            json!({ "metric": "failRatio", "max": "1.9%" }),
            "failRatio is 2.00%, more than 1.9%",
        ),
        (
            json!({ "metric": "failRatio", "max": "0.019" }),
            "failRatio is 2.00%, more than 0.019",
        ),
        (
            json!({ "metric": "requests", "max": "399" }),
            "requests is 400, more than 399",
        ),
        (
            json!({ "metric": "p50", "endpoint": "GET /a", "max": "9ms" }),
            "p50 of GET /a is 10ms, more than 9ms",
        ),
        (
            json!({ "metric": "avg", "endpoint": "/a", "min": "1s", "max": "2s" }),
            "avg of /a is 11ms, less than 1s",
        ),
    ] {
        assert_eq!(
            stands(&threshold, &sample),
            [not_met(words), breached(words, false)]
        );
    }
    for threshold in [
        json!({ "metric": "p50", "max": "20ms", "min": "20ms" }),
        json!({ "metric": "p95", "max": "40ms" }),
        json!({ "metric": "failRatio", "max": "2%", "min": "0.02" }),
        json!({ "metric": "requests", "max": "400", "min": "400" }),
        json!({ "metric": "failRatio", "endpoint": "/a", "max": "0" }),
    ] {
        let met = [Standing::Met, Standing::Met];
        assert_eq!(stands(&threshold, &sample), met, "{threshold}");
    }
}

#[test]
fn the_rate_is_the_latest_under_load_and_the_mean_in_the_end() {
    let sample = sample(400, 0, None);
    let all = json!({ "metric": "rps", "max": "20" });
    let [running, ended] = stands(&all, &sample);
    assert_eq!(running, not_met("rps is 50.0, more than 20"));
    assert_eq!(ended, Standing::Met);
    let one = json!({ "metric": "rps", "endpoint": "GET /a", "min": "6.5" });
    let [running, ended] = stands(&one, &sample);
    assert_eq!(running, Standing::Met);
    assert_eq!(
        ended,
        breached("rps of GET /a is 6.0, less than 6.5", false)
    );
}

#[test]
fn a_count_is_compared_with_its_minimum_in_the_end_only() {
    let least = json!({ "metric": "requests", "min": "500", "abort": true });
    let [running, ended] = stands(&least, &sample(400, 0, None));
    assert_eq!(running, Standing::Met);
    assert_eq!(ended, breached("requests is 400, less than 500", true));
}

#[test]
fn what_was_never_requested_or_reported_is_not_met_by_silence() {
    for threshold in [
        json!({ "metric": "p95", "max": "1s" }),
        json!({ "metric": "avg", "endpoint": "/nope", "max": "1s" }),
        json!({ "metric": "failRatio", "endpoint": "POST /a", "max": "1%" }),
        json!({ "metric": "rps", "endpoint": "/nope", "min": "1" }),
    ] {
        let [_, ended] = stands(&threshold, &sample(400, 0, None));
        assert!(
            matches!(ended, Standing::Unseen(_)),
            "{threshold}: {ended:?}"
        );
    }
    let none = json!({ "metric": "requests", "endpoint": "/nope", "min": "1" });
    let [_, ended] = stands(&none, &sample(400, 0, None));
    assert_eq!(
        ended,
        breached("requests of /nope is 0, less than 1", false)
    );
}

#[test]
fn nothing_is_judged_before_the_warm_up_is_over() {
    let mut judge = judge(json!([
        { "metric": "p50", "max": "1ms", "warmUpSeconds": 10, "abort": true },
    ]));
    let sample = sample(400, 0, None);
    judge.observe(at(RunPhase::Running, 9), &sample);
    assert_eq!(judge.standings(false), [Standing::Unseen("p50".to_owned())]);
    assert_eq!(judge.breaches(), 0);
    judge.observe(at(RunPhase::Running, 10), &sample);
    assert_eq!(
        judge.standings(false),
        [breached("p50 is 20ms, more than 1ms", true)]
    );
    assert_eq!(judge.breaches(), 1);
}

#[test]
fn a_breach_counts_for_good_once_it_has_lasted() {
    let thresholds = json!([{ "metric": "failRatio", "max": "1%", "forSeconds": 10 }]);
    let (good, bad) = (sample(400, 0, None), sample(400, 8, None));
    let run = |steps: &[(u64, &Sample)]| {
        let mut judge = judge(thresholds.clone());
        for (second, sample) in steps {
            judge.observe(at(RunPhase::Running, *second), sample);
        }
        judge.observe(at(RunPhase::Ended, 60), &good);
        judge.standings(true).remove(0)
    };
    assert_eq!(run(&[(1, &bad), (10, &bad)]), Standing::Met);
    assert_eq!(run(&[(1, &bad), (6, &good), (12, &bad)]), Standing::Met);
    assert_eq!(
        run(&[(1, &bad), (11, &bad), (12, &good)]),
        breached("failRatio is 2.00%, more than 1%", false)
    );
}

/// Name, limit, value, margin and word of one threshold under load.
fn reads(threshold: &Value, sample: &Sample) -> [String; 5] {
    let mut judge = judge(json!([threshold]));
    judge.observe(at(RunPhase::Running, 5), sample);
    let reading = judge.readings(false).remove(0);
    let value = reading.value.clone().unwrap_or_default();
    [
        reading.name.clone(),
        reading.limit.clone(),
        value,
        reading.margin_words(),
        reading.word().to_owned(),
    ]
}

#[test]
fn a_threshold_reads_as_value_limit_and_what_lies_between() {
    let sample = sample(400, 8, Some(40));
    for (threshold, expected) in [
        (
            json!({ "metric": "p95", "endpoint": "GET /a", "max": "50ms" }),
            [
                "p95 of GET /a",
                "at most 50ms",
                "40ms",
                "20 % within",
                "met",
            ],
        ),
        (
            json!({ "metric": "failRatio", "max": "1%" }),
            [
                "failRatio",
                "at most 1%",
                "2.00%",
                "100 % beyond",
                "not met",
            ],
        ),
        (
            json!({ "metric": "rps", "min": "40" }),
            ["rps", "at least 40", "50.0", "25 % within", "met"],
        ),
        (
            json!({ "metric": "p50", "max": "40ms", "min": "16ms" }),
            [
                "p50",
                "at most 40ms, at least 16ms",
                "20ms",
                "25 % within",
                "met",
            ],
        ),
        (
            json!({ "metric": "p50", "max": "1ms", "abort": true }),
            ["p50", "at most 1ms", "20ms", "1900 % beyond", "breached"],
        ),
        (
            json!({ "metric": "failRatio", "endpoint": "/a", "max": "0" }),
            ["failRatio of /a", "at most 0", "0.00%", "-", "met"],
        ),
        (
            json!({ "metric": "p95", "endpoint": "/b", "max": "1s" }),
            ["p95 of /b", "at most 1s", "", "-", "no request"],
        ),
    ] {
        assert_eq!(reads(&threshold, &sample), expected, "{threshold}");
    }
}

#[test]
fn the_table_is_wanted_for_a_percentile_that_samples_have_not_and_once_there_are_any() {
    let wants = |metric: &str, requests, p95| {
        let judge = judge(json!([{ "metric": metric, "max": "1s" }]));
        judge.wants_table(&sample(requests, 0, p95))
    };
    assert!(wants("p90", 5, Some(9)));
    assert!(wants("p95", 5, None), "in Locust 2.20");
    assert!(!wants("p95", 5, Some(9)));
    assert!(!wants("p90", 0, None), "there is nothing in it yet");
}
