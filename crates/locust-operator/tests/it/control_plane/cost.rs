//! What a test costs the API server, counted in its audit log.

use std::path::PathBuf;

use anyhow::{Context, Result};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Service;
use kube::api::PostParams;
use kube::{Api, Client, Resource, ResourceExt};
use locust_api::latest::{LocustTest, Phase};
use serde_json::json;
use testkit::control_plane::Options;
use testkit::{AuditEvent, ControlPlane};

use super::{World, install_crd};
use crate::operator::Operator;
use crate::pods;
use crate::tests_of::{Tests, locust_test, phase, until};

/// What is asked of the API server from the creation of a test to its end:
/// verb, resource, subresource.
const WRITES: [(&str, &str, &str); 8] = [
    ("create", "jobs", ""),
    ("create", "jobs", ""),
    ("create", "services", ""),
    ("patch", "jobs", ""),
    ("patch", "locusttests", ""),
    ("patch", "locusttests", "status"),
    ("patch", "locusttests", "status"),
    ("patch", "locusttests", "status"),
];
/// The events of a test that runs well: three objects created, it runs, it
/// succeeded.
const EVENTS: usize = 5;
/// Finished tests that an operator finds when it starts.
const FINISHED: usize = 100;

/// A kubeconfig whose requests can be told from all others.
fn counted(control_plane: &ControlPlane, user: &str) -> Result<PathBuf> {
    control_plane.user_kubeconfig(user, Some("system:masters"))
}

fn of_user(mut log: Vec<AuditEvent>, user: &str) -> Vec<AuditEvent> {
    log.retain(|event| event.user == user);
    log
}

/// Brings a test to its end, workers first, as in a cluster.
async fn live(client: &Client, namespace: &str, name: &str, workers: usize) -> Result<()> {
    let tests = Tests::new(client.clone(), namespace);
    let (master, worker) = (format!("{name}-master"), format!("{name}-worker"));
    pods::put(client, namespace, &worker, workers, "Running").await?;
    pods::put(client, namespace, &master, 1, "Running").await?;
    tests.wait_for(name, &[Phase::Running]).await?;
    pods::put(client, namespace, &worker, workers, "Succeeded").await?;
    pods::put(client, namespace, &master, 1, "Succeeded").await?;
    tests.wait_for(name, &[Phase::Succeeded]).await?;
    Ok(())
}

async fn a_life_costs_the_same(workers: i32) -> Result<()> {
    let world = World::new("cost").await?;
    let (client, namespace) = (&world.client, world.namespace.name());
    let user = format!("counted-{namespace}");
    let kubeconfig = counted(&world.control_plane, &user)?;
    let tests = Tests::new(client.clone(), namespace);
    let _operator = Operator::start(&world.control_plane, &kubeconfig, namespace)?;
    tests.create(locust_test("life", workers)).await?;
    live(client, namespace, "life", workers.try_into()?).await?;

    // The next test is begun after whatever was still to be done for the first.
    tests.create(locust_test("next", 1)).await?;
    tests.wait_for("next", &[Phase::Pending]).await?;
    let about_first = |event: &AuditEvent| !event.name.starts_with("next");
    let (events, writes) = until("all events to be noted", async || {
        let log = of_user(world.control_plane.audit_log()?, &user);
        let (events, writes): (Vec<_>, Vec<_>) = log
            .into_iter()
            .filter(about_first)
            .partition(|event| event.resource == "events");
        Ok((events.len() >= EVENTS).then_some((events, writes)))
    })
    .await?;
    let mut asked: Vec<_> = writes
        .iter()
        .map(|write| (&*write.verb, &*write.resource, &*write.subresource))
        .collect();
    asked.sort_unstable();
    assert_eq!(asked, WRITES, "{writes:#?}");
    assert_eq!(events.len(), EVENTS, "{events:#?}");
    let refused: Vec<_> = writes.iter().filter(|write| write.code >= 300).collect();
    assert!(refused.is_empty(), "{refused:#?}");
    only_own_objects_are_read(
        &of_user(world.control_plane.audited_reads()?, &user),
        namespace,
    )
}

/// Children are listed and watched by their label, pods by their Job, and events
/// by the object that waits.
fn only_own_objects_are_read(reads: &[AuditEvent], namespace: &str) -> Result<()> {
    let managed = "labelSelector=managed-by%3Dlocust-k8s-operator";
    let of_one_job = "labelSelector=batch.kubernetes.io%2Fcontroller-uid%3D";
    let mut watched: Vec<&str> = Vec::new();
    for read in reads {
        assert_eq!(read.namespace, namespace, "{read:?}");
        if read.resource == "locusttests" || read.verb == "get" {
            continue;
        }
        let by_label = read.uri.contains(managed);
        let by_job = read.verb == "list" && read.uri.contains(of_one_job);
        let by_object = read.resource == "events"
            && read.verb == "list"
            && read.uri.contains("fieldSelector=regarding.uid%3D");
        assert!(by_label || by_job || by_object, "{read:?}");
        if read.verb == "watch" {
            watched.push(&read.resource);
        }
    }
    watched.sort_unstable();
    watched.dedup();
    assert_eq!(watched, ["jobs", "pods", "services"], "the log is complete");
    Ok(())
}

#[tokio::test]
async fn a_life_takes_eight_writes_and_reads_only_its_own_with_1_worker() -> Result<()> {
    a_life_costs_the_same(1).await
}

#[tokio::test]
async fn a_life_takes_eight_writes_and_reads_only_its_own_with_20_workers() -> Result<()> {
    a_life_costs_the_same(20).await
}

#[tokio::test]
async fn a_life_takes_eight_writes_and_reads_only_its_own_with_100_workers() -> Result<()> {
    a_life_costs_the_same(100).await
}

#[tokio::test]
async fn finished_tests_cost_a_restarted_operator_no_write_and_no_read_of_their_own() -> Result<()>
{
    let control_plane = ControlPlane::start(Options::default()).await?;
    let client = control_plane.client().await?;
    install_crd(&client).await?;
    let guard = control_plane.namespace("finished").await?;
    let namespace = guard.name();
    let tests = Tests::new(client.clone(), namespace);
    let original = tests.create(locust_test("seed-00000", 1)).await?;
    create_headless_service(&client, namespace, &original).await?;
    let before = counted(&control_plane, "before")?;
    let mut before = Operator::start(&control_plane, &before, namespace)?;
    live(&client, namespace, "seed-00000", 1).await?;
    before.terminate().await?;
    control_plane
        .copy_tests(namespace, "seed", FINISHED)
        .await?;
    let copy = tests.api.get(&format!("seed-{FINISHED:05}")).await?;
    assert_eq!(phase(&copy), Some(Phase::Succeeded));

    let after = counted(&control_plane, "after")?;
    let _after = Operator::start(&control_plane, &after, namespace)?;
    // It is looked at after all those that were listed.
    tests.create(locust_test("next", 1)).await?;
    tests.wait_for("next", &[Phase::Pending]).await?;
    let is_next = |event: &AuditEvent| event.name.starts_with("next");
    let writes = until("what was done for the next test to be noted", async || {
        let log = of_user(control_plane.audit_log()?, "after");
        Ok(log
            .iter()
            .any(|event| is_next(event) && event.subresource == "status")
            .then_some(log))
    })
    .await?;
    let others: Vec<_> = writes.iter().filter(|event| !is_next(event)).collect();
    assert!(others.is_empty(), "{others:#?}");
    let reads = of_user(control_plane.audited_reads()?, "after");
    only_own_objects_are_read(&reads, namespace)?;
    // The pods of a Job, and the events of an object, are asked for by its UID.
    let next_jobs = uids_of_jobs(&client, namespace, "next").await?;
    let is_about_next = |read: &AuditEvent| {
        is_next(read) || next_jobs.iter().any(|uid| read.uri.contains(uid.as_str()))
    };
    let others: Vec<_> = reads
        .iter()
        .filter(|read| read.verb == "get" || read.uri.contains("uid%3D"))
        .filter(|read| !is_about_next(read))
        .collect();
    assert!(others.is_empty(), "{others:#?}");
    Ok(())
}

async fn uids_of_jobs(client: &Client, namespace: &str, test: &str) -> Result<Vec<String>> {
    let jobs: Api<Job> = Api::namespaced(client.clone(), namespace);
    let uid = async |role| {
        let job = jobs.get(&format!("{test}-{role}")).await?;
        job.uid().context("a UID")
    };
    Ok(vec![uid("master").await?, uid("worker").await?])
}

/// The Service of a test, as if the operator had been killed after creating
/// it. It has no address: an address is one Service's, and this one is copied.
async fn create_headless_service(
    client: &Client,
    namespace: &str,
    test: &LocustTest,
) -> Result<()> {
    let owner = test.controller_owner_ref(&()).context("an owner")?;
    let service = json!({
        "metadata": {
            "name": "seed-00000-master",
            "labels": { "managed-by": "locust-k8s-operator" },
            "ownerReferences": [owner],
        },
        "spec": { "clusterIP": "None", "ports": [{ "port": 5557 }] },
    });
    Api::<Service>::namespaced(client.clone(), namespace)
        .create(&PostParams::default(), &serde_json::from_value(service)?)
        .await?;
    Ok(())
}
