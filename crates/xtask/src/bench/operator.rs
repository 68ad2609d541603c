//! The operator on a real control plane: how soon it is ready, what it needs
//! when nothing happens, and what it writes for a test.
//!
//! There is no node. The Job controller makes the pods, and this module says
//! of them what a kubelet would say.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use testkit::{ControlPlane, Namespace, control_plane, kube};
use tokio::runtime::Runtime;

use super::process::{Operator, until};
use super::table::{Figure, median};
use crate::{image, setup};

pub(super) const USER: &str = "bench-operator";
const PROBE: &str = "127.0.0.1:18081";
const STARTS: usize = 5;
/// After this long without work, memory is what it is at rest.
const REST: Duration = Duration::from_secs(5);
/// The tests whose writes are counted.
const FEW_WORKERS: usize = 1;
const MANY_WORKERS: usize = 20;

/// All figures of this module, on one control plane.
pub(super) fn measure() -> Result<Vec<Figure>> {
    let runtime = Runtime::new().context("starting the runtime of the control plane")?;
    runtime.block_on(async {
        let bench = Bench::start().await?;
        let mut figures = bench.starts().await?;
        figures.extend(bench.writes().await?);
        Ok(figures)
    })
}

/// A control plane with the CRD, and the operator's release binary.
pub(super) struct Bench {
    pub(super) control_plane: ControlPlane,
    pub(super) binary: PathBuf,
}

impl Bench {
    pub(super) async fn start() -> Result<Self> {
        setup::node_packages()?;
        kube::find_or_build()?;
        let bench = Self {
            binary: image::operator_binary()?,
            control_plane: ControlPlane::start(control_plane::Options::default()).await?,
        };
        bench.install_crd().await?;
        Ok(bench)
    }

    async fn install_crd(&self) -> Result<()> {
        let crd = serde_json::to_string(&locust_api::crd::manifest())?;
        let file = self.control_plane.dir().join("bench-crd.json");
        fs::write(&file, crd).with_context(|| format!("writing {}", file.display()))?;
        let file = file.to_string_lossy().into_owned();
        self.kubectl(&["apply", "--server-side", "-f", &file])
            .await?;
        until("the CRD to be served", async || {
            Ok(self.kubectl(&["get", "locusttests"]).await.is_ok())
        })
        .await
    }

    pub(super) async fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        self.control_plane.kubectl(arguments).await
    }

    /// Starts the operator several times; the last one is left to rest.
    async fn starts(&self) -> Result<Vec<Figure>> {
        let mut milliseconds = Vec::new();
        let mut memory = 0.0;
        for _ in 0..STARTS {
            let began = Instant::now();
            let operator = self.operator().await?;
            milliseconds.push(began.elapsed().as_secs_f64() * 1000.0);
            if milliseconds.len() == STARTS {
                tokio::time::sleep(REST).await;
                memory = operator.resident_megabytes()?;
            }
        }
        Ok(vec![
            Figure {
                what: "process start to ready",
                value: median(milliseconds).context("no start was measured")?,
                unit: "ms",
                limit: Some(100.0),
                upstream: "262 ms",
                how: "until /readyz answers 200, which is after the first lists; median of 5",
            },
            Figure {
                what: "idle memory",
                value: memory,
                unit: "MB",
                limit: Some(16.0),
                upstream: "47 MiB",
                how: "RSS of the release binary, 5 s after its start",
            },
        ])
    }

    /// Starts the operator and waits until it says that it is ready.
    pub(super) async fn operator(&self) -> Result<Operator> {
        let kubeconfig = self
            .control_plane
            .user_kubeconfig(USER, Some("system:masters"))?;
        let process = self
            .control_plane
            .network_command(&self.binary)
            .args(["run", "--health-probe-bind-address", PROBE, "--kubeconfig"])
            .arg(kubeconfig)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("starting the operator")?;
        let operator = Operator { process };
        let url = format!("http://{PROBE}/readyz");
        until("the operator to be ready", async || {
            let answer = self.control_plane.http_get(&url).await;
            Ok(answer.is_ok_and(|(status, _)| status.is_success()))
        })
        .await?;
        Ok(operator)
    }

    /// Plays the life of two tests of different sizes.
    async fn writes(&self) -> Result<Vec<Figure>> {
        let _operator = self.operator().await?;
        let (few, few_events) = self.life(FEW_WORKERS).await?;
        let (many, many_events) = self.life(MANY_WORKERS).await?;
        let figure = |what, value, limit, upstream| Figure {
            what,
            value,
            unit: "",
            limit: Some(limit),
            upstream,
            how: "audit log of the API server, from the creation of a test to Succeeded",
        };
        Ok(vec![
            figure("writes per test, 1 worker", few, 8.0, "36 with 5"),
            figure("writes per test, 20 workers", many, 8.0, "162 with 50"),
            figure(
                "events per test",
                few_events.max(many_events),
                6.0,
                "5 to 6, counted above",
            ),
        ])
    }

    /// One test from creation to its end: writes and events of the operator.
    async fn life(&self, workers: usize) -> Result<(f64, f64)> {
        let namespace = self.control_plane.namespace("bench").await?;
        let life = Life {
            bench: self,
            namespace,
            name: "bench".to_owned(),
        };
        life.create(workers).await?;
        life.run(workers).await?;
        life.succeed(workers).await?;
        // What is written after the verdict counts too.
        tokio::time::sleep(REST).await;
        let counted = life.count()?;
        life.namespace.finish().await?;
        Ok(counted)
    }
}

/// One test.
pub(super) struct Life<'a> {
    pub(super) bench: &'a Bench,
    pub(super) namespace: Namespace,
    pub(super) name: String,
}

impl Life<'_> {
    /// Lets its pods run.
    pub(super) async fn run(&self, workers: usize) -> Result<()> {
        self.pods("master", 1, "Running").await?;
        self.pods("worker", workers, "Running").await?;
        self.phase("Running").await
    }

    /// Lets its pods end well.
    pub(super) async fn succeed(&self, workers: usize) -> Result<()> {
        self.pods("worker", workers, "Succeeded").await?;
        self.pods("master", 1, "Succeeded").await?;
        self.phase("Succeeded").await
    }

    pub(super) async fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        let mut all = vec!["--namespace", self.namespace.name()];
        all.extend(arguments);
        self.bench.kubectl(&all).await
    }

    /// Creates the test.
    pub(super) async fn create(&self, workers: usize) -> Result<()> {
        self.create_object(&locust_test(&self.name, workers)).await
    }

    /// Creates an object in its namespace.
    pub(super) async fn create_object(&self, object: &Value) -> Result<()> {
        let file = self.bench.control_plane.dir().join("bench-object.json");
        fs::write(&file, object.to_string())
            .with_context(|| format!("writing {}", file.display()))?;
        self.kubectl(&["create", "-f", &file.to_string_lossy()])
            .await?;
        Ok(())
    }

    /// Waits for a Job's pods and puts each of them into a phase, one after
    /// the other, as they come in a cluster.
    async fn pods(&self, role: &str, count: usize, phase: &str) -> Result<()> {
        let job = format!("{}-{role}", self.name);
        let selector = format!("batch.kubernetes.io/job-name={job}");
        let list = ["get", "pods", "-o", "name", "-l", &selector];
        until(&format!("{count} pods of {job}"), async || {
            Ok(self.kubectl(&list).await?.lines().count() >= count)
        })
        .await?;
        let status = pod_status(&job, phase).to_string();
        for pod in self.kubectl(&list).await?.lines() {
            let patch = ["--subresource=status", "--type=merge", "--patch", &status];
            let mut arguments = vec!["patch", pod];
            arguments.extend(patch);
            self.kubectl(&arguments).await?;
        }
        Ok(())
    }

    pub(super) async fn phase(&self, phase: &str) -> Result<()> {
        let get = [
            "get",
            "locusttest",
            &self.name,
            "-o",
            "jsonpath={.status.phase}",
        ];
        until(&format!("the test to be {phase}"), async || {
            Ok(self.kubectl(&get).await? == phase)
        })
        .await
    }

    /// How often the operator wrote the status of a test of its namespace.
    pub(super) fn status_writes(&self) -> Result<f64> {
        let log = self.bench.control_plane.audit_log()?;
        let writes = log.iter().filter(|one| {
            one.user == USER
                && one.namespace == self.namespace.name()
                && (&*one.resource, &*one.subresource) == ("locusttests", "status")
        });
        count(writes.count())
    }

    fn count(&self) -> Result<(f64, f64)> {
        let log = self.bench.control_plane.audit_log()?;
        let own = log
            .iter()
            .filter(|one| one.user == USER && one.namespace == self.namespace.name());
        let (events, others): (Vec<_>, Vec<_>) = own.partition(|one| one.resource == "events");
        ensure!(!others.is_empty(), "the audit log has no write of {USER}");
        Ok((count(others.len())?, count(events.len())?))
    }
}

pub(super) fn count(number: usize) -> Result<f64> {
    Ok(f64::from(u32::try_from(number)?))
}

/// A small LocustTest.
pub(super) fn locust_test(name: &str, workers: usize) -> Value {
    json!({
        "apiVersion": "locust.io/v2",
        "kind": "LocustTest",
        "metadata": {"name": name},
        "spec": {
            "image": "locustio/locust:2.47.0",
            "master": {"command": "--locustfile /l.py --host http://x --users 1 --run-time 1m"},
            "worker": {"command": "--locustfile /l.py", "replicas": workers},
        },
    })
}

/// What a kubelet says of a pod in this phase.
fn pod_status(container: &str, phase: &str) -> Value {
    let running = phase == "Running";
    let state = if running {
        json!({"running": {"startedAt": "2026-01-01T00:00:00Z"}})
    } else {
        json!({"terminated": {"exitCode": 0, "reason": "Completed"}})
    };
    json!({"status": {
        "phase": phase,
        "conditions": [{"type": "Ready", "status": if running { "True" } else { "False" }}],
        "containerStatuses": [{
            "name": container,
            "ready": running,
            "restartCount": 0,
            "image": "x",
            "imageID": "x",
            "state": state,
        }],
    }})
}
