//! The full results of a run, kept beside it.

use std::io::Read;

use flate2::read::GzDecoder;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::ResourceExt;
use kube::api::{DeleteParams, PostParams};
use serde_json::json;

use super::*;

const STATS: &str = "Type,Name,Request Count,Failure Count,Median Response Time,Average Response Time,Min Response Time,Max Response Time,Average Content Size,Requests/s,Failures/s\r\n\
    GET,/,1350,90,12,14.3,1,60,9,10,0.5\r\n\
    ,Aggregated,1350,90,12,14.3,1,60,9,10,0.5\r\n";
const FAILURES: &str = "Method,Name,Error,Occurrences\r\nGET,/,503,90\r\n";
const EXCEPTIONS: &str = "Count,Message,Traceback,Nodes\r\n";
const PAGE: &str = "<!DOCTYPE html><title>Locust</title>";

/// A test with these results wanted, whose load has ended.
async fn after_load<'a>(stage: &'a Stage, name: &str, results: Value) -> Result<Run<'a>> {
    let mut test = locust_test(name, 2);
    test["spec"]["results"] = results;
    let run = stage.run_of(name, test).await?;
    for (path, body) in [
        ("/stats/requests/csv", STATS),
        ("/stats/failures/csv", FAILURES),
        ("/exceptions/csv", EXCEPTIONS),
        ("/stats/report", PAGE),
    ] {
        run.master.says_at(path, Answer::text(body));
    }
    run.says("running", [30, 1000, 85]);
    run.until("a test that runs", |test| {
        is_at(test, LocustState::Running, 1000)
    })
    .await?;
    run.says("stopped", [0, 1350, 90]);
    Ok(run)
}

fn maps(stage: &Stage) -> Api<ConfigMap> {
    Api::namespaced(stage.world.client.clone(), stage.world.namespace.name())
}

async fn says(run: &Run<'_>, words: &str) -> Result<LocustTest> {
    run.until(words, |test| {
        condition(test, "ResultsStored").starts_with(words)
    })
    .await
}

fn text<'a>(map: &'a ConfigMap, name: &str) -> Option<&'a str> {
    map.data.as_ref()?.get(name).map(String::as_str)
}

async fn end(run: &Run<'_>) -> Result<LocustTest> {
    run.put("worker", 2, "Succeeded").await?;
    run.put("master", 1, "Succeeded").await?;
    run.until("its end", |test| {
        phase(test).is_some_and(Phase::is_terminal)
    })
    .await
}

#[tokio::test]
async fn a_run_leaves_its_tables_and_its_report_in_a_config_map_that_goes_with_it() -> Result<()> {
    let stage = Stage::set("stored", "stored").await?;
    let run = after_load(&stage, "stored", json!({})).await?;
    let stored = says(&run, "True/Stored").await?;
    assert_eq!(
        condition(&stored, "ResultsStored"),
        "True/Stored: ConfigMap stored-results holds results.json, stats.csv, failures.csv, exceptions.csv, report.html.gz"
    );
    let map = maps(&stage).get("stored-results").await?;
    assert_eq!(text(&map, "stats.csv"), Some(STATS));
    assert_eq!(text(&map, "failures.csv"), Some(FAILURES));
    assert_eq!(text(&map, "exceptions.csv"), Some(EXCEPTIONS));
    let json: Value = serde_json::from_str(text(&map, "results.json").context("JSON")?)?;
    assert_eq!(json["totals"]["requests"], 1350);
    assert_eq!(json["errors"][0]["error"], "503");
    let packed = map
        .binary_data
        .as_ref()
        .and_then(|data| data.get("report.html.gz"));
    let mut page = String::new();
    GzDecoder::new(&*packed.context("a report")?.0).read_to_string(&mut page)?;
    assert_eq!(page, PAGE);

    let over = end(&run).await?;
    assert_eq!(phase(&over), Some(Phase::Succeeded));
    let writes: Vec<_> = stage.world.control_plane.audit_log()?;
    let writes = writes
        .iter()
        .filter(|event| event.resource == "configmaps" && event.name == "stored-results");
    assert_eq!(writes.count(), 1, "it is stored once");
    stage
        .tests
        .api
        .delete("stored", &DeleteParams::default())
        .await?;
    until("the results to go with their test", async || {
        let map = maps(&stage).get_opt("stored-results").await?;
        Ok(map.is_none().then_some(()))
    })
    .await
}

#[tokio::test]
async fn results_that_are_to_stay_are_written_anew_by_the_next_test_of_the_name() -> Result<()> {
    let stage = Stage::set("retain", "retain").await?;
    let retain = json!({ "configMap": "Retain" });
    for requests in [1000, 1350] {
        let run = after_load(&stage, "kept", retain.clone()).await?;
        let stats = STATS.replace("1350", &requests.to_string());
        run.master
            .says_at("/stats/requests/csv", Answer::text(&stats));
        says(&run, "True/Stored").await?;
        end(&run).await?;
        let map = maps(&stage).get("kept-results").await?;
        assert_eq!(map.owner_references(), []);
        assert_eq!(text(&map, "stats.csv"), Some(&*stats));
        stage
            .tests
            .api
            .delete("kept", &DeleteParams::default())
            .await?;
        stage.are_gone("kept").await?;
        until("the test to be gone", async || {
            Ok(stage
                .tests
                .api
                .get_opt("kept")
                .await?
                .is_none()
                .then_some(()))
        })
        .await?;
    }
    let map = maps(&stage).get("kept-results").await?;
    assert_eq!(
        map.labels().get("locust.io/results").map(String::as_str),
        Some("kept")
    );
    Ok(())
}

#[tokio::test]
async fn a_config_map_of_somebody_else_is_left_alone_and_the_verdict_does_not_wait() -> Result<()> {
    let stage = Stage::set("taken", "taken").await?;
    let theirs: ConfigMap = serde_json::from_value(json!({
        "metadata": { "name": "taken-results", "labels": { "locust.io/results": "another" } },
        "data": { "a": "b" },
    }))?;
    let theirs = maps(&stage).create(&PostParams::default(), &theirs).await?;
    let run = after_load(&stage, "taken", json!({})).await?;
    let told = says(&run, "False/NameConflict").await?;
    let message = condition(&told, "ResultsStored");
    assert!(
        message.contains("ConfigMap taken-results is not the results of a LocustTest of this name"),
        "{message}"
    );
    let over = end(&run).await?;
    assert_eq!(phase(&over), Some(Phase::Succeeded));
    let status = over.status.as_ref().context("status")?;
    assert_eq!(status.verdict, Some(Verdict::Passed));
    let still = maps(&stage).get("taken-results").await?;
    assert_eq!(still.resource_version(), theirs.resource_version());
    Ok(())
}
