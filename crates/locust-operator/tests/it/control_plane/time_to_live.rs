//! Jobs that Kubernetes removes as soon as they end: the verdict is recorded
//! all the same, and nothing runs again.

use std::collections::BTreeMap;

use anyhow::Result;
use futures::future::try_join_all;
use k8s_openapi::api::batch::v1::Job;
use kube::Api;
use locust_api::latest::Phase;

use super::World;
use crate::operator::Operator;
use crate::pods;
use crate::tests_of::{Tests, condition, locust_test, until};

const SUCCEEDED: &str = "True/TestSucceeded: Test completed successfully";
const FAILED: &str = "True/TestFailed: Test failed: Locust exited with code 1: File \"locustfile.py\", line 1: ModuleNotFoundError: No module named 'nope'";

#[tokio::test]
async fn verdicts_outlive_jobs_that_are_removed_when_they_end() -> Result<()> {
    futures::future::try_join(outlives("0"), outlives("1")).await?;
    Ok(())
}

/// Five tests that succeed and five that fail, at the same time.
async fn outlives(seconds: &str) -> Result<()> {
    let world = World::new(&format!("ttl-{seconds}")).await?;
    let (client, namespace) = (&world.client, world.namespace.name());
    let variable = ("JOB_TTL_SECONDS_AFTER_FINISHED", seconds);
    let variables = BTreeMap::from([variable].map(|(name, value)| (name.into(), value.into())));
    let (cluster, kubeconfig) = (&world.control_plane, world.kubeconfig());
    let _operator = Operator::start_for(cluster, &kubeconfig, &[namespace], &variables)?;
    let tests = Tests::new(client.clone(), namespace);
    let ends = ["Succeeded", "Failed"]
        .into_iter()
        .flat_map(|end| (0..5).map(move |number| (end, number)));
    try_join_all(ends.map(|(end, number)| live(&world, &tests, end, number))).await?;

    let jobs: Api<Job> = Api::namespaced(client.clone(), namespace);
    until("all Jobs to be removed", async || {
        let left = jobs.list(&Default::default()).await?.items;
        Ok(left.is_empty().then_some(()))
    })
    .await?;
    let created = world
        .control_plane
        .audit_log()?
        .iter()
        .filter(|entry| entry.namespace == namespace)
        .filter(|entry| entry.verb == "create" && entry.resource == "jobs")
        .count();
    assert_eq!(created, 20, "two Jobs for each test");
    Ok(())
}

async fn live(world: &World, tests: &Tests, end: &str, number: u32) -> Result<()> {
    let (client, namespace) = (&world.client, world.namespace.name());
    let name = format!("{}-{number}", end.to_lowercase());
    let put = async |role: &str, phase: &str| {
        pods::put(client, namespace, &format!("{name}-{role}"), 1, phase).await
    };
    tests.create(locust_test(&name, 1)).await?;
    put("worker", "Running").await?;
    put("master", "Running").await?;
    tests.wait_for(&name, &[Phase::Running]).await?;
    put("worker", "Succeeded").await?;
    put("master", end).await?;
    let over = tests
        .wait_for(&name, &[Phase::Succeeded, Phase::Failed])
        .await?;
    let expected = match end {
        "Succeeded" => SUCCEEDED,
        _ => FAILED,
    };
    assert_eq!(condition(&over, "TestCompleted"), expected, "{name}");
    assert_eq!(
        condition(&over, "WorkersConnected"),
        "True/AllWorkersConnected: 1/1 workers connected"
    );
    Ok(())
}
