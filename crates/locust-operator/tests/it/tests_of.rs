//! LocustTests for tests, and waiting for them.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use kube::api::PostParams;
use kube::runtime::wait::await_condition;
use kube::{Api, Client};
use locust_api::latest::{LocustTest, Phase};
use serde_json::{Value, json};
use tokio::time::Instant;

/// How long anything may take before a test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// What is polled is asked for this often.
const POLL: Duration = Duration::from_millis(50);
/// Waits between polls grow to this: who waits for long may wait a little more,
/// and many who ask keep two cores from what they wait for.
const LONGEST_POLL: Duration = Duration::from_millis(250);

/// A number that a test goes by: what is usual, or what a variable of the
/// environment asks for. `cargo xtask test long` asks for more.
pub(crate) fn number(variable: &str, usual: usize) -> usize {
    std::env::var(variable).map_or(usual, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("a number in {variable}, not {text:?}"))
    })
}

/// The files of the full results of a run in a volume or a bucket, by name.
pub(crate) const RESULT_FILES: [&str; 5] = [
    "exceptions.csv",
    "failures.csv",
    "report.html",
    "results.json",
    "stats.csv",
];

/// A small LocustTest.
pub(crate) fn locust_test(name: &str, workers: i32) -> Value {
    json!({
        "apiVersion": "locust.io/v2",
        "kind": "LocustTest",
        "metadata": { "name": name },
        "spec": {
            "image": "locustio/locust:2.47.0",
            "master": { "command": "-f /lotest/src/locustfile.py" },
            "worker": { "command": "-f /lotest/src/locustfile.py", "replicas": workers },
        },
    })
}

/// A real load test, the same in a cluster and without one. Its host is the
/// Service of its namespace's target.
pub(crate) fn load_test(name: &str, workers: i32, seconds: u32) -> Value {
    // Several tests share a node of two cores.
    let frugal = json!({ "requests": { "cpu": "20m", "memory": "64Mi" } });
    json!({
        "apiVersion": "locust.io/v2",
        "kind": "LocustTest",
        "metadata": { "name": name },
        "spec": {
            "image": "locustio/locust:2.47.0",
            "master": {
                "command": format!(
                    "-f /lotest/src/locustfile.py --host http://target --users 10 --spawn-rate 10 --run-time {seconds}s"
                ),
                "autoquit": { "enabled": true, "timeout": 10 },
                "resources": frugal,
            },
            "worker": {
                "command": "-f /lotest/src/locustfile.py",
                "replicas": workers,
                "resources": frugal,
            },
            "testFiles": { "configMapRef": name },
        },
    })
}

/// A locustfile that asks for these paths in turn.
pub(crate) fn locustfile(paths: &[&str]) -> String {
    let gets: String = paths
        .iter()
        .map(|path| format!("        self.client.get(\"{path}\")\n"))
        .collect();
    format!(
        "from locust import FastHttpUser, constant, task\n\n\nclass Visitor(FastHttpUser):\n    wait_time = constant(0.1)\n\n    @task\n    def visit(self):\n{gets}"
    )
}

/// The LocustTests of one namespace.
pub(crate) struct Tests {
    pub(crate) api: Api<LocustTest>,
}

impl Tests {
    pub(crate) fn new(client: Client, namespace: &str) -> Self {
        Self {
            api: Api::namespaced(client, namespace),
        }
    }

    pub(crate) async fn create(&self, test: Value) -> Result<LocustTest> {
        Ok(self
            .api
            .create(&PostParams::default(), &serde_json::from_value(test)?)
            .await?)
    }

    /// Waits until the test is in one of these phases.
    pub(crate) async fn wait_for(&self, name: &str, phases: &[Phase]) -> Result<LocustTest> {
        self.wait_until(name, &format!("one of {phases:?}"), |test| {
            phase(test).is_some_and(|phase| phases.contains(&phase))
        })
        .await
    }

    /// Waits until a condition holds for the test.
    pub(crate) async fn wait_until(
        &self,
        name: &str,
        what: &str,
        holds: impl Fn(&LocustTest) -> bool,
    ) -> Result<LocustTest> {
        let reached = async {
            // A watch that breaks is opened again: the API server may restart.
            loop {
                let watched =
                    await_condition(self.api.clone(), name, |test: Option<&LocustTest>| {
                        test.is_some_and(&holds)
                    });
                if let Ok(Some(test)) = watched.await {
                    return test;
                }
                tokio::time::sleep(POLL).await;
            }
        };
        let reached = tokio::time::timeout(PATIENCE, reached)
            .await
            .with_context(|| format!("waited {} s for {name} to reach {what}", PATIENCE.as_secs()));
        match reached {
            Err(error) => {
                let status = self.api.get(name).await.map(|test| test.status);
                Err(error.context(format!("the status is {status:#?}")))
            }
            reached => reached,
        }
    }
}

/// Polls until something is there. An error of the poll itself ends the wait.
pub(crate) async fn until<T>(
    what: &str,
    mut poll: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let began = Instant::now();
    loop {
        if let Some(found) = poll().await? {
            return Ok(found);
        }
        let waited = began.elapsed();
        if waited > PATIENCE {
            bail!("waited {} s for {what}", PATIENCE.as_secs());
        }
        tokio::time::sleep((waited / 10).clamp(POLL, LONGEST_POLL)).await;
    }
}

pub(crate) fn phase(test: &LocustTest) -> Option<Phase> {
    test.status.as_ref().and_then(|status| status.phase)
}

/// `status/reason: message` of a condition, for comparing.
pub(crate) fn condition(test: &LocustTest, type_: &str) -> String {
    test.status
        .iter()
        .flat_map(|status| status.conditions.iter().flatten())
        .find(|condition| condition.type_ == type_)
        .map(|condition| {
            format!(
                "{}/{}: {}",
                condition.status, condition.reason, condition.message
            )
        })
        .unwrap_or_default()
}
