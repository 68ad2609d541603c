//! Tests that the API server took before the CRD had its rules, and an older
//! Kubernetes that refuses more than the newest.

use std::time::Duration;

use anyhow::{Context, Result};
use kube::Api;
use kube::api::{Patch, PatchParams};
use locust_api::latest::Phase;
use serde_json::{Value, json};
use testkit::ControlPlane;
use testkit::control_plane::Options;

use super::{changed, lasting};
use crate::control_plane::{World, install};
use crate::operator::Operator;
use crate::tests_of::{Tests, condition, locust_test, phase, until};

/// The CRD without its rules about several fields.
fn crd_without_rules() -> Value {
    let mut crd = locust_api::crd::manifest();
    strip(&mut crd);
    crd
}

fn strip(node: &mut Value) {
    match node {
        Value::Object(fields) => {
            fields.remove("x-kubernetes-validations");
            fields.values_mut().for_each(strip);
        }
        Value::Array(list) => list.iter_mut().for_each(strip),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[tokio::test]
async fn a_test_stored_before_the_rules_is_told_released_and_mended() -> Result<()> {
    let control_plane = ControlPlane::start(Options::default()).await?;
    let client = control_plane.client().await?;
    install(&client, &crd_without_rules()).await?;
    let namespace = control_plane.namespace("stored").await?;
    let tests = Tests::new(client.clone(), namespace.name());
    let twice = json!({"env": {"secretMounts": [
        {"name": "t", "mountPath": "/a"}, {"name": "t", "mountPath": "/b"},
    ]}});
    let mut old = changed("old", &twice)?;
    *old.get_mut("metadata").context("metadata")? =
        json!({"name": "old", "finalizers": ["locust.io/cleanup"]});
    tests.create(old).await?;
    let crd = json!({"spec": locust_api::crd::manifest()["spec"]});
    let crds: Api<k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition> =
        Api::all(client.clone());
    crds.patch(
        "locusttests.locust.io",
        &PatchParams::default(),
        &Patch::Merge(crd),
    )
    .await?;
    until("the rules to act", async || {
        let refused = tests.create(changed("new", &twice)?).await.is_err();
        if !refused {
            tests.api.delete("new", &Default::default()).await?;
        }
        Ok(refused.then_some(()))
    })
    .await?;

    let _operator = Operator::start(
        &control_plane,
        &control_plane.kubeconfig(),
        namespace.name(),
    )?;
    let told = tests
        .wait_until("old", "a refusal", |test| {
            condition(test, "Accepted").starts_with(
                "False/InvalidVolumes: spec.env.secretMounts: \"t\": a Secret is mounted twice",
            )
        })
        .await?;
    assert_eq!(told.metadata.finalizers, None);
    assert_eq!(phase(&told), Some(Phase::Pending));
    let mend = json!({"spec": {"env": {"secretMounts": [{"name": "t", "mountPath": "/a"}]}}});
    tests
        .api
        .patch("old", &PatchParams::default(), &Patch::Merge(mend))
        .await?;
    tests
        .wait_until("old", "a run", |test| {
            test.status
                .as_ref()
                .is_some_and(|status| status.run.is_some())
                && condition(test, "Accepted") == "True/Accepted: The spec is accepted"
        })
        .await?;
    namespace.finish().await
}

#[tokio::test]
async fn what_kubernetes_refuses_is_told_in_its_words_and_waits_for_another_spec() -> Result<()> {
    // Up to 1.35 no Service may have a name that begins with a digit.
    let options = Options {
        api_server_arguments: vec!["--emulated-version=1.35".to_owned()],
        ..Options::default()
    };
    let control_plane = ControlPlane::start(options).await?;
    let client = control_plane.client().await?;
    crate::control_plane::install_crd(&client).await?;
    let world = World {
        namespace: control_plane.namespace("digit").await?,
        control_plane,
        client,
    };
    let namespace = world.namespace.name();
    let tests = Tests::new(world.client.clone(), namespace);
    let _operator = Operator::start(&world.control_plane, &world.kubeconfig(), namespace)?;
    tests.create(locust_test("9lives", 1)).await?;
    let told = tests
        .wait_until("9lives", "a refusal", |test| {
            condition(test, "Accepted")
                .starts_with("False/RefusedByKubernetes: Service 9lives-master was refused: ")
        })
        .await?;
    let words = condition(&told, "Accepted");
    assert!(
        words.contains("metadata.name: Invalid value: \"9lives-master\""),
        "{words}"
    );
    assert_eq!(phase(&told), Some(Phase::Pending));
    super::told_of(&world, "9lives", "NotAccepted").await?;
    super::quiet_for(&world, Duration::from_secs(4)).await?;
    let creates = |log: Vec<testkit::AuditEvent>| {
        let fits =
            |event: &testkit::AuditEvent| event.verb == "create" && event.resource == "services";
        log.into_iter().filter(fits).count()
    };
    assert_eq!(creates(super::writes(&world)?), 1, "it was tried again");
    let notes = super::notes(&world.client, namespace, "9lives").await?;
    assert_eq!(notes.len(), 1, "{notes:?}");
    // Another spec is tried at once, though it cannot help here.
    let edit = json!({"spec": {"worker": {"replicas": 2}}});
    tests
        .api
        .patch("9lives", &PatchParams::default(), &Patch::Merge(edit))
        .await?;
    until("another try", async || {
        Ok((creates(super::writes(&world)?) == 2).then_some(()))
    })
    .await?;
    tests.create(locust_test("lives9", 1)).await?;
    let fine = tests
        .wait_until("lives9", "a run", |test| {
            test.status
                .as_ref()
                .is_some_and(|status| status.run.is_some())
        })
        .await?;
    assert!(lasting(&fine).contains(&"Accepted=True/Accepted: The spec is accepted".to_owned()));
    Ok(())
}
