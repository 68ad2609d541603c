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

struct Ran {
    output: Output,
    results: Option<Value>,
    target: Target,
}

impl Ran {
    fn said(&self) -> String {
        let Output { stdout, stderr, .. } = &self.output;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        format!("{}{}", text(stdout), text(stderr))
    }
}

/// Runs a node test's manifest against a target of this process.
async fn run(name: &str, script: &str, fail: Option<&str>) -> Ran {
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
    let list =
        json!({ "apiVersion": "v1", "kind": "List", "items": [files, load_test(name, 2, 5)] });
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
