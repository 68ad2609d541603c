//! Older versions of Locust: what each counts is what the target counts.
//! In the long run only, since it installs them.

use serde_json::{Value, json};

use super::verdicts::run_with;
use crate::tests_of::locustfile;

async fn counts_what_the_target_counts(version: &str) {
    let limits =
        json!([{ "metric": "p90", "max": "10s" }, { "metric": "failRatio", "max": "60%" }]);
    let spec = json!({ "image": format!("locustio/locust:{version}"), "thresholds": limits });
    let file = locustfile(&["/good", "/bad"]);
    let ran = run_with("version", &file, Some("/bad=500"), &spec).await;
    assert_eq!(
        ran.output.status.code(),
        Some(0),
        "{version}: {}",
        ran.said()
    );
    let results = ran.results.as_ref().unwrap();
    let number = |pointer| results.pointer(pointer).and_then(Value::as_u64);
    let counts = ran.target.stats();
    println!("{version}: {} requests", counts.answered);
    assert!(counts.answered > 200, "{version}");
    assert_eq!(
        number("/totals/requests"),
        Some(counts.answered),
        "{version}"
    );
    assert_eq!(
        number("/totals/failures"),
        Some(counts.failures),
        "{version}"
    );
    assert_eq!(results["locust_version"], version);
    assert_eq!(results["thresholds"][0]["state"], "met", "{version}");
}

#[tokio::test]
async fn locust_2_20_counts_what_the_target_counts() {
    counts_what_the_target_counts("2.20.1").await;
}

#[tokio::test]
async fn locust_2_31_counts_what_the_target_counts() {
    counts_what_the_target_counts("2.31.8").await;
}

#[tokio::test]
async fn locust_2_43_counts_what_the_target_counts() {
    counts_what_the_target_counts("2.43.4").await;
}

#[tokio::test]
async fn locust_2_47_counts_what_the_target_counts() {
    counts_what_the_target_counts("2.47.0").await;
}
