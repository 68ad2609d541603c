//! What outlasts the grace ends the test.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, ensure};
use k8s_openapi::api::batch::v1::Job;
use kube::{Api, ResourceExt};
use locust_api::latest::{LocustTest, Phase};
use serde_json::{Value, json};

use crate::node::World;
use crate::operator::Operator;
use crate::tests_of::{condition, until};

const GRACE: Duration = Duration::from_secs(8);

#[tokio::test]
async fn trouble_that_outlasts_the_grace_ends_the_test_and_both_its_jobs() -> Result<()> {
    let world = World::new("grace", 0).await?;
    let namespace = world.namespace.name();
    let arguments = [
        "--watch-namespaces",
        namespace,
        "--health-probe-bind-address=0",
        "--pod-grace=8s",
    ];
    // An exporter that cannot start keeps its master from starting.
    let variables = [
        ("METRICS_EXPORTER_IMAGE", "nowhere.invalid/exporter:1"),
        ("METRICS_EXPORTER_IMAGE_PULL_POLICY", "IfNotPresent"),
        ("METRICS_EXPORTER_CPU_REQUEST", "10m"),
        ("POD_CPU_REQUEST", "10m"),
    ];
    let variables: BTreeMap<String, String> = variables
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let kubeconfig = world.node.kubeconfig();
    let _operator = Operator::spawn(&world.node, &kubeconfig, &arguments, &variables)?;

    let cases = [
        (
            "image",
            json!({ "image": "nowhere.invalid/none:1" }),
            "ImagePullError: ",
        ),
        (
            "files",
            json!({ "testFiles": { "configMapRef": "none" } }),
            "ConfigurationError: ",
        ),
        (
            "nodes",
            json!({ "scheduling": { "nodeSelector": { "disk": "golden" } } }),
            "SchedulingError: ",
        ),
        ("exporter", json!({}), "ImagePullError: "),
    ];
    for (name, spec, _) in &cases {
        world.tests.create(test(name, spec)).await?;
    }
    for (name, _, words) in &cases {
        let failed = world
            .tests
            .wait_for(name, &[Phase::Succeeded, Phase::Failed])
            .await?;
        let verdict = condition(&failed, "TestCompleted");
        println!("{name}: {verdict}");
        ensure!(
            verdict.starts_with(&format!("True/TestFailed: Test failed: {words}"))
                && verdict.contains(&format!(" affected [{name}-")),
            "{name}: {verdict}"
        );
        ensure!(
            !verdict.contains("restart automatically"),
            "{name} promises a start that will not come: {verdict}"
        );
        let lived = lived(&failed);
        // Kubernetes notes whole seconds.
        ensure!(
            lived + Duration::from_secs(1) >= GRACE,
            "{name} failed after {lived:?}"
        );
        let jobs: Api<Job> = Api::namespaced(world.client.clone(), namespace);
        until("both Jobs to be gone", async || {
            let left = jobs.list(&Default::default()).await?.items;
            let is_its = |job: &Job| job.name_any().starts_with(&format!("{name}-"));
            Ok((!left.iter().any(is_its)).then_some(()))
        })
        .await?;
    }
    Ok(())
}

fn test(name: &str, spec: &Value) -> Value {
    let mut test = json!({
        "apiVersion": "locust.io/v2",
        "kind": "LocustTest",
        "metadata": { "name": name },
        "spec": {
            "image": "testkit/stub-locust:1",
            "master": { "command": "" },
            "worker": { "command": "", "replicas": 1 },
        },
    });
    for (field, value) in spec.as_object().into_iter().flatten() {
        test["spec"][field] = value.clone();
    }
    test
}

/// From the start to the verdict.
fn lived(test: &LocustTest) -> Duration {
    let status = test.status.as_ref();
    let start = status.and_then(|status| status.start_time.as_ref());
    let end = status.and_then(|status| status.completion_time.as_ref());
    let lived = start
        .zip(end)
        .map(|(start, end)| end.0.duration_since(start.0));
    lived
        .and_then(|lived| Duration::try_from(lived).ok())
        .unwrap_or_default()
}
