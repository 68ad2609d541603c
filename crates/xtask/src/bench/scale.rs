//! Many tests at once: what the operator needs to remember them, and how soon
//! it is at work again after a restart.
//!
//! One test is lived for real, as far as that goes without a node; the others
//! are copies of it. The controller manager is killed before that: it would
//! collect ten thousand pods as garbage.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use testkit::AuditEvent;
use tokio::runtime::Runtime;

use super::operator::{Bench, Life, USER, count, locust_test};
use super::table::Figure;

/// Name of the test that is copied.
const SEED: &str = "seed-00000";
const RUNNING: usize = 1_000;
const FINISHED: usize = 10_000;
/// After this long without work, memory is what it is at rest.
const REST: Duration = Duration::from_secs(10);

/// All figures of this module.
pub(super) fn measure() -> Result<Vec<Figure>> {
    let runtime = Runtime::new().context("starting the runtime of the control plane")?;
    runtime.block_on(async {
        let mut figures = running().await?;
        figures.extend(finished().await?);
        Ok(figures)
    })
}

async fn running() -> Result<Vec<Figure>> {
    let bench = Bench::start().await?;
    let life = original(&bench, &locust_test(SEED, 1)).await?;
    let operator = bench.operator().await?;
    life.run(1).await?;
    bench.control_plane.kill("kube-controller-manager")?;
    copy(&life, RUNNING).await?;
    let live = operator.resident_megabytes()?;
    drop(operator);
    let restarted = bench.operator().await?;
    tokio::time::sleep(REST).await;
    let figure = |what, value, upstream, how| Figure {
        what,
        value,
        unit: "MB",
        limit: Some(32.0),
        upstream,
        how,
    };
    Ok(vec![
        figure(
            "memory, 1,000 tests running",
            live,
            "160 MiB",
            "RSS, 10 s after the last of them came",
        ),
        figure(
            "memory, restarted onto them",
            restarted.resident_megabytes()?,
            "169 MiB",
            "RSS, 10 s after it was ready",
        ),
    ])
}

async fn finished() -> Result<Vec<Figure>> {
    let bench = Bench::start().await?;
    let life = original(&bench, &locust_test(SEED, 1)).await?;
    let operator = bench.operator().await?;
    life.run(1).await?;
    life.succeed(1).await?;
    drop(operator);
    bench.control_plane.kill("kube-controller-manager")?;
    copy(&life, FINISHED).await?;
    let writes_before = bench.control_plane.audit_log()?.len();
    let reads_before = bench.control_plane.audited_reads()?.len();

    let began = Instant::now();
    let operator = bench.operator().await?;
    let ready = began.elapsed().as_secs_f64();
    life.create_object(&locust_test("next", 1)).await?;
    let next = Life {
        name: "next".to_owned(),
        ..life
    };
    next.phase("Pending").await?;
    let next_begun = began.elapsed().as_secs_f64();
    tokio::time::sleep(REST).await;
    let log = bench.control_plane.audit_log()?;
    let writes = about_others(log.get(writes_before..).unwrap_or_default());
    let log = bench.control_plane.audited_reads()?;
    let reads = about_others(log.get(reads_before..).unwrap_or_default());
    Ok(vec![
        Figure::new(
            "memory, restarted onto 10,000 finished tests",
            operator.resident_megabytes()?,
            "MB",
            Some(96.0),
            "1,312 MiB",
            "RSS, 10 s after a new test was begun; with their 20,000 Jobs, 20,000 pods, 10,000 Services",
        ),
        Figure::new(
            "the most of it ever",
            operator.peak_megabytes()?,
            "MB",
            None,
            "",
            "the peak of the RSS",
        ),
        Figure::new(
            "process start to ready with them",
            ready,
            "s",
            Some(10.0),
            "9.9 s",
            "until /readyz answers 200, which is after the last page of the lists",
        ),
        Figure::new(
            "and to a new test begun",
            next_begun,
            "s",
            None,
            "",
            "it was created when the operator was ready, and is looked at after all others",
        ),
        Figure::new(
            "writes about finished tests",
            count(writes)?,
            "",
            Some(0.0),
            "",
            "audit log of the API server, until 10 s after that",
        ),
        Figure::new(
            "reads of single objects about them",
            count(reads)?,
            "",
            Some(0.0),
            "",
            "the same",
        ),
    ])
}

/// The test that is copied. Its Service is created by hand: it has no address,
/// because an address is one Service's.
pub(super) async fn original<'a>(bench: &'a Bench, test: &Value) -> Result<Life<'a>> {
    let life = Life {
        bench,
        namespace: bench.control_plane.namespace("scale").await?,
        name: SEED.to_owned(),
    };
    life.create_object(test).await?;
    let get = [
        "get",
        "locusttest",
        &life.name,
        "-o",
        "jsonpath={.metadata.uid}",
    ];
    let uid = life.kubectl(&get).await?;
    life.create_object(&json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": format!("{}-master", life.name),
            "labels": {"managed-by": "locust-k8s-operator"},
            "ownerReferences": [{
                "apiVersion": "locust.io/v2",
                "kind": "LocustTest",
                "name": life.name,
                "uid": uid,
                "controller": true,
                "blockOwnerDeletion": true,
            }],
        },
        "spec": {
            "clusterIP": "None",
            "ports": [
                {"name": "port5557", "port": 5557},
                {"name": "port5558", "port": 5558},
                {"name": "prometheus-metrics", "port": 9646},
                {"name": "web", "port": 8089},
            ],
        },
    }))
    .await?;
    Ok(life)
}

/// Makes so many tests of the original.
pub(super) async fn copy(life: &Life<'_>, tests: usize) -> Result<()> {
    let (control_plane, namespace) = (&life.bench.control_plane, life.namespace.name());
    control_plane
        .copy_tests(namespace, "seed", tests - 1)
        .await?;
    let last = format!("seed-{:05}", tests - 1);
    let shown = life
        .kubectl(&["get", "locusttest", &last, "-o", "name"])
        .await?;
    ensure!(shown.contains(&last), "{last} was not copied");
    // The API server still takes in what was put into its store, and a list
    // waits for that.
    tokio::time::sleep(REST).await;
    Ok(())
}

/// How many of the operator's requests are about single tests that were there
/// before.
fn about_others(log: &[AuditEvent]) -> usize {
    log.iter()
        .filter(|one| one.user == USER)
        .filter(|one| matches!(one.verb.as_str(), "get" | "create" | "patch" | "delete"))
        .filter(|one| !one.name.starts_with("next"))
        .count()
}
