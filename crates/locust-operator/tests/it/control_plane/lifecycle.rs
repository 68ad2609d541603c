//! A test from its creation to its verdict.

use anyhow::Result;
use k8s_openapi::api::batch::v1::Job;
use kube::Api;
use locust_api::latest::Phase;

use super::World;
use crate::operator::Operator;
use crate::pods;
use crate::tests_of::{Tests, condition, locust_test};

#[tokio::test]
async fn a_test_runs_and_succeeds() -> Result<()> {
    let world = World::new("lifecycle").await?;
    let (client, namespace) = (&world.client, world.namespace.name());
    let tests = Tests::new(client.clone(), namespace);
    let operator = Operator::start(&world.control_plane, &world.kubeconfig(), namespace)?;

    tests.create(locust_test("demo", 2)).await?;
    let pending = tests.wait_for("demo", &[Phase::Pending]).await?;
    assert_eq!(
        condition(&pending, "Ready"),
        "True/ResourcesCreated: All resources created"
    );
    assert_eq!(
        condition(&pending, "WorkersConnected"),
        "False/WaitingForWorkers: Waiting for workers to connect"
    );
    let run = pending.status.and_then(|status| status.run).expect("a run");

    pods::put(client, namespace, "demo-worker", 2, "Running").await?;
    pods::put(client, namespace, "demo-master", 1, "Running").await?;
    let running = tests.wait_for("demo", &[Phase::Running]).await?;
    assert_eq!(
        condition(&running, "WorkersConnected"),
        "True/AllWorkersConnected: 2/2 workers connected"
    );
    assert_eq!(
        condition(&running, "PodsHealthy"),
        "True/PodsHealthy: All pods are healthy"
    );

    pods::put(client, namespace, "demo-worker", 2, "Succeeded").await?;
    pods::put(client, namespace, "demo-master", 1, "Succeeded").await?;
    let succeeded = tests.wait_for("demo", &[Phase::Succeeded]).await?;
    assert_eq!(
        condition(&succeeded, "TestCompleted"),
        "True/TestSucceeded: Test completed successfully"
    );
    let status = succeeded.status.expect("a status");
    assert_eq!(status.run, Some(run.clone()));
    assert_eq!(status.connected_workers, Some(2));
    let master = Api::<Job>::namespaced(client.clone(), namespace)
        .get("demo-master")
        .await?;
    assert_eq!(master.metadata.uid, Some(run.id));
    let log = operator.log();
    assert!(
        log.contains("All resources created") || log.contains("TestStarted"),
        "{log}"
    );
    assert!(
        !log.contains("reading events"),
        "a test that starts well costs no reading of events: {log}"
    );
    Ok(())
}

#[tokio::test]
async fn a_failed_master_fails_the_test_and_says_why() -> Result<()> {
    let world = World::new("failed").await?;
    let (client, namespace) = (&world.client, world.namespace.name());
    let tests = Tests::new(client.clone(), namespace);
    let _operator = Operator::start(&world.control_plane, &world.kubeconfig(), namespace)?;

    tests.create(locust_test("broken", 1)).await?;
    pods::put(client, namespace, "broken-master", 1, "Failed").await?;
    let failed = tests.wait_for("broken", &[Phase::Failed]).await?;
    assert_eq!(
        condition(&failed, "TestCompleted"),
        "True/TestFailed: Test failed: Locust exited with code 1: File \"locustfile.py\", line 1: ModuleNotFoundError: No module named 'nope'"
    );
    assert_eq!(
        condition(&failed, "Ready"),
        "False/ResourcesFailed: Test failed"
    );
    Ok(())
}

#[tokio::test]
async fn an_operator_that_is_asked_to_end_ends_well_and_the_next_goes_on() -> Result<()> {
    let world = World::new("restart").await?;
    let (client, namespace) = (&world.client, world.namespace.name());
    let tests = Tests::new(client.clone(), namespace);
    let mut operator = Operator::start(&world.control_plane, &world.kubeconfig(), namespace)?;
    tests.create(locust_test("long", 1)).await?;
    tests.wait_for("long", &[Phase::Pending]).await?;
    assert_eq!(operator.terminate().await?, Some(0), "{}", operator.log());
    assert!(
        operator.log().contains("shutting down"),
        "{}",
        operator.log()
    );

    pods::put(client, namespace, "long-master", 1, "Succeeded").await?;
    let _next = Operator::start(&world.control_plane, &world.kubeconfig(), namespace)?;
    tests.wait_for("long", &[Phase::Succeeded]).await?;
    Ok(())
}
