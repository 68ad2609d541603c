//! Somebody deletes what a test needs: what can be made again is, a run that
//! lost its Job is over.

use anyhow::Result;
use hyper::Method;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::events::v1::Event;
use kube::api::DeleteParams;
use kube::{Api, ResourceExt};
use locust_api::latest::Phase;
use locust_core::observed::recorded_run;
use testkit::proxy::{FaultProxy, Moment};

use super::World;
use crate::operator::Operator;
use crate::pods;
use crate::tests_of::{Tests, condition, locust_test, phase, until};

/// Brings a test with one worker to Running.
async fn run(world: &World, tests: &Tests, name: &str) -> Result<()> {
    tests.create(locust_test(name, 1)).await?;
    for role in ["worker", "master"] {
        let (client, namespace) = (&world.client, world.namespace.name());
        pods::put(client, namespace, &format!("{name}-{role}"), 1, "Running").await?;
    }
    tests.wait_for(name, &[Phase::Running]).await?;
    Ok(())
}

#[tokio::test]
async fn a_deleted_service_is_made_again_and_told_of() -> Result<()> {
    let world = World::new("service").await?;
    let (client, namespace) = (&world.client, world.namespace.name());
    let tests = Tests::new(client.clone(), namespace);
    let _operator = Operator::start(&world.control_plane, &world.kubeconfig(), namespace)?;
    run(&world, &tests, "mended").await?;

    let services: Api<Service> = Api::namespaced(client.clone(), namespace);
    let old = services.get("mended-master").await?.uid();
    services
        .delete("mended-master", &DeleteParams::default())
        .await?;
    until("another Service", async || {
        let service = services.get_opt("mended-master").await?;
        Ok(service.filter(|service| service.uid() != old))
    })
    .await?;
    let events: Api<Event> = Api::namespaced(client.clone(), namespace);
    let event = until("a warning", async || {
        let events = events.list(&Default::default()).await?.items;
        let is_it = |event: &Event| event.reason.as_deref() == Some("ResourceDeleted");
        Ok(events.into_iter().find(is_it))
    })
    .await?;
    assert_eq!(event.type_.as_deref(), Some("Warning"));
    assert_eq!(
        event.note.as_deref(),
        Some("Master Service mended-master was deleted externally, will attempt recreation")
    );
    let test = tests.api.get("mended").await?;
    assert_eq!(phase(&test), Some(Phase::Running));
    assert_eq!(
        condition(&test, "Ready"),
        "True/ResourcesCreated: All resources created"
    );
    Ok(())
}

#[tokio::test]
async fn a_job_deleted_before_the_run_is_recorded_is_made_again() -> Result<()> {
    let world = World::new("unrecorded").await?;
    let (client, namespace) = (&world.client, world.namespace.name());
    let tests = Tests::new(client.clone(), namespace);
    let proxy = FaultProxy::start(&world.control_plane, &world.kubeconfig()).await?;
    let mut held = proxy.hold(1, Moment::AfterAnswer, |request| {
        let name = request.body.pointer("/metadata/name");
        request.method == Method::POST && name == Some(&"early-worker".into())
    });
    let mut first = Operator::start(&world.control_plane, proxy.kubeconfig(), namespace)?;
    tests.create(locust_test("early", 1)).await?;
    held.reached().await?;
    first.kill()?;
    held.forward().await;
    assert_eq!(recorded_run(&tests.api.get("early").await?), None);

    let jobs: Api<Job> = Api::namespaced(client.clone(), namespace);
    let old = jobs.get("early-master").await?.uid();
    jobs.delete("early-master", &DeleteParams::background())
        .await?;
    let _second = Operator::start(&world.control_plane, &world.kubeconfig(), namespace)?;
    let begun = tests
        .wait_until("early", "a run", |test| recorded_run(test).is_some())
        .await?;
    let new = jobs.get("early-master").await?.uid();
    assert_ne!(new, old);
    assert_eq!(recorded_run(&begun), new.as_deref());
    pods::put(client, namespace, "early-master", 1, "Succeeded").await?;
    tests.wait_for("early", &[Phase::Succeeded]).await?;
    Ok(())
}

#[tokio::test]
async fn a_job_deleted_during_the_run_ends_it() -> Result<()> {
    let world = World::new("robbed").await?;
    let (client, namespace) = (&world.client, world.namespace.name());
    let tests = Tests::new(client.clone(), namespace);
    let _operator = Operator::start(&world.control_plane, &world.kubeconfig(), namespace)?;
    let jobs: Api<Job> = Api::namespaced(client.clone(), namespace);
    for role in ["master", "worker"] {
        let test = format!("no-{role}");
        run(&world, &tests, &test).await?;
        let job = format!("{test}-{role}");
        jobs.delete(&job, &DeleteParams::background()).await?;
        let failed = tests.wait_for(&test, &[Phase::Failed]).await?;
        let words = condition(&failed, "TestCompleted");
        assert!(
            words.starts_with(&format!(
                "True/JobDeleted: Test failed: Job {job} was deleted while the test ran; "
            )),
            "{words}"
        );
    }
    until("all Jobs to be removed", async || {
        let left = jobs.list(&Default::default()).await?.items;
        Ok(left.is_empty().then_some(()))
    })
    .await
}
