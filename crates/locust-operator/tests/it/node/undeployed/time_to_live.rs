//! Jobs of real pods that Kubernetes removes as soon as they end.

use std::collections::BTreeMap;

use anyhow::Result;
use futures::future::{try_join, try_join_all};
use k8s_openapi::api::batch::v1::Job;
use kube::Api;
use locust_api::latest::Phase;
use serde_json::json;

use crate::node::World;
use crate::operator::Operator;
use crate::tests_of::{condition, until};

#[tokio::test]
async fn verdicts_outlive_real_jobs_that_are_removed_when_they_end() -> Result<()> {
    try_join(outlives("0", 5), outlives("1", 2)).await?;
    Ok(())
}

/// So many tests that succeed and as many that fail, at the same time.
async fn outlives(seconds: &str, count: u32) -> Result<()> {
    let world = World::new("ttl", 0).await?;
    let namespace = world.namespace.name();
    let variables = [
        ("JOB_TTL_SECONDS_AFTER_FINISHED", seconds),
        ("METRICS_EXPORTER_IMAGE_PULL_POLICY", "IfNotPresent"),
        ("POD_CPU_REQUEST", "10m"),
        ("METRICS_EXPORTER_CPU_REQUEST", "10m"),
    ];
    let variables = BTreeMap::from(variables.map(|(name, value)| (name.into(), value.into())));
    let kubeconfig = world.node.kubeconfig();
    let _operator = Operator::start_for(&world.node, &kubeconfig, &[namespace], &variables)?;
    let ends = [0, 1]
        .into_iter()
        .flat_map(|code| (0..count).map(move |number| (code, number)));
    try_join_all(ends.map(|(code, number)| live(&world, code, number))).await?;
    let jobs: Api<Job> = Api::namespaced(world.client.clone(), namespace);
    until("all Jobs to be removed", async || {
        let left = jobs.list(&Default::default()).await?.items;
        Ok(left.is_empty().then_some(()))
    })
    .await
}

async fn live(world: &World, code: u8, number: u32) -> Result<()> {
    let name = format!("code-{code}-{number}");
    let variable = |name: &str, value: u8| json!({ "name": name, "value": value.to_string() });
    let test = json!({
        "apiVersion": "locust.io/v2",
        "kind": "LocustTest",
        "metadata": { "name": name },
        "spec": {
            "image": "testkit/stub-locust:1",
            "master": { "command": "" },
            "worker": { "command": "", "replicas": 1 },
            "env": { "variables": [
                variable("STUB_RUN_SECONDS", 1),
                variable("STUB_EXIT_CODE", code),
            ] },
        },
    });
    world.tests.create(test).await?;
    let over = world
        .tests
        .wait_for(&name, &[Phase::Succeeded, Phase::Failed])
        .await?;
    let expected = match code {
        0 => "True/TestSucceeded: Test completed successfully",
        _ => {
            "True/TestFailed: Test failed: Locust exited with code 1: stub-locust: master runs for 1s"
        }
    };
    assert_eq!(condition(&over, "TestCompleted"), expected, "{name}");
    Ok(())
}
