//! `config/default-webhook` as a user applies it, in a cluster that runs
//! `config/default`: the API server finds the webhooks by their Service, with
//! certificates that nobody made for them, and a roll-out is not noticed.
//!
//! It rolls the deployed operator out, so it runs alone, in the long run.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use testkit::Node;
use tokio_util::sync::CancellationToken;

use super::{DEPLOYMENT, SYSTEM_NAMESPACE, scale_operator};
use crate::tests_of::until;

const VALIDATING: &str = "locust-k8s-operator-validating-webhook-configuration";

async fn apply(node: &Node, tree: &str) -> Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config");
    let path = path.join(tree);
    node.kubectl(&["apply", "--kustomize", &path.to_string_lossy()])
        .await?;
    Ok(())
}

/// Waits until all pods are those of the Deployment as it is.
async fn rolled_out(node: &Node) -> Result<()> {
    let deployment = format!("deployment/{DEPLOYMENT}");
    let namespace = format!("--namespace={SYSTEM_NAMESPACE}");
    let status = [
        "rollout",
        "status",
        &deployment,
        &namespace,
        "--timeout=60s",
    ];
    node.kubectl(&status).await?;
    Ok(())
}

fn v1_test(name: &str, command: &str) -> Value {
    json!({
        "apiVersion": "locust.io/v1",
        "kind": "LocustTest",
        "metadata": {"name": name},
        "spec": {
            "masterCommandSeed": command,
            "workerCommandSeed": "-f a.py",
            "workerReplicas": 2,
            "image": "registry.example/nobody/runs:this",
        },
    })
}

/// `kubectl create` of a manifest in a file, as a person does it.
async fn create(node: &Node, namespace: &str, manifest: &Value) -> Result<String> {
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), manifest.to_string())?;
    let path = file.path().to_string_lossy().into_owned();
    node.kubectl(&["create", "--namespace", namespace, "--filename", &path])
        .await
}

/// Edits and reads a test by v1 until the end; returns how often, and what
/// went wrong.
async fn stream(client: &Client, namespace: &str, end: &CancellationToken) -> (u32, Vec<String>) {
    let resource = ApiResource {
        group: "locust.io".to_owned(),
        version: "v1".to_owned(),
        api_version: "locust.io/v1".to_owned(),
        kind: "LocustTest".to_owned(),
        plural: "locusttests".to_owned(),
    };
    let api = Api::<DynamicObject>::namespaced_with(client.clone(), namespace, &resource);
    let (mut calls, mut failed) = (0, Vec::new());
    while !end.is_cancelled() {
        calls += 1;
        let replicas = json!({"spec": {"workerReplicas": calls % 400 + 1}});
        let (params, patch) = (PatchParams::default(), Patch::Merge(&replicas));
        let patched = api.patch("old", &params, &patch).await;
        failed.extend(patched.err().map(|error| format!("patch: {error}")));
        let read = api.get("old").await;
        failed.extend(read.err().map(|error| format!("get: {error}")));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    (calls, failed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_webhooks_of_config_answer_kubectl_and_a_roll_out_fails_no_call() -> Result<()> {
    let dir = std::env::var(testkit::node::SHARED_VARIABLE)
        .context("this needs a node with images: run `cargo xtask test long`")?;
    let node = Node::attach(Path::new(&dir))?;
    let client = node.client().await?;
    let namespace = node.namespace("installed").await?;
    let there = namespace.name();
    apply(&node, "default-webhook").await?;
    scale_operator(&client, 2).await?;
    rolled_out(&node).await?;

    // By v1, with the warning, and read by both.
    until("v1 to be served", async || {
        let manifest = v1_test("old", "-f a.py --run-time 1m");
        Ok(create(&node, there, &manifest).await.ok())
    })
    .await?;
    for (version, expected) in [("v1", "-f a.py --run-time 1m"), ("v2", "")] {
        let resource = format!("locusttests.{version}.locust.io");
        let field = "jsonpath={.apiVersion} {.spec.masterCommandSeed}";
        let said = [
            "get",
            &resource,
            "old",
            "--namespace",
            there,
            "--output",
            field,
        ];
        let said = node.kubectl(&said).await?;
        assert_eq!(said, format!("locust.io/{version} {expected}"));
    }
    let refused = create(&node, there, &v1_test("bad", "'")).await;
    let words = format!("{:#}", refused.err().context("a refusal")?);
    ensure!(
        words.contains("\"vlocusttest-v2.kb.io\" denied the request"),
        "{words}"
    );

    let end = CancellationToken::new();
    let roll_out = async {
        let deployment = format!("deployment/{DEPLOYMENT}");
        let in_system = format!("--namespace={SYSTEM_NAMESPACE}");
        let restart = ["rollout", "restart", &deployment, &in_system];
        let rolled = match node.kubectl(&restart).await {
            Ok(_) => rolled_out(&node).await,
            Err(error) => Err(error),
        };
        // The last old pod ends after the last new one is ready.
        let settled = match rolled {
            Ok(()) => scale_operator(&client, 2).await,
            Err(error) => Err(error),
        };
        end.cancel();
        settled
    };
    let (rolled, (calls, failed)) = tokio::join!(roll_out, stream(&client, there, &end));
    rolled?;
    println!(
        "{} calls beside a roll-out, {} failed",
        2 * calls,
        failed.len()
    );
    ensure!(failed.is_empty(), "{}", failed.join("\n"));
    ensure!(calls > 20, "{calls}");

    // As the other tests found it.
    apply(&node, "default").await?;
    node.kubectl(&["delete", "validatingwebhookconfiguration", VALIDATING])
        .await?;
    scale_operator(&client, 1).await
}
