//! Loads that are stopped before their time, by a master that a script plays.

use kube::api::{DeleteParams, Patch, PatchParams};
use locust_api::latest::Verdict;
use nix::sys::signal::Signal;
use serde_json::json;

use super::*;

fn posts(run: &Run<'_>) -> usize {
    let asked = run.master.asked();
    let stops = |head: &&String| head.starts_with("POST /stop HTTP/1.1\r\n");
    asked.iter().filter(stops).count()
}

/// A test under load with this beside its usual spec.
async fn under_load<'a>(stage: &'a Stage, name: &str, more: &Value) -> Result<Run<'a>> {
    let mut test = locust_test(name, 2);
    for (field, value) in more.as_object().into_iter().flatten() {
        test["spec"][field] = value.clone();
    }
    let run = stage.run_of(name, test).await?;
    run.says("running", [30, 1000, 0]);
    run.until("a test that runs", |test| {
        is_at(test, LocustState::Running, 1000)
    })
    .await?;
    Ok(run)
}

/// Its load stops when the master is told to; the end of the test.
async fn stops(run: &Run<'_>) -> Result<LocustTest> {
    super::until("the master to be told", async || {
        Ok((posts(run) > 0).then_some(()))
    })
    .await?;
    run.says("stopped", [0, 1350, 0]);
    let over = run
        .until("its end", |test| {
            phase(test).is_some_and(Phase::is_terminal)
        })
        .await?;
    let status = over.status.as_ref().context("status")?;
    let results = status.results.as_ref().context("results")?;
    assert_eq!(results.total.requests, 1350, "they are the final ones");
    assert_eq!(phase(&over), Some(Phase::Failed));
    run.stage.are_gone(&run.name).await?;
    Ok(over)
}

fn told(test: &LocustTest) -> (Option<Verdict>, Option<&str>, Option<&str>) {
    let status = test.status.as_ref();
    let failure = status.and_then(|status| status.failure.as_ref());
    (
        status.and_then(|status| status.verdict),
        failure.map(|failure| &*failure.reason),
        failure.map(|failure| &*failure.message),
    )
}

#[tokio::test]
async fn a_breach_that_aborts_stops_the_load_by_locust_and_keeps_its_results() -> Result<()> {
    let stage = Stage::set("abort", "abort").await?;
    let limits = json!({ "thresholds": [
        { "metric": "failRatio", "max": "1%" },
        { "metric": "p95", "max": "30ms", "abort": true },
    ] });
    let run = under_load(&stage, "breach", &limits).await?;
    let over = stops(&run).await?;
    let expected = (
        Some(Verdict::Failed),
        Some("ThresholdBreached"),
        Some("p95 is 37ms, more than 30ms"),
    );
    assert_eq!(told(&over), expected);
    assert_eq!(
        condition(&over, "ThresholdsMet"),
        "False/ThresholdBreached: p95 is 37ms, more than 30ms"
    );
    Ok(())
}

#[tokio::test]
async fn a_run_is_stopped_by_the_spec_also_by_an_operator_that_starts_after_that() -> Result<()> {
    let stage = Stage::set("wanted", "wanted").await?;
    let run = under_load(&stage, "wanted", &json!({})).await?;
    stage.operator.signal(Signal::SIGKILL)?;
    let patch = json!({ "spec": { "desiredState": "Stopped" } });
    let params = PatchParams::default();
    let api = &stage.tests.api;
    api.patch("wanted", &params, &Patch::Merge(&patch)).await?;
    let _next = stage.operator("wanted")?;
    let over = stops(&run).await?;
    let expected = (
        Some(Verdict::Inconclusive),
        Some("Stopped"),
        Some("spec.desiredState is Stopped"),
    );
    assert_eq!(told(&over), expected);
    assert_eq!(condition(&over, "SpecDrifted"), "");

    // What clients of v1 have in the place of that field.
    let run = under_load(&stage, "annotated", &json!({})).await?;
    let patch = json!({ "metadata": { "annotations": { "locust.io/stop": "true" } } });
    api.patch("annotated", &params, &Patch::Merge(&patch))
        .await?;
    let over = stops(&run).await?;
    let words = Some("the annotation locust.io/stop is true");
    assert_eq!(told(&over), (expected.0, expected.1, words));
    Ok(())
}

#[tokio::test]
async fn the_load_of_a_test_that_is_deleted_is_stopped_by_locust() -> Result<()> {
    let stage = Stage::set("deleted", "deleted").await?;
    let api = &stage.tests.api;
    let gone = under_load(&stage, "gone", &json!({})).await?;
    // Somebody else's finalizer keeps it for a while.
    let going = under_load(&stage, "going", &json!({})).await?;
    let params = PatchParams::default();
    let keep = json!({ "metadata": { "finalizers": ["example.com/keep"] } });
    api.patch("going", &params, &Patch::Merge(&keep)).await?;
    for run in [&gone, &going] {
        api.delete(&run.name, &DeleteParams::default()).await?;
        super::until("the master to be told", async || {
            Ok((posts(run) > 0).then_some(()))
        })
        .await?;
    }
    let free = json!({ "metadata": { "finalizers": null } });
    api.patch("going", &params, &Patch::Merge(&free)).await?;
    Ok(())
}

#[tokio::test]
async fn a_percentile_that_only_the_table_has_is_judged_while_the_test_runs() -> Result<()> {
    let stage = Stage::set("table", "table").await?;
    let mut test = locust_test("table", 2);
    test["spec"]["thresholds"] = json!([{ "metric": "p90", "max": "30ms", "abort": true }]);
    let run = stage.run_of("table", test).await?;
    let table = "Type,Name,Request Count,Failure Count,90%\n,Aggregated,1000,0,31\n";
    run.master
        .says_at("/stats/requests/csv", Answer::text(table));
    run.says("running", [30, 1000, 0]);
    let over = stops(&run).await?;
    let expected = (
        Some(Verdict::Failed),
        Some("ThresholdBreached"),
        Some("p90 is 31ms, more than 30ms"),
    );
    assert_eq!(told(&over), expected);
    Ok(())
}
