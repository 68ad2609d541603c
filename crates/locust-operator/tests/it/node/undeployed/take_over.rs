//! Tests that the Go operator has begun, or finished, before this one came.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Pod, Service};
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt};
use locust_api::latest::{LocustTest, Phase};
use locust_core::observed::recorded_run;
use serde_json::{Value, json};

use crate::node::World;
use crate::node::target::Target;
use crate::operator::Operator;
use crate::tests_of::{condition, locustfile, until};

/// A case whose objects the Go operator made; the name is that of its test.
const CASE: &str = "files-configmap";
const TEST: &str = "files";
const FINISHED: &str = "finished";
const FINALIZER: &str = "locust.io/cleanup";

#[tokio::test]
async fn a_running_test_of_the_go_operator_goes_on_in_its_pods() -> Result<()> {
    let world = World::new("takeover", 0).await?;
    let _target = Target::start(&world, &[]).await?;
    world.locustfile("scripts", &locustfile(&["/"])).await?;
    let begun = begin(&world).await?;
    let finished = finish(&world).await?;
    let pods = until("all four pods to run", async || {
        let running = world.running_pods().await?;
        Ok((running.len() == 4).then(|| uids(&running)))
    })
    .await?;

    let user = "taking-over";
    let kubeconfig = world.node.user_kubeconfig(user, Some("system:masters"))?;
    let _operator = Operator::start(&world.node, &kubeconfig, world.namespace.name())?;
    let over = world
        .tests
        .wait_for(TEST, &[Phase::Succeeded, Phase::Failed])
        .await?;
    assert_eq!(
        condition(&over, "TestCompleted"),
        "True/TestSucceeded: Test completed successfully"
    );
    assert_eq!(over.metadata.generation, begun.metadata.generation);
    assert_eq!(over.finalizers(), [""; 0]);
    assert_eq!(condition(&over, "SpecDrifted"), "");
    let jobs: Api<Job> = Api::namespaced(world.client.clone(), world.namespace.name());
    let master = jobs.get("files-master").await?;
    assert_eq!(recorded_run(&over), master.metadata.uid.as_deref());
    let all: Api<Pod> = Api::namespaced(world.client.clone(), world.namespace.name());
    let params = ListParams::default().labels("managed-by=locust-k8s-operator");
    assert_eq!(uids(&all.list(&params).await?.items), pods, "the same pods");

    let after = world.tests.api.get(FINISHED).await?;
    assert_eq!(after.status, finished.status);
    assert_eq!(after.metadata.generation, finished.metadata.generation);
    let writes = writes(&world, user)?;
    let (finished, others): (Vec<_>, Vec<_>) =
        writes.iter().partition(|write| write.ends_with(FINISHED));
    assert_eq!(finished, ["patch locusttests/ finished"], "its finalizer");
    let is_expected =
        |write: &str| write.contains("locusttests/") || write == "create configmaps/ files-results";
    ensure!(
        others.iter().all(|write| is_expected(write)),
        "only the tests and their results were written: {others:#?}"
    );
    Ok(())
}

/// Writes of a user but for events.
fn writes(world: &World, user: &str) -> Result<Vec<String>> {
    let log = world.node.audit_log()?;
    let writes = log
        .iter()
        .filter(|entry| entry.user == user && entry.resource != "events")
        .filter(|entry| entry.namespace == world.namespace.name());
    Ok(writes
        .map(|entry| {
            format!(
                "{} {}/{} {}",
                entry.verb, entry.resource, entry.subresource, entry.name
            )
        })
        .collect())
}

fn uids(pods: &[Pod]) -> BTreeSet<String> {
    pods.iter().filter_map(ResourceExt::uid).collect()
}

/// A test as the Go operator leaves it once its Jobs are made.
async fn begin(world: &World) -> Result<LocustTest> {
    let input = read(&dir().join("input.yaml"))?;
    let mut input: Value = serde_saphyr::from_str(&real(&input))?;
    if let Some(metadata) = input
        .pointer_mut("/metadata")
        .and_then(Value::as_object_mut)
    {
        metadata.insert("finalizers".to_owned(), json!([FINALIZER]));
    }
    let test = world.tests.create(input).await?;
    let uid = test.metadata.uid.clone().context("a UID")?;
    let (client, namespace) = (world.client.clone(), world.namespace.name());
    let services: Api<Service> = Api::namespaced(client.clone(), namespace);
    let service = serde_json::from_value(child(world, "service", &uid)?)?;
    services.create(&PostParams::default(), &service).await?;
    let jobs: Api<Job> = Api::namespaced(client, namespace);
    for file in ["master-job", "worker-job"] {
        let job = serde_json::from_value(child(world, file, &uid)?)?;
        jobs.create(&PostParams::default(), &job).await?;
    }
    let status = status(
        &test,
        "Running",
        "False",
        "TestInProgress",
        "Test has not started",
    );
    patch_status(world, &test, status).await
}

/// A test that the Go operator has finished, and whose Jobs are gone.
async fn finish(world: &World) -> Result<LocustTest> {
    let test = json!({
        "apiVersion": "locust.io/v2",
        "kind": "LocustTest",
        "metadata": { "name": FINISHED, "finalizers": [FINALIZER] },
        "spec": {
            "image": "locustio/locust:2.47.0",
            "master": { "command": "" },
            "worker": { "command": "", "replicas": 1 },
        },
    });
    let test = world.tests.create(test).await?;
    let message = "Test completed successfully";
    let mut status = status(&test, "Succeeded", "True", "TestSucceeded", message);
    if let Some(status) = status.as_object_mut() {
        status.insert("completionTime".to_owned(), json!("2026-01-01T00:05:00Z"));
    }
    patch_status(world, &test, status).await
}

fn status(test: &LocustTest, phase: &str, completed: &str, reason: &str, message: &str) -> Value {
    let condition = |type_: &str, status: &str, reason: &str, message: &str| {
        json!({
            "type": type_,
            "status": status,
            "reason": reason,
            "message": message,
            "observedGeneration": test.metadata.generation,
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        })
    };
    json!({
        "phase": phase,
        "observedGeneration": test.metadata.generation,
        "expectedWorkers": test.spec.worker.replicas,
        "connectedWorkers": test.spec.worker.replicas,
        "startTime": "2026-01-01T00:00:00Z",
        "conditions": [
            condition("Ready", "True", "ResourcesCreated", "All resources created"),
            condition("WorkersConnected", "True", "AllWorkersConnected", "3/3 workers connected"),
            condition("TestCompleted", completed, reason, message),
            condition("PodsHealthy", "True", "PodsStarting", "Pods are starting up"),
        ],
    })
}

async fn patch_status(world: &World, test: &LocustTest, status: Value) -> Result<LocustTest> {
    let patch = Patch::Merge(json!({ "status": status }));
    let api = &world.tests.api;
    Ok(api
        .patch_status(&test.name_any(), &PatchParams::default(), &patch)
        .await?)
}

fn dir() -> std::path::PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/cases");
    root.join(CASE)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| path.display().to_string())
}

/// A child as the Go operator makes it, for a Locust that really runs.
fn child(world: &World, file: &str, owner: &str) -> Result<Value> {
    let text = read(&dir().join(format!("{file}.json")))?;
    let mut object: Value = serde_json::from_str(&real(&text))?;
    let mut set = |path: &str, value: Value| {
        if let Some(field) = object.pointer_mut(path) {
            *field = value;
        }
    };
    set("/metadata/namespace", json!(world.namespace.name()));
    let frugal = json!({ "requests": { "cpu": "20m", "memory": "64Mi" } });
    set("/spec/template/spec/containers/0/resources", frugal.clone());
    set("/spec/template/spec/initContainers/0/resources", frugal);
    set(
        "/spec/template/spec/initContainers/0/imagePullPolicy",
        json!("IfNotPresent"),
    );
    let owner_reference = object.pointer_mut("/metadata/ownerReferences/0");
    if let Some(reference) = owner_reference.and_then(Value::as_object_mut) {
        reference.insert("uid".to_owned(), json!(owner));
    }
    Ok(object)
}

/// The case with an image that exists, a short run, and the target of the test.
fn real(text: &str) -> String {
    [
        ("registry.example/load/locust:1.0", "locustio/locust:2.47.0"),
        ("/lotest/src/run.py", "/lotest/src/locustfile.py"),
        ("\"60\"", "\"5\""),
        (
            "--host https://sut.example",
            "--host http://target --users 10 --spawn-rate 10 --run-time 15s",
        ),
        (
            "\"https://sut.example\"",
            "\"http://target\", \"--users\", \"10\", \"--spawn-rate\", \"10\", \"--run-time\", \"15s\"",
        ),
    ]
    .iter()
    .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}
