//! Namespaces that enforce the PodSecurity level `restricted`: what runs there,
//! and what is said of what does not.

use std::path::Path;

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::Api;
use kube::api::{ListParams, Patch, PatchParams};
use locust_api::latest::Phase;
use serde_json::{Value, json};

use crate::node::World;
use crate::node::target::Target;
use crate::operator::Operator;
use crate::tests_of::{condition, load_test, locustfile};

/// A namespace with a target in it that from now on takes restricted pods only.
async fn restricted(prefix: &str) -> Result<(World, Target)> {
    let world = World::new(prefix, 0).await?;
    // The target is not what these tests are about.
    let target = Target::start(&world, &[]).await?;
    let enforce = json!({ "metadata": { "labels": {
        "pod-security.kubernetes.io/enforce": "restricted",
    } } });
    Api::<Namespace>::all(world.client.clone())
        .patch(
            world.namespace.name(),
            &PatchParams::default(),
            &Patch::Merge(enforce),
        )
        .await?;
    world.locustfile("strict", &locustfile(&["/"])).await?;
    Ok((world, target))
}

fn operator(world: &World, further: &[&str]) -> Result<Operator> {
    let namespace = world.namespace.name();
    Operator::start_also_with(&world.node, &world.node.kubeconfig(), namespace, further)
}

/// Runs a test to its end, and shows that it has made load.
async fn passes(world: &World, target: &Target, test: Value) -> Result<()> {
    world.tests.create(test).await?;
    let done = world
        .tests
        .wait_for("strict", &[Phase::Succeeded, Phase::Failed])
        .await?;
    assert_eq!(
        condition(&done, "TestCompleted"),
        "True/TestSucceeded: Test completed successfully"
    );
    let counts = target.counts(world).await?;
    assert!(counts.answered > 50, "{counts:?}");
    Ok(())
}

#[tokio::test]
async fn hardened_pods_run_in_a_restricted_namespace() -> Result<()> {
    let (world, target) = restricted("hardened").await?;
    let _operator = operator(&world, &["--pod-defaults=hardened"])?;
    passes(&world, &target, load_test("strict", 1, 5)).await
}

#[tokio::test]
async fn pods_with_the_go_operators_defaults_are_refused_there_and_it_is_said() -> Result<()> {
    let (world, target) = restricted("refused").await?;
    let _operator = operator(&world, &[])?;
    world.tests.create(load_test("strict", 1, 5)).await?;
    let refused = world
        .tests
        .wait_until("strict", "a word about PodSecurity", |test| {
            condition(test, "PodsHealthy").contains("violates PodSecurity \"restricted:")
        })
        .await?;
    let words = condition(&refused, "PodsHealthy");
    assert!(words.starts_with("False/"), "{words}");
    assert!(words.contains("runAsNonRoot"), "{words}");
    let pods: Api<Pod> = Api::namespaced(world.client.clone(), world.namespace.name());
    let of_test = ListParams::default().labels("performance-test-name=strict");
    assert_eq!(pods.list(&of_test).await?.items.len(), 0);
    assert_eq!(target.counts(&world).await?.answered, 0);
    Ok(())
}

#[tokio::test]
async fn the_samples_security_group_runs_there_on_a_read_only_root() -> Result<()> {
    let (world, target) = restricted("sample").await?;
    let _operator = operator(&world, &[])?;
    let sample = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../config/samples/locust_v2_locusttest.yaml");
    let sample: Value = serde_saphyr::from_str(&std::fs::read_to_string(sample)?)?;
    let security = sample
        .pointer("/spec/security")
        .context("a security group in the sample")?;
    assert_eq!(
        security.pointer("/containerSecurityContext/readOnlyRootFilesystem"),
        Some(&Value::Bool(true))
    );
    let mut test = load_test("strict", 1, 5);
    if let Some(spec) = test.pointer_mut("/spec").and_then(Value::as_object_mut) {
        spec.insert("security".to_owned(), security.clone());
    }
    passes(&world, &target, test).await
}
