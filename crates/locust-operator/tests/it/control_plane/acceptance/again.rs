//! What is done again: a write that met a conflict, and a test of a name that
//! was used before.

use anyhow::{Context, Result};
use hyper::{Method, StatusCode};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Pod, Service};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kube::{Api, Client, ResourceExt};
use locust_api::latest::{LocustTest, Phase};
use locust_api::names::UPSTREAM_FINALIZER;
use serde_json::json;
use testkit::proxy::{FaultProxy, Moment, Recorded};

use super::super::World;
use super::{event_reasons, put};
use crate::operator::Operator;
use crate::pods;
use crate::tests_of::{Tests, locust_test, until};

/// Whether this stores the verdict of a test.
fn is_verdict(request: &Recorded) -> bool {
    request.method == Method::PATCH
        && request.path.contains("/locusttests/contested/status")
        && request.body.pointer("/status/phase") == Some(&json!("Succeeded"))
}

#[tokio::test]
async fn check_51_a_status_that_meets_two_conflicts_is_stored_at_the_third_try() -> Result<()> {
    let world = World::new("contested").await?;
    let (client, namespace) = (&world.client, world.namespace.name());
    let tests = Tests::new(client.clone(), namespace);
    let proxy = FaultProxy::start(&world.control_plane, &world.kubeconfig()).await?;
    let _operator = Operator::start(&world.control_plane, proxy.kubeconfig(), namespace)?;
    tests.create(locust_test("contested", 1)).await?;
    put(client, namespace, "contested", "Running").await?;
    tests.wait_for("contested", &[Phase::Running]).await?;

    let holds = [1, 2].map(|nth| proxy.hold(nth, Moment::BeforeRequest, is_verdict));
    pods::put(client, namespace, "contested-master", 1, "Succeeded").await?;
    for (edit, mut held) in ["first", "second"].into_iter().zip(holds) {
        held.reached().await?;
        let note = Patch::Merge(json!({ "metadata": { "labels": { edit: "kept" } } }));
        let params = PatchParams::default();
        tests.api.patch("contested", &params, &note).await?;
        held.forward().await;
    }
    let stored = tests.wait_for("contested", &[Phase::Succeeded]).await?;
    let labels = stored.labels();
    assert!(labels.contains_key("first") && labels.contains_key("second"));
    // What was not stored is not told of.
    let is_end = |reason: &&String| *reason == "TestCompleted";
    let ends = until("the event", async || {
        let reasons = event_reasons(client, namespace).await?;
        let ends = reasons.iter().filter(is_end).count();
        Ok((ends > 0).then_some(ends))
    })
    .await?;
    assert_eq!(ends, 1);
    let mut answers = proxy.requests();
    answers.retain(is_verdict);
    let answers: Vec<_> = answers.iter().map(|request| request.status).collect();
    let expected = [StatusCode::CONFLICT, StatusCode::CONFLICT, StatusCode::OK].map(Some);
    assert_eq!(answers, expected);
    Ok(())
}

/// How many Jobs, Services and pods a namespace has.
async fn children(client: &Client, namespace: &str) -> Result<[usize; 3]> {
    let all = ListParams::default();
    let jobs: Api<Job> = Api::namespaced(client.clone(), namespace);
    let services: Api<Service> = Api::namespaced(client.clone(), namespace);
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    Ok([
        jobs.list(&all).await?.items.len(),
        services.list(&all).await?.items.len(),
        pods.list(&all).await?.items.len(),
    ])
}

/// Creates a test and waits until its run is recorded, that of its own Job.
async fn run(client: &Client, namespace: &str) -> Result<()> {
    let tests = Tests::new(client.clone(), namespace);
    let created = tests.create(locust_test("again", 1)).await?;
    let is_begun = |test: &LocustTest| {
        let status = test.status.as_ref();
        test.uid() == created.uid() && status.is_some_and(|status| status.run.is_some())
    };
    tests.wait_until("again", "a run", is_begun).await?;
    let jobs: Api<Job> = Api::namespaced(client.clone(), namespace);
    let job = jobs.get("again-master").await?;
    let owner = job.owner_references().first().context("an owner")?;
    assert_eq!(Some(&owner.uid), created.uid().as_ref());
    Ok(())
}

#[tokio::test]
async fn check_52_a_deleted_test_takes_all_with_it_and_its_name_can_be_used_again() -> Result<()> {
    let world = World::new("reused").await?;
    let (client, namespace) = (&world.client, world.namespace.name());
    let tests = Tests::new(client.clone(), namespace);
    // As the Go operator leaves it: it waits for an operator.
    let mut of_upstream = locust_test("again", 1);
    of_upstream["metadata"]["finalizers"] = json!([UPSTREAM_FINALIZER]);
    tests.create(of_upstream).await?;
    let now = DeleteParams::default();
    tests.api.delete("again", &now).await?;
    assert!(tests.api.get_opt("again").await?.is_some());
    let operator = Operator::start(&world.control_plane, &world.kubeconfig(), namespace)?;
    until("the finalizer to be taken off", async || {
        Ok(tests.api.get_opt("again").await?.is_none().then_some(()))
    })
    .await?;
    until("the event", async || {
        let reasons = event_reasons(client, namespace).await?;
        Ok((reasons == ["Deleting"]).then_some(()))
    })
    .await?;

    Box::pin(run(client, namespace)).await?;
    drop(operator);
    tests.api.delete("again", &now).await?;
    assert!(tests.api.get_opt("again").await?.is_none(), "at once");

    // While the old objects are still being collected.
    let _operator = Operator::start(&world.control_plane, &world.kubeconfig(), namespace)?;
    Box::pin(run(client, namespace)).await?;
    tests.api.delete("again", &now).await?;
    until("all that it owned to be gone", async || {
        let left = children(client, namespace).await?;
        Ok((left == [0; 3]).then_some(()))
    })
    .await
}
