//! What stands in the way of a test: other people's objects, deleted tests of
//! the same name, quotas, crashes.

use anyhow::Result;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ResourceQuota, Service};
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt};
use locust_api::latest::Phase;
use serde_json::json;

use super::World;
use crate::operator::Operator;
use crate::pods;
use crate::tests_of::{Tests, condition, locust_test, until};

#[tokio::test]
async fn somebody_elses_service_is_a_conflict_until_it_is_gone() -> Result<()> {
    let world = World::new("squatter").await?;
    let (client, namespace) = (&world.client, world.namespace.name());
    let services: Api<Service> = Api::namespaced(client.clone(), namespace);
    let squatter: Service = serde_json::from_value(json!({
        "metadata": { "name": "mine-master" },
        "spec": { "ports": [{ "port": 80 }] },
    }))?;
    let before = services.create(&PostParams::default(), &squatter).await?;
    let tests = Tests::new(client.clone(), namespace);
    let _operator = Operator::start(&world.control_plane, &world.kubeconfig(), namespace)?;
    tests.create(locust_test("mine", 1)).await?;
    let refused = tests
        .wait_until("mine", "a conflict", |test| {
            condition(test, "Ready").contains("NameConflict")
        })
        .await?;
    assert_eq!(
        condition(&refused, "Ready"),
        "False/NameConflict: Service mine-master exists and belongs to nobody (it has no controller): delete it or give the LocustTest another name"
    );
    let jobs: Api<Job> = Api::namespaced(client.clone(), namespace);
    assert_eq!(jobs.list(&Default::default()).await?.items.len(), 0);
    let after = services.get("mine-master").await?;
    assert_eq!(before.resource_version(), after.resource_version());
    Ok(())
}

#[tokio::test]
async fn a_refused_job_is_told_with_the_servers_words_and_tried_again() -> Result<()> {
    let world = World::new("quota").await?;
    let (client, namespace) = (&world.client, world.namespace.name());
    let quotas: Api<ResourceQuota> = Api::namespaced(client.clone(), namespace);
    let quota: ResourceQuota = serde_json::from_value(json!({
        "metadata": { "name": "no-jobs" },
        "spec": { "hard": { "count/jobs.batch": "0" } },
    }))?;
    quotas.create(&PostParams::default(), &quota).await?;
    until("the quota to be in force", async || {
        let quota = quotas.get("no-jobs").await?;
        Ok(quota.status.and_then(|status| status.used).map(drop))
    })
    .await?;
    let tests = Tests::new(client.clone(), namespace);
    let _operator = Operator::start(&world.control_plane, &world.kubeconfig(), namespace)?;
    tests.create(locust_test("poor", 1)).await?;
    let refused = tests
        .wait_until("poor", "a refusal", |test| {
            condition(test, "Ready").contains("Refused")
        })
        .await?;
    let words = condition(&refused, "Ready");
    assert!(words.contains("Job poor-master was refused:"), "{words}");
    assert!(words.contains("exceeded quota: no-jobs"), "{words}");
    Ok(())
}

#[tokio::test]
async fn a_test_created_again_under_its_name_is_run_by_its_own_jobs() -> Result<()> {
    let world = World::new("again").await?;
    let (client, namespace) = (&world.client, world.namespace.name());
    let tests = Tests::new(client.clone(), namespace);
    let _operator = Operator::start(&world.control_plane, &world.kubeconfig(), namespace)?;
    tests.create(locust_test("again", 1)).await?;
    pods::put(client, namespace, "again-master", 1, "Succeeded").await?;
    tests.wait_for("again", &[Phase::Succeeded]).await?;

    tests.api.delete("again", &DeleteParams::default()).await?;
    let second = until("the name to be free", async || {
        match tests.create(locust_test("again", 1)).await {
            Ok(test) => Ok(Some(test)),
            Err(_) => Ok(None),
        }
    })
    .await?;
    let pending = tests
        .wait_until("again", "a run", |test| {
            test.status
                .as_ref()
                .is_some_and(|status| status.run.is_some())
        })
        .await?;
    assert_eq!(pending.uid(), second.uid());
    let job = Api::<Job>::namespaced(client.clone(), namespace)
        .get("again-master")
        .await?;
    let owner = job
        .owner_references()
        .first()
        .map(|owner| owner.uid.clone());
    assert_eq!(owner, second.uid());
    Ok(())
}

#[tokio::test]
async fn a_finished_test_is_not_run_again_whatever_is_deleted() -> Result<()> {
    let world = World::new("once").await?;
    let (client, namespace) = (&world.client, world.namespace.name());
    let tests = Tests::new(client.clone(), namespace);
    let mut operator = Operator::start(&world.control_plane, &world.kubeconfig(), namespace)?;
    tests.create(locust_test("once", 1)).await?;
    pods::put(client, namespace, "once-worker", 1, "Running").await?;
    pods::put(client, namespace, "once-master", 1, "Running").await?;
    tests.wait_for("once", &[Phase::Running]).await?;

    operator.kill()?;
    let jobs: Api<Job> = Api::namespaced(client.clone(), namespace);
    for name in ["once-master", "once-worker"] {
        jobs.delete(name, &DeleteParams::background()).await?;
    }
    let erase = Patch::Merge(json!({ "status": null }));
    tests
        .api
        .patch_status("once", &PatchParams::default(), &erase)
        .await?;
    let _operator = Operator::start(&world.control_plane, &world.kubeconfig(), namespace)?;
    let failed = tests.wait_for("once", &[Phase::Failed]).await?;
    let words = condition(&failed, "TestCompleted");
    assert!(
        words.starts_with("True/ResultUnknown: Test failed: Job once-master (run "),
        "{words}"
    );
    assert_eq!(jobs.list(&Default::default()).await?.items.len(), 0);
    Ok(())
}
