//! A thousand tests to begin at once: the operator beside a bare client that
//! makes the same writes, on the same control plane, one after the other and
//! back again.

use std::fs;
use std::process::{Child, Stdio};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use serde_json::{Value, json};
use testkit::Namespace;
use tokio::runtime::Runtime;

use super::operator::{Bench, USER, count, locust_test};
use super::process::{Operator, until};
use super::table::Figure;
use crate::image;

const TESTS: usize = 1_000;
/// Tests that the operator begins at a time, and so the bare client.
const AT_A_TIME: &str = "16";
/// Writes that begin a test: three objects, record, release, status, and an
/// event for each object.
const WRITES: usize = 9;
/// Both are measured this often.
const TURNS: [[Who; 2]; 2] = [[Who::Operator, Who::Bare], [Who::Bare, Who::Operator]];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Operator,
    Bare,
}

impl Who {
    /// The user that its writes are counted by.
    const fn user(self) -> &'static str {
        match self {
            Self::Operator => USER,
            Self::Bare => "bench-bare-client",
        }
    }
}

/// All figures of this module.
pub(super) fn measure() -> Result<Vec<Figure>> {
    let bare = image::bare_client_binary()?;
    let runtime = Runtime::new().context("starting the runtime of the control plane")?;
    runtime.block_on(async {
        let bench = Bench::start().await?;
        let (mut operator, mut client) = (0.0, 0.0);
        for who in TURNS.into_iter().flatten() {
            let seconds = turn(&bench, &bare, who).await?;
            match who {
                Who::Operator => operator += seconds,
                Who::Bare => client += seconds,
            }
        }
        let turns = count(TURNS.len())?;
        Ok(vec![
            Figure::new(
                "1,000 tests begun, beside a bare client",
                operator / client,
                "×",
                Some(1.1),
                "1.16 ×",
                "the next two rows divided",
            ),
            Figure::new(
                "1,000 tests begun",
                operator / turns,
                "s",
                None,
                "88.4 s",
                "from the process start to the last of their 9,000 writes; mean of 2",
            ),
            Figure::new(
                "the same writes by a bare client",
                client / turns,
                "s",
                None,
                "76.2 s, one at a time",
                "same bodies, same order, 16 tests at a time; turn and turn about with it",
            ),
        ])
    })
}

/// Begins all tests of a new namespace. Returns the seconds that it took.
async fn turn(bench: &Bench, bare: &std::path::Path, who: Who) -> Result<f64> {
    let namespace = bench.control_plane.namespace("converge").await?;
    create_tests(bench, &namespace).await?;
    let began = Timestamp::try_from(SystemTime::now())?;
    let process = spawn(bench, &namespace, bare, who)?;
    let writes = || {
        let log = bench.control_plane.audit_log()?;
        let own = log
            .into_iter()
            .filter(|one| one.user == who.user() && one.namespace == namespace.name());
        anyhow::Ok(own.collect::<Vec<_>>())
    };
    until("all tests to be begun", async || {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok(written(bench, &namespace).await? >= TESTS)
    })
    .await?;
    until("all writes to be noted", async || {
        tokio::time::sleep(Duration::from_millis(200)).await;
        Ok(writes()?.len() >= TESTS * WRITES)
    })
    .await?;
    drop(process);
    let writes = writes()?;
    ensure!(
        writes.len() == TESTS * WRITES,
        "{} made {} writes",
        who.user(),
        writes.len()
    );
    let last = writes.iter().map(|one| one.timestamp.as_str()).max();
    let last: Timestamp = last.context("a write")?.parse()?;
    pods_settle(bench, &namespace).await?;
    Ok(last.duration_since(began).as_secs_f64())
}

fn spawn(
    bench: &Bench,
    namespace: &Namespace,
    bare: &std::path::Path,
    who: Who,
) -> Result<Operator> {
    let control_plane = &bench.control_plane;
    let kubeconfig = control_plane.user_kubeconfig(who.user(), Some("system:masters"))?;
    let mut command = match who {
        Who::Operator => {
            let mut command = control_plane.network_command(&bench.binary);
            command.args(["run", "--watch-namespaces", namespace.name()]);
            command.args(["--health-probe-bind-address", "0", "--kubeconfig"]);
            command.arg(&kubeconfig);
            command
        }
        Who::Bare => {
            let mut command = control_plane.network_command(bare);
            command.arg(&kubeconfig).args([namespace.name(), AT_A_TIME]);
            command
        }
    };
    let process: Child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .context("starting whom to measure")?;
    Ok(Operator { process })
}

async fn create_tests(bench: &Bench, namespace: &Namespace) -> Result<()> {
    let tests: Vec<Value> = (0..TESTS)
        .map(|number| locust_test(&format!("bench-{number:04}"), 1))
        .collect();
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": tests });
    let file = bench.control_plane.dir().join("bench-tests.json");
    fs::write(&file, list.to_string()).with_context(|| format!("writing {}", file.display()))?;
    let file = file.to_string_lossy();
    let create = ["--namespace", namespace.name(), "create", "-f", &file];
    bench.kubectl(&create).await.map(drop)
}

/// How many tests have a status with a run in it.
async fn written(bench: &Bench, namespace: &Namespace) -> Result<usize> {
    let path = format!(
        "/apis/locust.io/v2/namespaces/{}/locusttests",
        namespace.name()
    );
    let list = bench.kubectl(&["get", "--raw", &path]).await?;
    Ok(list.matches("\"startTime\"").count())
}

/// Waits until the Job controller has made every pod: its work would slow down
/// whoever comes next.
async fn pods_settle(bench: &Bench, namespace: &Namespace) -> Result<()> {
    let path = format!(
        "/apis/batch/v1/namespaces/{}/jobs?limit=2000",
        namespace.name()
    );
    until("the Job controller to come to rest", async || {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let list = bench.kubectl(&["get", "--raw", &path]).await?;
        Ok(list.matches("\"active\":1").count() >= 2 * TESTS)
    })
    .await
}
