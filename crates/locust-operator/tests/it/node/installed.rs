//! `config/default-webhook` as a user applies it, in a cluster that runs
//! `config/default`: the API server finds the webhooks by their Service, with
//! certificates that nobody made for them.
//!
//! It deploys another operator, so it runs alone, in the long run.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use testkit::Node;

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_webhooks_of_config_answer_kubectl() -> Result<()> {
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

    // As the other tests found it.
    apply(&node, "default").await?;
    node.kubectl(&["delete", "validatingwebhookconfiguration", VALIDATING])
        .await?;
    scale_operator(&client, 1).await
}
