//! What the status says of a run while it goes on, from a master that a script
//! plays.

mod gate;
mod hostile;
mod metrics;
mod replays;
mod stops;
mod stored;

use std::time::Duration;

use anyhow::{Context, Result};
use k8s_openapi::api::batch::v1::Job;
use kube::{Api, ResourceExt};
use locust_api::latest::{LocustState, LocustStats, LocustTest, Phase, Verdict};
use serde_json::Value;
use testkit::ControlPlane;

use super::World;
use crate::master::{Answer, Master, statistics};
use crate::operator::Operator;
use crate::pods;
use crate::tests_of::{Tests, condition, locust_test, phase, until};

/// An operator, and tests whose masters are played.
struct Stage {
    world: World,
    operator: Operator,
    tests: Tests,
}

/// A test that runs, by its pods; its master is yet to say something.
struct Run<'a> {
    stage: &'a Stage,
    name: String,
    master: Master,
}

impl Stage {
    async fn set(prefix: &str, user: &str) -> Result<Self> {
        let world = World::new(prefix).await?;
        let operator = operator(&world, user)?;
        let tests = Tests::new(world.client.clone(), world.namespace.name());
        Ok(Self {
            world,
            operator,
            tests,
        })
    }

    async fn run(&self, name: &str) -> Result<Run<'_>> {
        self.run_of(name, locust_test(name, 2)).await
    }

    /// Another operator beside the first, or after it.
    fn operator(&self, user: &str) -> Result<Operator> {
        operator(&self.world, user)
    }

    /// Waits until both Jobs of a test are gone.
    async fn are_gone(&self, test: &str) -> Result<()> {
        let namespace = self.world.namespace.name();
        let jobs: Api<Job> = Api::namespaced(self.world.client.clone(), namespace);
        for role in ["master", "worker"] {
            until("the Jobs to be gone", async || {
                let job = jobs.get_opt(&format!("{test}-{role}")).await?;
                Ok(job.is_none().then_some(()))
            })
            .await?;
        }
        Ok(())
    }

    async fn run_of(&self, name: &str, test: Value) -> Result<Run<'_>> {
        self.run_with(name, test, 2, |_| {}).await
    }

    /// The same with so many workers, and a master that speaks from the start.
    async fn run_with(
        &self,
        name: &str,
        test: Value,
        workers: usize,
        speak: impl FnOnce(&Run<'_>),
    ) -> Result<Run<'_>> {
        let run = Run {
            stage: self,
            name: name.to_owned(),
            master: Master::listen(&self.world.control_plane)?,
        };
        speak(&run);
        self.tests.create(test).await?;
        run.put("worker", workers, "Running").await?;
        let master = format!("{name}-master");
        let (client, namespace) = (&self.world.client, self.world.namespace.name());
        pods::locate(client, namespace, &master, run.master.address()).await?;
        run.put("master", 1, "Running").await?;
        Ok(run)
    }
}

fn operator(world: &World, user: &str) -> Result<Operator> {
    let control_plane = &world.control_plane;
    let kubeconfig = control_plane.user_kubeconfig(user, Some("system:masters"))?;
    Operator::start(control_plane, &kubeconfig, world.namespace.name())
}

impl Run<'_> {
    async fn put(&self, role: &str, count: usize, phase: &str) -> Result<()> {
        let job = format!("{}-{role}", self.name);
        let namespace = self.stage.world.namespace.name();
        pods::put(&self.stage.world.client, namespace, &job, count, phase).await
    }

    fn says(&self, state: &str, numbers: [u32; 3]) {
        let statistics = statistics(&self.name, state, numbers);
        self.master.says(Answer::json(&statistics));
    }

    async fn until(&self, what: &str, holds: impl Fn(&LocustTest) -> bool) -> Result<LocustTest> {
        self.stage.tests.wait_until(&self.name, what, holds).await
    }
}

fn numbers(test: &LocustTest) -> Option<&LocustStats> {
    test.status.as_ref()?.locust.as_ref()
}

fn is_at(test: &LocustTest, state: LocustState, requests: i64) -> bool {
    numbers(test).is_some_and(|stats| stats.state == state && stats.requests == requests)
}

fn status_writes(control_plane: &ControlPlane, user: &str) -> Result<usize> {
    let log = control_plane.audit_log()?;
    let is_status =
        |event: &&testkit::AuditEvent| event.user == user && event.subresource == "status";
    Ok(log.iter().filter(is_status).count())
}

/// What a master is asked beside its statistics: which Locust it is, and in the
/// end all that it can tell.
const ONCE: [&str; 5] = [
    "GET / HTTP/1.1",
    "GET /stats/requests/csv HTTP/1.1",
    "GET /stats/failures/csv HTTP/1.1",
    "GET /exceptions/csv HTTP/1.1",
    "GET /stats/report?download=1 HTTP/1.1",
];

#[tokio::test]
async fn the_status_says_what_locust_says_from_the_first_worker_to_the_end() -> Result<()> {
    let user = format!("live-{}", std::process::id());
    let stage = Stage::set("live", &user).await?;
    let run = stage.run("demo").await?;
    let begun = tokio::time::Instant::now();
    let page = r#"<script>window.templateArgs = {"version": "2.46.1"}</script>"#;
    run.master.says_at("/", Answer::text(page));
    run.says("ready", [0, 0, 0]);
    run.until("a master that waits", |test| {
        is_at(test, LocustState::Ready, 0)
    })
    .await?;

    run.says("spawning", [3, 0, 0]);
    let begins = run
        .until("a test that runs", |test| {
            phase(test) == Some(Phase::Running)
        })
        .await?;
    assert_eq!(
        condition(&begins, "WorkersConnected"),
        "True/AllWorkersConnected: 2/2 workers connected"
    );
    assert_eq!(
        condition(&begins, "StatsAvailable"),
        "True/Answering: Locust answers"
    );

    run.says("running", [30, 1000, 85]);
    let runs = run
        .until("its numbers", |test| {
            is_at(test, LocustState::Running, 1000)
        })
        .await?;
    let stats = numbers(&runs).context("numbers")?;
    assert_eq!(stats.users, 30);
    assert_eq!((stats.failures, &*stats.fail_percent), (85, "8.50"));
    assert_eq!(stats.median_ms, 12);
    assert_eq!((stats.p95_ms, stats.p99_ms), (Some(37), Some(57)));
    assert_eq!((stats.average_ms, stats.max_ms), (14, 60));
    assert!(stats.load_start_time.is_some(), "{stats:?}");

    run.says("stopped", [0, 1350, 90]);
    let stopped = run
        .until("the end of its load", |test| {
            is_at(test, LocustState::Stopped, 1350)
        })
        .await?;
    assert_eq!(phase(&stopped), Some(Phase::Running), "its Job goes on");
    assert_eq!(
        numbers(&stopped).context("numbers")?.requests_per_second,
        "0.0"
    );

    run.put("worker", 2, "Succeeded").await?;
    run.put("master", 1, "Succeeded").await?;
    let over = stage.tests.wait_for("demo", &[Phase::Succeeded]).await?;
    let mut last = numbers(&stopped).cloned().context("numbers")?;
    // The master may have said the same again before its pod ended.
    last.sampled_at = numbers(&over).context("numbers")?.sampled_at.clone();
    assert_eq!(numbers(&over), Some(&last), "they stay");
    let status = over.status.as_ref().context("status")?;
    let results = status.results.as_ref().context("results")?;
    assert_eq!((results.total.requests, results.total.failures), (1350, 90));
    assert_eq!(results.endpoints.len(), 1, "{results:?}");
    assert_eq!(results.locust_version.as_deref(), Some("2.46.1"));
    assert_eq!(status.verdict, Some(Verdict::Passed));
    let reason = status.verdict_reason.as_deref().unwrap_or_default();
    assert!(reason.contains("of 1350 requests 90 failed"), "{reason}");
    assert_eq!(
        condition(&over, "WorkersConnected"),
        "True/AllWorkersConnected: 2/2 workers connected"
    );

    let mut once = Vec::new();
    for head in run.master.asked() {
        let asked = head.lines().next().unwrap_or_default();
        if asked != "GET /stats/requests HTTP/1.1" {
            once.push(asked.to_owned());
        }
        let fields = head.lines().skip(1).filter(|line| !line.is_empty());
        let names: Vec<_> = fields.filter_map(|line| line.split(':').next()).collect();
        assert_eq!(names, ["host"], "{head}");
    }
    assert_eq!(once, ONCE);
    let most = 5 + begun.elapsed().as_secs() / 5;
    let writes = status_writes(&stage.world.control_plane, &user)?;
    println!("{writes} status writes in {:?}", begun.elapsed());
    assert!(
        u64::try_from(writes)? <= most,
        "{writes} status writes of at most {most}"
    );
    Ok(())
}

#[tokio::test]
async fn a_run_in_which_no_number_moves_is_not_written() -> Result<()> {
    let stage = Stage::set("steady", "steady").await?;
    let run = stage.run("steady").await?;
    run.says("running", [30, 1000, 85]);
    let runs = |test: &LocustTest| is_at(test, LocustState::Running, 1000);
    run.until("its numbers", runs).await?;
    // Twice as long as moved numbers may wait for their write.
    tokio::time::sleep(Duration::from_secs(10)).await;
    let before = run.until("its numbers", runs).await?;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let after = run.until("its numbers", runs).await?;
    assert_eq!(before.resource_version(), after.resource_version());
    Ok(())
}
