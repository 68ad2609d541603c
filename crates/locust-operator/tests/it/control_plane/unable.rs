//! Jobs that cannot make pods, for longer than anybody wants to watch: a test
//! waits, says so, and writes next to nothing.

use std::time::Duration;

use anyhow::Result;
use futures::future::try_join_all;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Namespace, ResourceQuota};
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use locust_api::latest::Phase;
use serde_json::json;

use super::World;
use crate::operator::Operator;
use crate::tests_of::{Tests, condition, locust_test, phase, until};

const WATCHED: Duration = Duration::from_secs(60);
/// The first status, and the one that says what is waited for.
const MOST_WRITES: usize = 2;

#[derive(Clone, Copy, Debug)]
enum Unable {
    Quota,
    PodSecurity,
    Suspended,
}

#[tokio::test]
async fn a_test_whose_jobs_get_no_pods_writes_its_status_twice_a_minute_at_most() -> Result<()> {
    let causes = [Unable::Quota, Unable::PodSecurity, Unable::Suspended];
    try_join_all(causes.map(watch)).await?;
    Ok(())
}

async fn watch(cause: Unable) -> Result<()> {
    let world = World::new("unable").await?;
    let namespace = world.namespace.name();
    let tests = Tests::new(world.client.clone(), namespace);
    prepare(cause, &world).await?;
    let _operator = Operator::start(&world.control_plane, &world.kubeconfig(), namespace)?;
    tests.create(locust_test("unable", 2)).await?;
    if matches!(cause, Unable::Suspended) {
        suspend(&world, &tests).await?;
    }
    tokio::time::sleep(WATCHED).await;

    let test = tests.api.get("unable").await?;
    assert_eq!(phase(&test), Some(Phase::Pending), "{cause:?}");
    let words = condition(&test, "PodsHealthy");
    println!("{cause:?}: {words}");
    let writes = status_writes(&world)?;
    assert!(writes <= MOST_WRITES, "{cause:?}: {writes} status writes");
    if matches!(cause, Unable::Suspended) {
        assert_eq!(
            words,
            "True/PodsStarting: Waiting for pods to be created: Job unable-master is suspended by somebody else"
        );
    }
    Ok(())
}

async fn prepare(cause: Unable, world: &World) -> Result<()> {
    let (client, namespace) = (&world.client, world.namespace.name());
    match cause {
        Unable::Quota => {
            let quotas: Api<ResourceQuota> = Api::namespaced(client.clone(), namespace);
            let quota = serde_json::from_value(json!({
                "metadata": { "name": "no-pods" },
                "spec": { "hard": { "pods": "0" } },
            }))?;
            quotas.create(&PostParams::default(), &quota).await?;
            until("the quota to be in force", async || {
                let quota = quotas.get("no-pods").await?;
                Ok(quota.status.and_then(|status| status.used).map(drop))
            })
            .await
        }
        Unable::PodSecurity => {
            let labels = json!({ "pod-security.kubernetes.io/enforce": "restricted" });
            let patch = Patch::Merge(json!({ "metadata": { "labels": labels } }));
            Api::<Namespace>::all(client.clone())
                .patch(namespace, &PatchParams::default(), &patch)
                .await?;
            Ok(())
        }
        Unable::Suspended => Ok(()),
    }
}

/// As a queueing system would, right after the release.
async fn suspend(world: &World, tests: &Tests) -> Result<()> {
    tests.wait_for("unable", &[Phase::Pending]).await?;
    let patch = Patch::Merge(json!({ "spec": { "suspend": true } }));
    Api::<Job>::namespaced(world.client.clone(), world.namespace.name())
        .patch("unable-master", &PatchParams::default(), &patch)
        .await?;
    Ok(())
}

fn status_writes(world: &World) -> Result<usize> {
    let log = world.control_plane.audit_log()?;
    let writes = log.iter().filter(|entry| {
        entry.namespace == world.namespace.name()
            && entry.resource == "locusttests"
            && entry.subresource == "status"
    });
    Ok(writes.count())
}
