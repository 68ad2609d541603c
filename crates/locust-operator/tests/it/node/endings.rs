//! Real runs that end in other ways than by their run time, and what is said of
//! each: none goes on for ever.

use anyhow::{Context, Result, ensure};
use kube::api::{Patch, PatchParams};
use locust_api::latest::{Completeness, LocustTest, Phase, Verdict};
use serde_json::{Value, json};

use super::target::Target;
use super::{World, master_address};
use crate::tests_of::{condition, load_test, locustfile};

/// A real load on this path, with this beside its usual spec.
async fn create(world: &World, name: &str, path: &str, more: Value) -> Result<()> {
    world.locustfile(name, &locustfile(&[path])).await?;
    let mut test = load_test(name, 1, 300);
    json_patch::merge(&mut test["spec"], &more);
    world.tests.create(test).await?;
    Ok(())
}

/// What a test is said to be when it is over.
async fn told(world: &World, name: &str) -> Result<(Verdict, String, LocustTest)> {
    let over = world
        .tests
        .wait_for(name, &[Phase::Succeeded, Phase::Failed])
        .await?;
    let status = over.status.clone().context("a status")?;
    let verdict = status.verdict.context("a verdict")?;
    let reason = status.verdict_reason.unwrap_or_default();
    println!("{name}: {verdict:?}: {reason}");
    let failure = status.failure.map(|failure| failure.reason);
    Ok((verdict, failure.unwrap_or_default(), over))
}

async fn expect(world: &World, name: &str, verdict: Verdict, failure: &str) -> Result<LocustTest> {
    let (seen, cause, over) = told(world, name).await?;
    ensure!(
        (seen, &*cause) == (verdict, failure),
        "{name}: {seen:?} {cause}, not {verdict:?} {failure}"
    );
    Ok(over)
}

/// The requests of its final numbers, of which none is missing.
fn requests(test: &LocustTest) -> Result<i64> {
    let status = test.status.as_ref().context("a status")?;
    let results = status.results.as_ref().context("results")?;
    ensure!(
        results.completeness == Completeness::Complete,
        "{results:?}"
    );
    Ok(results.total.requests)
}

async fn runs(world: &World, name: &str) -> Result<()> {
    world
        .tests
        .wait_until(name, "load", |test| {
            let stats = test
                .status
                .as_ref()
                .and_then(|status| status.locust.as_ref());
            stats.is_some_and(|stats| stats.requests > 50)
        })
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_breach_that_aborts_ends_the_load_and_its_numbers_are_the_targets() -> Result<()> {
    let world = World::new("abort", 1).await?;
    let target = Target::start(&world, &["--fail", "/bad=500"]).await?;
    let limits = json!({ "thresholds": [{ "metric": "failRatio", "max": "50%", "forSeconds": 3, "abort": true }] });
    create(&world, "abort", "/bad", limits).await?;
    let over = expect(&world, "abort", Verdict::Failed, "ThresholdBreached").await?;
    let counts = target.counts(&world).await?;
    assert_eq!(u64::try_from(requests(&over)?)?, counts.answered);
    assert!(condition(&over, "ResultsStored").starts_with("True/Stored"));
    Ok(())
}

#[tokio::test]
async fn runs_that_are_stopped_or_cannot_be_asked_end_with_what_is_known() -> Result<()> {
    let world = World::new("endings", 1).await?;
    let _target = Target::start(&world, &["--fail", "/bad=500"]).await?;
    let seconds = |command: &str| json!({ "command": format!("-f /lotest/src/locustfile.py --host http://target --users 5 --spawn-rate 5 {command}") });
    let limits =
        json!([{ "metric": "failRatio", "max": "100%" }, { "metric": "p90", "max": "10s" }]);
    let short = seconds("--run-time 8s");
    create(
        &world,
        "met",
        "/bad",
        json!({ "thresholds": limits, "master": short }),
    )
    .await?;
    create(&world, "stopped", "/", json!({})).await?;
    create(&world, "by-hand", "/", json!({})).await?;
    create(
        &world,
        "deadline",
        "/",
        json!({ "activeDeadlineSeconds": 15 }),
    )
    .await?;
    expect(&world, "met", Verdict::Passed, "").await?;

    runs(&world, "stopped").await?;
    let stop = Patch::Merge(json!({ "spec": { "desiredState": "Stopped" } }));
    let api = &world.tests.api;
    api.patch("stopped", &PatchParams::default(), &stop).await?;
    runs(&world, "by-hand").await?;
    let web_ui = master_address(&world, "by-hand").await?;
    let (code, said) = world
        .node
        .http_post_form(&format!("http://{web_ui}:8089/stop"), "")
        .await?;
    ensure!(code.is_success(), "{code}: {said}");
    expect(&world, "deadline", Verdict::Failed, "DeadlineExceeded").await?;
    let stopped = expect(&world, "stopped", Verdict::Inconclusive, "Stopped").await?;
    ensure!(requests(&stopped)? > 50);

    create(&world, "unreachable", "/", json!({ "master": { "command": "-f /lotest/src/locustfile.py --host http://127.0.0.1:1 --users 5 --spawn-rate 5 --run-time 5s" } })).await?;
    create(
        &world,
        "login",
        "/",
        json!({ "master": seconds("--run-time 5s --web-login") }),
    )
    .await?;
    create(
        &world,
        "headless",
        "/",
        json!({ "master": seconds("--run-time 5s --headless") }),
    )
    .await?;
    expect(&world, "unreachable", Verdict::Failed, "RequestFailures").await?;
    let login = expect(&world, "login", Verdict::Inconclusive, "").await?;
    ensure!(condition(&login, "StatsAvailable").starts_with("False/AuthRequired"));
    let headless = expect(&world, "headless", Verdict::Inconclusive, "").await?;
    ensure!(condition(&headless, "StatsAvailable").starts_with("False/Headless"));
    let by_hand = expect(&world, "by-hand", Verdict::Inconclusive, "Stopped").await?;
    ensure!(requests(&by_hand)? > 50);
    Ok(())
}
