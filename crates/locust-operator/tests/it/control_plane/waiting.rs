//! An operator without what it needs: it waits, not ready, says which, and goes
//! on by itself.

use std::time::Duration;

use anyhow::{Result, ensure};
use futures::future::try_join_all;
use kube::api::PostParams;
use kube::{Api, Client};
use locust_api::latest::{LocustTest, Phase};
use testkit::ControlPlane;
use testkit::control_plane::Options;
use tokio::time::Instant;

use super::World;
use crate::operator::Operator;
use crate::tests_of::{Tests, locust_test, phase, until};

const PROBES: &str = "127.0.0.1:18081";

/// What `/readyz` says.
async fn readiness(control_plane: &ControlPlane) -> Option<(u16, String)> {
    let answer = control_plane
        .http_get(&format!("http://{PROBES}/readyz"))
        .await;
    answer.ok().map(|(code, body)| (code.as_u16(), body))
}

async fn wait_for_readiness(control_plane: &ControlPlane, code: u16, words: &str) -> Result<()> {
    until(
        &format!("/readyz to answer {code} with {words:?}"),
        async || {
            let answer = readiness(control_plane).await;
            Ok(answer
                .filter(|(is, body)| *is == code && body.contains(words))
                .map(drop))
        },
    )
    .await
}

#[tokio::test]
async fn tests_created_the_moment_the_crd_is_established_are_all_reconciled() -> Result<()> {
    let control_plane = ControlPlane::start(Options::default()).await?;
    let client = control_plane.client().await?;
    let arguments = ["--health-probe-bind-address", PROBES];
    let kubeconfig = control_plane.kubeconfig();
    let _operator = Operator::start_with(&control_plane, &kubeconfig, &arguments)?;
    wait_for_readiness(&control_plane, 503, "install the CRD").await?;

    let namespace = control_plane.namespace("late").await?;
    super::install_crd(&client).await?;
    let created = Instant::now();
    let tests: Api<LocustTest> = Api::namespaced(client.clone(), namespace.name());
    try_join_all((0..50).map(|number| create(&tests, number))).await?;
    until("all tests to have a phase", async || {
        let tests = tests.list(&Default::default()).await?.items;
        ensure!(tests.len() == 50, "{} tests", tests.len());
        Ok(tests.iter().all(|test| phase(test).is_some()).then_some(()))
    })
    .await?;
    let took = created.elapsed();
    println!(
        "50 tests reconciled {} ms after the CRD was established",
        took.as_millis()
    );
    assert!(took < Duration::from_secs(30), "took {took:?}");
    wait_for_readiness(&control_plane, 200, "ok").await
}

async fn create(tests: &Api<LocustTest>, number: u32) -> Result<()> {
    let test = serde_json::from_value(locust_test(&format!("late-{number}"), 1))?;
    tests.create(&PostParams::default(), &test).await?;
    Ok(())
}

#[tokio::test]
async fn an_operator_without_any_test_becomes_ready() -> Result<()> {
    let world = World::new("idle").await?;
    let probes = "127.0.0.1:18083";
    let arguments = [
        "--watch-namespaces",
        world.namespace.name(),
        "--health-probe-bind-address",
        probes,
    ];
    let _operator = Operator::start_with(&world.control_plane, &world.kubeconfig(), &arguments)?;
    let url = format!("http://{probes}/readyz");
    until("/readyz to be ok", async || {
        let answer = world.control_plane.http_get(&url).await;
        Ok(answer.ok().filter(|(_, body)| body == "ok").map(drop))
    })
    .await
}

#[tokio::test]
async fn an_operator_without_permission_says_which_and_waits() -> Result<()> {
    let world = World::new("forbidden").await?;
    let nobody = world.control_plane.user_kubeconfig("nobody-yet", None)?;
    let probes = "127.0.0.1:18082";
    let arguments = [
        "--watch-namespaces",
        world.namespace.name(),
        "--health-probe-bind-address",
        probes,
    ];
    let _operator = Operator::start_with(&world.control_plane, &nobody, &arguments)?;
    let url = format!("http://{probes}/readyz");
    for kind in ["jobs", "locusttests", "pods", "services"] {
        let named = format!("grant get, list and watch on {kind}");
        until(&named, async || {
            let answer = world.control_plane.http_get(&url).await;
            let names = |body: &String| body.contains(&named);
            Ok(answer.ok().map(|(_, body)| body).filter(names))
        })
        .await?;
    }

    grant_everything(&world.client, world.namespace.name(), "nobody-yet").await?;
    let tests = Tests::new(world.client.clone(), world.namespace.name());
    tests.create(locust_test("allowed", 1)).await?;
    tests.wait_for("allowed", &[Phase::Pending]).await?;
    Ok(())
}

/// Binds a user to everything in one namespace: a Role there is enough.
async fn grant_everything(client: &Client, namespace: &str, user: &str) -> Result<()> {
    use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
    let role: Role = serde_json::from_value(serde_json::json!({
        "metadata": { "name": "operator" },
        "rules": [{ "apiGroups": ["*"], "resources": ["*"], "verbs": ["*"] }],
    }))?;
    let binding: RoleBinding = serde_json::from_value(serde_json::json!({
        "metadata": { "name": "operator" },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "operator" },
        "subjects": [{ "kind": "User", "name": user, "apiGroup": "rbac.authorization.k8s.io" }],
    }))?;
    Api::namespaced(client.clone(), namespace)
        .create(&PostParams::default(), &role)
        .await?;
    Api::namespaced(client.clone(), namespace)
        .create(&PostParams::default(), &binding)
        .await?;
    Ok(())
}
