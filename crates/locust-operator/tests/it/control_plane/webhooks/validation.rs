//! The validating webhook, through the API server.

use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use kube::api::{DeleteParams, Patch, PatchParams};

use super::*;
use crate::tests_of::locust_test;

const PORT: u16 = 9443;
const CONFIGURATION: &str = "validating";

/// As it is installed, but for where it points.
fn configuration() -> Value {
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": CONFIGURATION},
        "webhooks": [{
            "name": "vlocusttest-v2.kb.io",
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "failurePolicy": "Fail",
            "matchPolicy": "Equivalent",
            "clientConfig": {"url": format!("https://{FRONT}/validate-locust-io-v2-locusttest")},
            "rules": [{
                "apiGroups": ["locust.io"],
                "apiVersions": ["v2"],
                "operations": ["CREATE", "UPDATE"],
                "resources": ["locusttests"],
            }],
        }],
    })
}

fn said<T>(result: kube::Result<T>) -> String {
    match result {
        Ok(_) => "admitted".to_owned(),
        Err(kube::Error::Api(status)) => status.message.clone(),
        Err(error) => error.to_string(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_versions_are_judged_and_statuses_and_deletions_need_nobody() -> Result<()> {
    let flags = [
        "--enable-webhooks",
        "--webhook-configuration",
        CONFIGURATION,
    ];
    let mut world = World::start(&[PORT], &flags).await?;
    world.create_by_v1("before").await?;
    let configurations: Api<ValidatingWebhookConfiguration> = Api::all(world.client.clone());
    let validating = serde_json::from_value(configuration())?;
    configurations
        .create(&PostParams::default(), &validating)
        .await?;
    let (v1, v2) = (world.of_version("v1"), world.of_version("v2"));
    let params = PostParams::default();
    let bad = "the quote ' at character 1 is not closed";
    let mut by_v2 = locust_test("bad", 2);
    by_v2["spec"]["master"]["command"] = "'".into();
    let by_v2: DynamicObject = serde_json::from_value(by_v2)?;
    let mut by_v1 = v1_test("bad");
    by_v1["spec"]["masterCommandSeed"] = "'".into();
    let by_v1: DynamicObject = serde_json::from_value(by_v1)?;
    until("the configuration to be in force", async || {
        let message = said(v2.create(&params, &by_v2).await);
        Ok(message.contains(bad).then_some(()))
    })
    .await?;
    let message = said(v1.create(&params, &by_v1).await);
    ensure!(message.contains(bad), "D4: {message}");
    ensure!(
        message.contains("\"vlocusttest-v2.kb.io\" denied the request"),
        "{message}"
    );
    // Good ones pass, in both versions, and are updated in both.
    v1.create(&params, &serde_json::from_value(v1_test("good"))?)
        .await?;
    let edit = |command: &str| json!({"spec": {"masterCommandSeed": command}});
    let edited = |edit: Value| {
        let v1 = v1.clone();
        async move {
            said(
                v1.patch("good", &PatchParams::default(), &Patch::Merge(edit))
                    .await,
            )
        }
    };
    assert_eq!(edited(edit("-f b.py")).await, "admitted");
    let message = edited(edit("'")).await;
    ensure!(message.contains(bad), "{message}");

    // Nobody answers: writes of a spec fail, and nothing else does.
    world.operators.clear();
    let mut other = locust_test("other", 2);
    other["spec"]["master"]["command"] = "-f c.py".into();
    let message = said(v2.create(&params, &serde_json::from_value(other)?).await);
    ensure!(message.contains("failed calling webhook"), "{message}");
    let status = json!({"status": {"phase": "Pending"}});
    let patch = Patch::Merge(&status);
    v2.patch_status("good", &PatchParams::default(), &patch)
        .await
        .context("a status")?;
    v2.delete("good", &DeleteParams::default())
        .await
        .context("a deletion")?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn v1_fails_clearly_while_nobody_converts_and_v2_goes_on() -> Result<()> {
    let mut world = World::start(&[PORT], &[]).await?;
    world.create_by_v1("a").await?;
    world.operators.clear();
    let message = said(world.of_version("v1").get("a").await);
    ensure!(
        message.contains("conversion webhook for locust.io/v2, Kind=LocustTest failed"),
        "{message}"
    );
    world.of_version("v2").get("a").await.context("v2")?;
    Ok(())
}
