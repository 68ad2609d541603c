//! The operator is killed at every point of a start, and started again. However
//! that goes, the master is started at most once.
//!
//! The start of a test is nine writes, events included. Each is interrupted
//! before the API server has seen it, after it was applied but before the
//! operator knows, and right after the answer.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, ResourceExt};
use locust_api::latest::{LocustTest, Phase};
use locust_core::observed::recorded_run;
use serde_json::{Value, json};
use testkit::proxy::{FaultProxy, Moment};

use crate::node::World;
use crate::operator::Operator;
use crate::tests_of::{condition, phase, until};

/// How many writes the start of a test takes.
const WRITES: usize = 9;
/// How many plans run at a time.
const AT_A_TIME: usize = 6;

/// What happens while the operator is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meanwhile {
    Nothing,
    JobsDeleted,
    JobsDeletedAndStatusErased,
}

#[tokio::test]
async fn a_crash_at_any_point_of_a_start_leads_to_one_run() -> Result<()> {
    every_crash(Meanwhile::Nothing).await
}

#[tokio::test]
async fn jobs_deleted_after_a_crash_are_made_again_only_if_the_run_had_not_begun() -> Result<()> {
    every_crash(Meanwhile::JobsDeleted).await
}

#[tokio::test]
async fn an_erased_status_does_not_bring_a_second_run() -> Result<()> {
    every_crash(Meanwhile::JobsDeletedAndStatusErased).await
}

async fn every_crash(meanwhile: Meanwhile) -> Result<()> {
    let moments = [
        Moment::BeforeRequest,
        Moment::BeforeAnswer,
        Moment::AfterAnswer,
    ];
    let plans: Vec<(usize, Moment)> = (1..=WRITES)
        .flat_map(|write| moments.map(|moment| (write, moment)))
        .collect();
    let count = plans.len();
    let runs = stream::iter(plans).map(|(write, moment)| async move {
        crash(write, moment, meanwhile)
            .await
            .with_context(|| format!("killed at write {write}, {moment:?}, then {meanwhile:?}"))
    });
    let () = runs.buffer_unordered(AT_A_TIME).try_collect().await?;
    println!("{count} crashes, {meanwhile:?}");
    Ok(())
}

/// One crash: kills the operator at a moment of its nth write, starts another,
/// and waits for the end.
async fn crash(write: usize, moment: Moment, meanwhile: Meanwhile) -> Result<()> {
    let world = World::new("crash", 0).await?;
    let namespace = world.namespace.name();
    let kubeconfig = world
        .node
        .user_kubeconfig("crashing", Some("system:masters"))?;
    let proxy = FaultProxy::start(&world.node, &kubeconfig).await?;
    let mut held = proxy.hold(write, moment, |_| true);
    let started = watch_started_masters(&world);
    let mut operator = Operator::start(&world.node, proxy.kubeconfig(), namespace)?;
    world.tests.create(stub_test()).await?;
    held.reached().await?;
    operator.kill()?;
    held.forward().await;

    if meanwhile != Meanwhile::Nothing {
        let_released_master_start(&world, &started).await?;
        delete_jobs(&world).await?;
    }
    if meanwhile == Meanwhile::JobsDeletedAndStatusErased {
        let erase = Patch::Merge(json!({ "status": null }));
        let params = PatchParams::default();
        world
            .tests
            .api
            .patch_status("crash", &params, &erase)
            .await?;
    }
    let begun = recorded_run(&world.tests.api.get("crash").await?).is_some();
    let _second = Operator::start(&world.node, &kubeconfig, namespace)?;
    let ended = world
        .tests
        .wait_for("crash", &[Phase::Succeeded, Phase::Failed])
        .await?;
    let count = started.lock().map_or(0, |pods| pods.len());
    judge(&ended, count, begun && meanwhile != Meanwhile::Nothing)
}

/// `lost`: the run had begun when its Jobs were deleted.
fn judge(ended: &LocustTest, masters: usize, lost: bool) -> Result<()> {
    let words = condition(ended, "TestCompleted");
    if lost {
        ensure!(masters <= 1, "{masters} masters were started");
        ensure!(phase(ended) == Some(Phase::Failed), "{words}");
        ensure!(words.starts_with("True/ResultUnknown"), "{words}");
    } else {
        ensure!(masters == 1, "{masters} masters were started");
        ensure!(phase(ended) == Some(Phase::Succeeded), "{words}");
    }
    Ok(())
}

/// UIDs of all master pods whose Locust container was ever started.
fn watch_started_masters(world: &World) -> Arc<Mutex<BTreeSet<String>>> {
    let started = Arc::new(Mutex::new(BTreeSet::new()));
    let api: Api<Pod> = Api::namespaced(world.client.clone(), world.namespace.name());
    let config = watcher::Config::default().labels("performance-test-pod-name=crash-master");
    let seen = started.clone();
    tokio::spawn(async move {
        let mut pods = watcher(api, config)
            .default_backoff()
            .touched_objects()
            .boxed();
        while let Some(pod) = pods.next().await {
            if let (Some(pod), Ok(mut seen)) = (pod.ok().filter(has_started), seen.lock()) {
                seen.insert(pod.uid().unwrap_or_default());
            }
        }
    });
    started
}

/// A second run needs a first: a master that was released gets the time to
/// start before its Job is deleted.
async fn let_released_master_start(world: &World, started: &Mutex<BTreeSet<String>>) -> Result<()> {
    let jobs: Api<Job> = Api::namespaced(world.client.clone(), world.namespace.name());
    let master = jobs.get_opt("crash-master").await?;
    let suspended = master.map(|job| job.spec.and_then(|spec| spec.suspend) == Some(true));
    if suspended != Some(false) {
        return Ok(());
    }
    until("the released master to start", async || {
        Ok(started
            .lock()
            .is_ok_and(|pods| !pods.is_empty())
            .then_some(()))
    })
    .await
}

fn has_started(pod: &Pod) -> bool {
    let statuses = pod
        .status
        .iter()
        .flat_map(|status| status.container_statuses.iter().flatten());
    statuses
        .filter_map(|status| status.state.as_ref())
        .any(|state| state.running.is_some() || state.terminated.is_some())
}

async fn delete_jobs(world: &World) -> Result<()> {
    let jobs: Api<Job> = Api::namespaced(world.client.clone(), world.namespace.name());
    jobs.delete_collection(&DeleteParams::background(), &Default::default())
        .await?;
    until("the Jobs to be gone", async || {
        Ok(jobs
            .list(&Default::default())
            .await?
            .items
            .is_empty()
            .then_some(()))
    })
    .await
}

fn stub_test() -> Value {
    json!({
        "apiVersion": "locust.io/v2",
        "kind": "LocustTest",
        "metadata": { "name": "crash" },
        "spec": {
            "image": "testkit/stub-locust:1",
            "master": { "command": "" },
            "worker": { "command": "", "replicas": 1 },
            "env": { "variables": [{ "name": "STUB_RUN_SECONDS", "value": "1" }] },
        },
    })
}
