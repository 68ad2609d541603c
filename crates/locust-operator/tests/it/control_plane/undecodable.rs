//! A LocustTest that the API server takes and this operator cannot read, as
//! after a downgrade: the CRD knows a value that the operator does not.

use anyhow::{Context, Result};
use k8s_openapi::api::events::v1::Event;
use kube::Api;
use kube::api::{ApiResource, DynamicObject, PostParams};
use locust_api::latest::{LocustTest, Phase};
use serde_json::Value;
use testkit::ControlPlane;
use testkit::control_plane::Options;

use crate::operator::Operator;
use crate::tests_of::{Tests, locust_test, until};

#[tokio::test]
async fn a_test_that_cannot_be_read_is_told_of_and_does_not_stop_the_others() -> Result<()> {
    let control_plane = ControlPlane::start(Options::default()).await?;
    let client = control_plane.client().await?;
    super::install(&client, &newer_crd()?).await?;
    let guard = control_plane.namespace("poison").await?;
    let namespace = guard.name();
    let kind = ApiResource::erase::<LocustTest>(&());
    let untyped: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &kind);
    let mut poison = locust_test("poison", 1);
    *poison.pointer_mut("/spec/image").context("an image")? = Value::from("x");
    let spec = poison
        .pointer_mut("/spec")
        .and_then(Value::as_object_mut)
        .context("a spec")?;
    spec.insert("imagePullPolicy".to_owned(), Value::from("Sometimes"));
    untyped
        .create(&PostParams::default(), &serde_json::from_value(poison)?)
        .await?;

    let _operator = Operator::start(&control_plane, &control_plane.kubeconfig(), namespace)?;
    let tests = Tests::new(client.clone(), namespace);
    untyped
        .create(
            &PostParams::default(),
            &serde_json::from_value(locust_test("good", 1))?,
        )
        .await?;
    let events: Api<Event> = Api::namespaced(client.clone(), namespace);
    let note = until("an event about the poisoned test", async || {
        let events = events.list(&Default::default()).await?.items;
        let about = events
            .into_iter()
            .find(|event| event.reason.as_deref() == Some("Undecodable"));
        Ok(about.and_then(|event| event.note))
    })
    .await?;
    assert!(note.contains("Unknown variant Sometimes"), "{note}");
    let phase = until("the good test to have a phase", async || {
        let good = tests.api.get("good").await?;
        Ok(good.status.and_then(|status| status.phase))
    });
    assert_eq!(phase.await?, Phase::Pending);
    Ok(())
}

/// Ours, with a pull policy more.
fn newer_crd() -> Result<Value> {
    let mut crd = locust_api::crd::manifest();
    let policies =
        "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/imagePullPolicy/enum";
    crd.pointer_mut(policies)
        .and_then(Value::as_array_mut)
        .context("the pull policies")?
        .push(Value::from("Sometimes"));
    Ok(crd)
}
