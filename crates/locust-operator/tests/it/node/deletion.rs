//! A running test is deleted: its load ends, with an operator or without.

use std::time::Duration;

use anyhow::{Result, ensure};
use k8s_openapi::api::core::v1::Service;
use kube::Api;
use kube::api::DeleteParams;
use locust_api::latest::Phase;
use serde_json::Value;

use super::target::Target;
use super::{World, names};
use crate::tests_of::{load_test, locustfile, until};

#[tokio::test]
async fn deleting_a_running_test_ends_its_load() -> Result<()> {
    let world = World::new("deleted", 1).await?;
    load_ends_after_deletion(&world, async || Ok(())).await
}

/// Runs a test, deletes it, and looks whether the target is left in peace.
pub(super) async fn load_ends_after_deletion(
    world: &World,
    before_deletion: impl AsyncFnOnce() -> Result<()>,
) -> Result<()> {
    wait_for_garbage_collector(world).await?;
    let target = Target::start(world, &[]).await?;
    world.locustfile("deleted", &locustfile(&["/"])).await?;
    world.tests.create(load_test("deleted", 2, 300)).await?;
    world.tests.wait_for("deleted", &[Phase::Running]).await?;
    until("load at the target", async || {
        Ok((target.counts(world).await?.answered > 20).then_some(()))
    })
    .await?;
    before_deletion().await?;
    world
        .tests
        .api
        .delete("deleted", &DeleteParams::default())
        .await?;

    tokio::time::sleep(Duration::from_secs(10)).await;
    let ten_seconds_later = target.counts(world).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let later = target.counts(world).await?;
    ensure!(
        later.answered <= ten_seconds_later.answered,
        "the target is still loaded by {:?}: {ten_seconds_later:?}, then {later:?}",
        names(&world.running_pods().await?)
    );
    until("all pods of the test to be gone", async || {
        Ok(world.running_pods().await?.is_empty().then_some(()))
    })
    .await
}

/// Kubernetes' garbage collector learns of a new kind within half a minute of
/// its CRD. Until then nothing that a LocustTest owns goes with it.
async fn wait_for_garbage_collector(world: &World) -> Result<()> {
    let services: Api<Service> = Api::namespaced(world.client.clone(), world.namespace.name());
    let mut probe = load_test("probe", 1, 1);
    if let Some(image) = probe.pointer_mut("/spec/image") {
        *image = Value::from("nowhere.invalid/none:1");
    }
    world.tests.create(probe).await?;
    until("the probe's Service", async || {
        services.get_opt("probe-master").await.map_err(Into::into)
    })
    .await?;
    world
        .tests
        .api
        .delete("probe", &DeleteParams::default())
        .await?;
    until(
        "the garbage collector to remove the probe's Service",
        async || {
            Ok(services
                .get_opt("probe-master")
                .await?
                .is_none()
                .then_some(()))
        },
    )
    .await
}
