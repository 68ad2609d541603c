//! The operator is killed at every point of a start, and started again. However
//! that goes, the master is started at most once.
//!
//! The start of a test is nine writes, events included. Each is interrupted
//! before the API server has seen it, after it was applied but before the
//! operator knows, and right after the answer. `CRASHES` sets how many of these
//! points are tried in each series; `cargo xtask test long` tries all.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result, ensure};
use futures::StreamExt;
use futures::future::try_join_all;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, ResourceExt};
use locust_api::latest::{LocustTest, Phase};
use locust_core::observed::recorded_run;
use serde_json::{Value, json};
use testkit::proxy::{FaultProxy, Moment};
use tokio_util::task::AbortOnDropHandle;

use crate::node::World;
use crate::operator::Operator;
use crate::tests_of::{condition, number, phase, until};

/// How many writes the start of a test takes.
const WRITES: usize = 9;
/// How many points are tried: each write once, each series at other moments.
const CRASHES: usize = WRITES;
/// How many crash at a time.
const LANES: usize = 6;

/// What happens while the operator is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meanwhile {
    Nothing,
    JobsDeleted,
    JobsDeletedAndStatusErased,
}

impl Meanwhile {
    /// Of which moment a short series makes use first: together they are at
    /// each moment of each write.
    fn first_moment(self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::JobsDeleted => 1,
            Self::JobsDeletedAndStatusErased => 2,
        }
    }
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

/// One point of a start.
#[derive(Clone, Copy, Debug)]
struct Point {
    /// Which write, counted from 1.
    write: usize,
    moment: Moment,
}

impl Point {
    /// The name of the test that is interrupted there.
    fn test(self) -> String {
        let moment = match self.moment {
            Moment::BeforeRequest => "request",
            Moment::BeforeAnswer => "answer",
            Moment::AfterAnswer => "end",
        };
        format!("crash-{}-{moment}", self.write)
    }
}

async fn every_crash(meanwhile: Meanwhile) -> Result<()> {
    let moments = [
        Moment::BeforeRequest,
        Moment::BeforeAnswer,
        Moment::AfterAnswer,
    ];
    let count = number("CRASHES", CRASHES);
    let rounds = (0..moments.len()).flat_map(|round| (1..=WRITES).map(move |write| (round, write)));
    let points = rounds.map(|(round, write)| Point {
        write,
        moment: moments[(round + write + meanwhile.first_moment()) % moments.len()],
    });
    let points: Vec<Point> = points.take(count).collect();
    let lanes = (0..LANES).map(|lane| points.iter().copied().skip(lane).step_by(LANES));
    let lanes = lanes.map(|points| crash_one_after_another(points, meanwhile));
    try_join_all(lanes).await?;
    println!("{} crashes, {meanwhile:?}", points.len());
    Ok(())
}

/// In one namespace: to delete one costs the API server more than a test does.
async fn crash_one_after_another(
    points: impl Iterator<Item = Point>,
    meanwhile: Meanwhile,
) -> Result<()> {
    let world = World::new("crash", 0).await?;
    for point in points {
        crash(&world, point, meanwhile)
            .await
            .with_context(|| format!("killed at {point:?}, then {meanwhile:?}"))?;
    }
    Ok(())
}

/// One crash: kills the operator at a moment of its nth write, starts another,
/// and waits for the end.
async fn crash(world: &World, point: Point, meanwhile: Meanwhile) -> Result<()> {
    let namespace = world.namespace.name();
    let kubeconfig = world
        .node
        .user_kubeconfig("crashing", Some("system:masters"))?;
    let proxy = FaultProxy::start(&world.node, &kubeconfig).await?;
    let mut held = proxy.hold(point.write, point.moment, |_| true);
    let name = point.test();
    let started = watch_started_masters(world, &name);
    let mut operator = Operator::start(&world.node, proxy.kubeconfig(), namespace)?;
    world.tests.create(stub_test(&name)).await?;
    held.reached().await?;
    operator.kill()?;
    held.forward().await;

    if meanwhile != Meanwhile::Nothing {
        let_released_master_start(world, &name, &started.pods).await?;
        delete_jobs(world, &name).await?;
    }
    if meanwhile == Meanwhile::JobsDeletedAndStatusErased {
        let erase = Patch::Merge(json!({ "status": null }));
        let params = PatchParams::default();
        world.tests.api.patch_status(&name, &params, &erase).await?;
    }
    let begun = recorded_run(&world.tests.api.get(&name).await?).is_some();
    let _second = Operator::start(&world.node, &kubeconfig, namespace)?;
    let ended = world
        .tests
        .wait_for(&name, &[Phase::Succeeded, Phase::Failed])
        .await?;
    let count = started.pods.lock().map_or(0, |pods| pods.len());
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

/// The masters of a test, for as long as somebody wants to know.
struct Started {
    /// UIDs of all master pods whose Locust container was ever started.
    pods: Arc<Mutex<BTreeSet<String>>>,
    _watch: AbortOnDropHandle<()>,
}

fn watch_started_masters(world: &World, test: &str) -> Started {
    let pods = Arc::new(Mutex::new(BTreeSet::new()));
    let api: Api<Pod> = Api::namespaced(world.client.clone(), world.namespace.name());
    let label = format!("performance-test-pod-name={test}-master");
    let config = watcher::Config::default().labels(&label);
    let seen = pods.clone();
    let watch = tokio::spawn(async move {
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
    Started {
        pods,
        _watch: AbortOnDropHandle::new(watch),
    }
}

/// A second run needs a first: a master that was released gets the time to
/// start before its Job is deleted.
async fn let_released_master_start(
    world: &World,
    test: &str,
    started: &Mutex<BTreeSet<String>>,
) -> Result<()> {
    let jobs: Api<Job> = Api::namespaced(world.client.clone(), world.namespace.name());
    let master = jobs.get_opt(&format!("{test}-master")).await?;
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

/// Those that there are: the crash may have come before the first.
async fn delete_jobs(world: &World, test: &str) -> Result<()> {
    let jobs: Api<Job> = Api::namespaced(world.client.clone(), world.namespace.name());
    for role in ["master", "worker"] {
        let job = format!("{test}-{role}");
        if jobs.get_opt(&job).await?.is_some() {
            jobs.delete(&job, &DeleteParams::background()).await?;
        }
        until("the Job to be gone", async || {
            Ok(jobs.get_opt(&job).await?.is_none().then_some(()))
        })
        .await?;
    }
    Ok(())
}

fn stub_test(name: &str) -> Value {
    json!({
        "apiVersion": "locust.io/v2",
        "kind": "LocustTest",
        "metadata": { "name": name },
        "spec": {
            "image": "testkit/stub-locust:1",
            "master": { "command": "" },
            "worker": { "command": "", "replicas": 1 },
            "env": { "variables": [{ "name": "STUB_RUN_SECONDS", "value": "1" }] },
        },
    })
}
