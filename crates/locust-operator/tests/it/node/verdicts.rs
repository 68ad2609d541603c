//! Real runs and their verdicts, compared with what the target counted.

use std::time::Duration;

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, ResourceExt};
use locust_api::latest::{Completeness, LocustState, LocustTest, Phase, Verdict};
use locust_core::locust::parse_stats_csv;
use serde_json::Value;

use super::target::Target;
use super::{World, master_address, names};
use crate::tests_of::{condition, load_test, locustfile, phase, until};

#[tokio::test]
async fn a_test_passes_and_its_numbers_are_the_targets() -> Result<()> {
    let world = World::new("pass", 1).await?;
    let target = Target::start(&world, &[]).await?;
    world.locustfile("pass", &locustfile(&["/a", "/b"])).await?;
    world.tests.create(load_test("pass", 2, 10)).await?;

    let (phases, total) = tokio::try_join!(phases(&world, "pass"), locust_total(&world, "pass"))?;
    assert_eq!(phases, [Phase::Pending, Phase::Running, Phase::Succeeded]);
    let counts = target.counts(&world).await?;
    assert!(total > 200, "10 users for 10 s made {total} requests");
    assert_eq!(counts.answered, total);
    assert_eq!(counts.failures, 0);

    let test = world.tests.api.get("pass").await?;
    assert_eq!(
        condition(&test, "TestCompleted"),
        "True/TestSucceeded: Test completed successfully"
    );
    assert_eq!(
        condition(&test, "WorkersConnected"),
        "True/AllWorkersConnected: 2/2 workers connected"
    );
    assert_eq!(
        condition(&test, "Ready"),
        "True/ResourcesCreated: All resources created"
    );
    assert_eq!(
        condition(&test, "PodsHealthy"),
        "True/PodsHealthy: All pods are healthy"
    );
    assert_eq!(
        condition(&test, "StatsAvailable"),
        "True/Answering: Locust answers"
    );
    let stats = test
        .status
        .as_ref()
        .and_then(|status| status.locust.as_ref());
    let stats = stats.context("numbers")?;
    assert_eq!(stats.state, LocustState::Stopped);
    assert_eq!((stats.requests, stats.failures), (total.try_into()?, 0));
    until("all pods of the test to end", async || {
        Ok(world.running_pods().await?.is_empty().then_some(()))
    })
    .await?;
    let (events, writes) = world.operator_writes()?;
    println!("{} writes and {events} events for 2 workers", writes.len());
    // Numbers are written every five seconds, while the master can be asked.
    let status = test.status.context("a status")?;
    assert_eq!(status.verdict, Some(Verdict::Passed), "{status:?}");
    let results = status.results.context("results")?;
    assert_eq!(results.completeness, Completeness::Complete);
    let total: i64 = total.try_into()?;
    assert_eq!((results.total.requests, results.total.failures), (total, 0));
    let rows = results.endpoints.iter();
    assert_eq!(rows.map(|row| row.result.requests).sum::<i64>(), total);
    assert_eq!((results.workers, results.workers_lost), (2, 0));
    assert_eq!(results.locust_version.as_deref(), Some("2.47.0"));
    let maps: Api<ConfigMap> = Api::namespaced(world.client.clone(), world.namespace.name());
    let stored = maps.get("pass-results").await?;
    let table = stored
        .data
        .as_ref()
        .and_then(|files| files.get("stats.csv"));
    let rows = parse_stats_csv(table.context("a table")?).context("rows")?;
    let last = rows.last().context("totals")?;
    assert_eq!((i64::try_from(last.requests)?, last.failures), (total, 0));
    let (start, end) = (status.start_time, status.completion_time);
    let (start, end) = start.zip(end).context("times")?;
    let most = 8 + usize::try_from(end.0.duration_since(start.0).as_secs() / 5)?;
    let of_status = writes.iter().filter(|write| write.contains("/status "));
    assert!(of_status.count() <= most, "more than {most}: {writes:#?}");
    assert!(events <= 6, "{events} events");
    Ok(())
}

#[tokio::test]
async fn failed_requests_fail_the_test() -> Result<()> {
    let world = World::new("fail", 1).await?;
    let target = Target::start(&world, &["--fail", "/bad=500"]).await?;
    world
        .locustfile("fail", &locustfile(&["/good", "/bad"]))
        .await?;
    world.tests.create(load_test("fail", 1, 5)).await?;
    let test = world
        .tests
        .wait_for("fail", &[Phase::Succeeded, Phase::Failed])
        .await?;
    assert_eq!(phase(&test), Some(Phase::Failed));
    let counts = target.counts(&world).await?;
    assert!(counts.failures > 0);
    assert_eq!(
        condition(&test, "TestCompleted"),
        "True/TestFailed: Test failed: Locust exited with code 1"
    );
    assert_eq!(
        condition(&test, "Ready"),
        "False/ResourcesFailed: Test failed"
    );
    assert_eq!(cause(&test), Some("RequestFailures"));
    let status = test.status.as_ref().context("a status")?;
    assert_eq!(status.verdict, Some(Verdict::Failed));
    let (failures, requests) = (counts.failures, counts.answered);
    let worst = format!("{failures} of {requests} requests failed, {failures} of them GET /bad: ");
    let reason = status.verdict_reason.as_deref().unwrap_or_default();
    assert!(reason.starts_with(&worst), "{worst} | {reason}");
    Ok(())
}

#[tokio::test]
async fn a_broken_locustfile_fails_the_test_and_the_place_and_the_error_are_told() -> Result<()> {
    let world = World::new("broken", 1).await?;
    let fine = locustfile(&["/"]);
    let cases = [
        (
            "import",
            "import os\nimport nope\n",
            "",
            "File \"/lotest/src/locustfile.py\", line 2, in <module>: import nope: ModuleNotFoundError: No module named 'nope'",
        ),
        (
            "syntax",
            "def broken(:\n    pass\n",
            "",
            "File \"/lotest/src/locustfile.py\", line 1: def broken(:: SyntaxError: invalid syntax",
        ),
        (
            "argument",
            &fine,
            "--nope",
            "locust: error: unrecognized arguments: --nope",
        ),
        ("users", "x = 1\n", "", "No User class found!"),
    ];
    for (name, file, argument, _) in cases {
        world.locustfile(name, file).await?;
        let mut test = load_test(name, 1, 5);
        test["spec"]["master"]["extraArgs"] = match argument {
            "" => Value::Null,
            argument => Value::from(vec![argument]),
        };
        world.tests.create(test).await?;
    }
    for (name, _, _, cause) in cases {
        let test = world
            .tests
            .wait_for(name, &[Phase::Succeeded, Phase::Failed])
            .await?;
        let verdict = condition(&test, "TestCompleted");
        let code =
            verdict.trim_start_matches("True/TestFailed: Test failed: Locust exited with code ");
        assert_eq!(
            code.get(1..),
            Some(format!(": {cause}").as_str()),
            "{verdict}"
        );
        assert_eq!(self::cause(&test), Some("LocustfileError"), "{name}");
    }
    until("all pods of the tests to end", async || {
        let running = world.running_pods().await?;
        Ok(running.is_empty().then_some(names(&running)))
    })
    .await?;
    Ok(())
}

/// Every phase that the test goes through, in order, up to the last.
/// What ended a run badly.
fn cause(test: &LocustTest) -> Option<&str> {
    let failure = test.status.as_ref()?.failure.as_ref()?;
    Some(&failure.reason)
}

async fn phases(world: &World, name: &str) -> Result<Vec<Phase>> {
    let mut seen = Vec::new();
    let mut version = None;
    loop {
        let test = world
            .tests
            .wait_until(name, "another status", |test: &LocustTest| {
                phase(test).is_some() && test.resource_version() != version
            })
            .await?;
        version = test.resource_version();
        let conditions = ["Ready", "WorkersConnected", "TestCompleted", "PodsHealthy"];
        println!(
            "{:?} {:#?}",
            phase(&test),
            conditions.map(|type_| condition(&test, type_))
        );
        let now = phase(&test);
        if now != seen.last().copied() {
            seen.extend(now);
        }
        if now.is_some_and(Phase::is_terminal) {
            return Ok(seen);
        }
    }
}

/// Locust's own final total: the last that its master told.
async fn locust_total(world: &World, name: &str) -> Result<u64> {
    let url = format!(
        "http://{}:8089/stats/requests",
        master_address(world, name).await?
    );
    let mut total = None;
    let mut poll = tokio::time::interval(Duration::from_millis(500));
    loop {
        poll.tick().await;
        let answer = world.node.http_get(&url).await;
        match answer.ok().and_then(|(_, body)| aggregated(&body)) {
            Some(requests) => total = Some(requests),
            None if total.is_some_and(|total| total > 0) => return Ok(total.unwrap_or_default()),
            None => {}
        }
    }
}

fn aggregated(body: &str) -> Option<u64> {
    let stats: Value = serde_json::from_str(body).ok()?;
    let last = stats.get("stats")?.as_array()?.last()?;
    last.get("num_requests")?.as_u64()
}
