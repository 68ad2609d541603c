//! The manifests of the node tests, run without a cluster by a real Locust:
//! the same verdicts, and the target's own numbers.

use std::process::Output;

use locust_operator::local::locust::{Consent, Machine, Wanted, find};
use locust_operator::target::{Behaviour, FailRule, Latency, Target, serve};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::process::Command;

use super::stage::RUNNER;
use crate::tests_of::{load_test, locustfile};

pub(super) struct Ran {
    pub(super) output: Output,
    pub(super) results: Option<Value>,
    pub(super) target: Target,
}

impl Ran {
    pub(super) fn said(&self) -> String {
        let Output { stdout, stderr, .. } = &self.output;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        format!("{}{}", text(stdout), text(stderr))
    }

    /// Each of the ten users may be in the middle of a request when it is
    /// stopped, which Locust then does not count.
    fn has_all_but_what_was_cut_off(&self) {
        let results = self.results.as_ref().unwrap();
        let total = results
            .pointer("/totals/requests")
            .and_then(Value::as_u64)
            .unwrap_or(0);
        assert!(total > 0, "there was no load: {}", self.said());
        let answered = self.target.stats().answered;
        let range = total..=total + 10;
        assert!(range.contains(&answered), "{answered}: {}", self.said());
    }
}

/// Runs a node test's manifest against a target of this process.
async fn run(name: &str, script: &str, fail: Option<&str>) -> Ran {
    run_with(name, script, fail, &json!({})).await
}

/// The same with these fields of the spec beside the others.
pub(super) async fn run_with(name: &str, script: &str, fail: Option<&str>, spec: &Value) -> Ran {
    // Another test shows the installation.
    find(&Wanted {
        program: None,
        image: "locustio/locust:2.47.0",
        consent: Consent::Given,
        machine: Machine::of_environment(),
    })
    .await
    .expect("Locust");
    let rules: Vec<FailRule> = fail.iter().map(|rule| rule.parse().unwrap()).collect();
    let target = Target::new(Behaviour::new(Latency::default(), rules).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(serve(listener, target.clone(), std::future::pending()));
    let directory = tempfile::tempdir().unwrap();
    let manifest = directory.path().join("test.yaml");
    let files = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "name": name },
        "data": { "locustfile.py": script },
    });
    let mut test = load_test(name, 2, 5);
    for (field, value) in spec.as_object().unwrap() {
        test["spec"][field] = value.clone();
    }
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": [files, test] });
    std::fs::write(&manifest, list.to_string()).unwrap();
    let results = directory.path().join("results");
    let output = Command::new(RUNNER)
        .arg("local")
        .arg(&manifest)
        .args(["--yes", "--host", &host, "--output"])
        .arg(&results)
        .output()
        .await
        .unwrap();
    serving.abort();
    let results = std::fs::read_to_string(results.join("results.json")).ok();
    Ran {
        output,
        results: results.map(|text| serde_json::from_str(&text).unwrap()),
        target,
    }
}

#[tokio::test]
async fn a_test_passes_and_its_numbers_are_the_targets() {
    let ran = run("pass", &locustfile(&["/a", "/b"]), None).await;
    assert_eq!(ran.output.status.code(), Some(0), "{}", ran.said());
    let results = ran.results.as_ref().unwrap();
    let total = results
        .pointer("/totals/requests")
        .and_then(Value::as_u64)
        .unwrap();
    assert!(total > 200, "10 users for 5 s made {total} requests");
    assert_eq!(ran.target.stats().answered, total, "{}", ran.said());
}

#[tokio::test]
async fn failed_requests_fail_the_test() {
    let ran = run("fail", &locustfile(&["/good", "/bad"]), Some("/bad=500")).await;
    assert_eq!(ran.output.status.code(), Some(1), "{}", ran.said());
    let results = ran.results.as_ref().unwrap();
    let failures = results.pointer("/totals/failures").and_then(Value::as_u64);
    assert_eq!(
        failures,
        Some(ran.target.stats().failures),
        "{}",
        ran.said()
    );
    assert_ne!(failures, Some(0));
}

#[tokio::test]
async fn a_broken_locustfile_is_told_with_the_end_of_its_log() {
    let ran = run("broken", "import nope\n", None).await;
    assert_eq!(ran.output.status.code(), Some(2), "{}", ran.said());
    assert!(
        ran.said().contains("No module named 'nope'"),
        "{}",
        ran.said()
    );
    assert_eq!(ran.target.stats().received, 0);
}

/// The load of an hour.
fn for_an_hour() -> Value {
    let mut master = load_test("x", 2, 3_600)["spec"]["master"].clone();
    master.as_object_mut().unwrap().remove("resources");
    master
}

fn seconds_of_load(results: &Value) -> f64 {
    results["load_seconds"].as_f64().unwrap()
}

#[tokio::test]
async fn a_breached_threshold_stops_the_load_and_its_results_are_kept() {
    let spec = json!({
        "master": for_an_hour(),
        "thresholds": [
            { "metric": "p95", "max": "30s" },
            { "metric": "failRatio", "max": "1%", "abort": true },
        ],
    });
    let ran = run_with(
        "breach",
        &locustfile(&["/good", "/bad"]),
        Some("/bad=500"),
        &spec,
    )
    .await;
    assert_eq!(ran.output.status.code(), Some(1), "{}", ran.said());
    let results = ran.results.as_ref().unwrap();
    assert_eq!(results["verdict"], "failed");
    assert_eq!(results["failure"], "ThresholdBreached");
    assert_eq!(results["thresholds"][0]["state"], "met");
    assert_eq!(results["thresholds"][1]["state"], "breached");
    assert!(seconds_of_load(results) < 60.0, "{}", ran.said());
    ran.has_all_but_what_was_cut_off();
    let said = ran.said();
    let stopping = "more than 1%: stopping the load; its results follow";
    assert!(said.contains(stopping), "{said}");
    assert!(
        said.contains("FAILED  breach: ThresholdBreached: failRatio is "),
        "{said}"
    );
}

#[tokio::test]
async fn thresholds_that_are_met_excuse_some_failures() {
    let spec = json!({ "thresholds": [{ "metric": "failRatio", "max": "90%" }] });
    let ran = run_with(
        "met",
        &locustfile(&["/good", "/bad"]),
        Some("/bad=500"),
        &spec,
    )
    .await;
    assert_eq!(ran.output.status.code(), Some(0), "{}", ran.said());
    let results = ran.results.as_ref().unwrap();
    assert_eq!(results["reason"], "the threshold is met");
    assert_ne!(results["totals"]["failures"], 0);
    assert_eq!(results["failure"], Value::Null);
}

#[tokio::test]
async fn a_deadline_ends_the_run_and_its_results_are_kept() {
    // Counted from the start of the processes, which may take a while.
    let spec = json!({ "master": for_an_hour(), "activeDeadlineSeconds": 25 });
    let ran = run_with("late", &locustfile(&["/a"]), None, &spec).await;
    assert_eq!(ran.output.status.code(), Some(1), "{}", ran.said());
    let results = ran.results.as_ref().unwrap();
    assert_eq!(results["failure"], "DeadlineExceeded");
    ran.has_all_but_what_was_cut_off();
}
