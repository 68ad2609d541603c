//! Tests under load, whose masters are asked: how often a status is written, and
//! with a thousand of them what a question costs, what is remembered, and how
//! soon an end is told.
//!
//! One process plays all masters, at one address: a path of its own tells which
//! of them is asked.

use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use testkit::ControlPlane;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

use super::operator::{Bench, Life, count, locust_test};
use super::process::until;
use super::scale::{copy, original};
use super::table::Figure;

const TESTS: usize = 1_000;
/// Where all masters are said to be.
const MASTERS: Ipv4Addr = Ipv4Addr::new(127, 77, 0, 1);
const PORT: u16 = 8089;
/// The one whose load ends.
const ENDS: &str = "seed-00500";
/// Tests whose numbers move; the rest of the name says how many workers there
/// are.
const MOVING: &str = "moving-";
const FEW: usize = 1;
const MANY: usize = 20;
const REST: Duration = Duration::from_secs(10);
const MEASURED: Duration = Duration::from_secs(60);

/// All figures of this module.
pub(super) fn measure() -> Result<Vec<Figure>> {
    let runtime = Runtime::new().context("starting the runtime of the control plane")?;
    runtime.block_on(async {
        let bench = Bench::start().await?;
        let masters = Masters::play(&bench.control_plane)?;
        let writes = writes_under_load(&bench, &masters).await?;
        let mut test = locust_test("seed-00000", 1);
        // Copies are told apart by their name, which is replaced in them.
        let master = test.pointer_mut("/spec/master").and_then(Value::as_object_mut);
        let more = json!(["--run-time", "1h", "--web-base-path", "/seed-00000"]);
        master.context("a master")?.insert("extraArgs".to_owned(), more);
        let life = original(&bench, &test).await?;
        let operator = bench.operator().await?;
        life.run(1).await?;
        locate(&life).await?;
        masters.are_asked(1).await?;
        // Whoever sees a copy come bit by bit sees a test that lost its workers.
        drop(operator);
        bench.control_plane.kill("kube-controller-manager")?;
        copy(&life, TESTS).await?;
        let operator = bench.operator().await?;
        masters.are_asked(TESTS).await?;
        tokio::time::sleep(REST).await;

        let (cpu, questions) = (operator.cpu_seconds()?, masters.questions());
        tokio::time::sleep(MEASURED).await;
        let cpu = operator.cpu_seconds()? - cpu;
        let questions = count(masters.questions() - questions)?;
        let memory = operator.resident_megabytes()?;
        let until_told = end(&life, &masters, ENDS).await?;
        let [few, many] = writes;
        Ok(vec![
            few.figure("status writes of a run, 1 worker"),
            many.figure("status writes of a run, 20 workers"),
            Figure::new(
                "a question to a master",
                cpu * 1000.0 / questions,
                "ms",
                Some(1.0),
                "not asked",
                "CPU time of the operator with 1,000 tests under load, by the questions of a minute",
            ),
            Figure::new(
                "questions to 1,000 masters",
                questions / MEASURED.as_secs_f64(),
                "a second",
                None,
                "",
                "the same minute, in which nothing changes",
            ),
            Figure::new(
                "memory, 1,000 tests under load that are asked",
                memory,
                "MB",
                Some(64.0),
                "",
                "RSS after that minute",
            ),
            Figure::new(
                "end of load to results in the status",
                until_told,
                "s",
                Some(10.0),
                "never",
                "of one of them; Locust's numbers are final after six seconds",
            ),
        ])
    })
}

/// How often the status of a run was written, and how often it may be.
struct Writes {
    counted: f64,
    seconds: f64,
}

impl Writes {
    fn figure(&self, what: &'static str) -> Figure {
        Figure::new(
            what,
            self.counted,
            "",
            Some((8.0 + self.seconds / 5.0).floor()),
            "",
            "audit log, from the creation to Succeeded, with a minute of load in which all numbers move; at most 8 and one every five seconds",
        )
    }
}

/// Two runs of different sizes with a minute of load.
async fn writes_under_load(bench: &Bench, masters: &Masters) -> Result<[Writes; 2]> {
    let _operator = bench.operator().await?;
    let few = under_load(bench, FEW).await?;
    let many = under_load(bench, MANY).await?;
    tokio::time::sleep(MEASURED).await;
    let mut writes = Vec::new();
    for ((life, began), workers) in [(few, FEW), (many, MANY)] {
        end(&life, masters, &life.name).await?;
        life.succeed(workers).await?;
        let seconds = began.elapsed().as_secs_f64();
        let counted = life.status_writes()?;
        writes.push(Writes { counted, seconds });
        life.namespace.finish().await?;
    }
    let both = writes.try_into();
    both.map_err(|_| anyhow::anyhow!("two runs were counted"))
}

/// A test under load, and when it was created.
async fn under_load(bench: &Bench, workers: usize) -> Result<(Life<'_>, Instant)> {
    let name = format!("{MOVING}{workers}");
    let mut test = locust_test(&name, workers);
    let master = test
        .pointer_mut("/spec/master")
        .and_then(Value::as_object_mut);
    let more = json!(["--run-time", "1h", "--web-base-path", format!("/{name}")]);
    master
        .context("a master")?
        .insert("extraArgs".to_owned(), more);
    let life = Life {
        bench,
        namespace: bench.control_plane.namespace("load").await?,
        name,
    };
    let began = Instant::now();
    life.create_object(&test).await?;
    life.run(workers).await?;
    locate(&life).await?;
    Ok((life, began))
}

/// Ends the load of one test; the seconds until its status has results.
async fn end(life: &Life<'_>, masters: &Masters, test: &str) -> Result<f64> {
    let began = Instant::now();
    masters.end(test);
    let get = [
        "get",
        "locusttest",
        test,
        "-o",
        "jsonpath={.status.results.completeness}",
    ];
    until("the results of a load that has ended", async || {
        Ok(life.kubectl(&get).await? == "Complete")
    })
    .await?;
    Ok(began.elapsed().as_secs_f64())
}

/// Says where the master's pod is.
async fn locate(life: &Life<'_>) -> Result<()> {
    let selector = format!("batch.kubernetes.io/job-name={}-master", life.name);
    let pod = life
        .kubectl(&["get", "pods", "-o", "name", "-l", &selector])
        .await?;
    let status = json!({ "status": { "podIP": MASTERS, "podIPs": [{ "ip": MASTERS }] } });
    let patch = ["--subresource=status", "--type=merge", "--patch"];
    let mut arguments = vec!["patch", pod.trim()];
    arguments.extend(patch);
    let status = status.to_string();
    arguments.push(&status);
    life.kubectl(&arguments).await.map(drop)
}

/// All masters, played.
#[derive(Clone, Default)]
struct Masters(Arc<Mutex<Played>>);

#[derive(Default)]
struct Played {
    questions: usize,
    asked: HashSet<String>,
    ended: HashSet<String>,
}

impl Masters {
    fn play(control_plane: &ControlPlane) -> Result<Self> {
        let listener = control_plane
            .network()
            .listen(SocketAddr::new(MASTERS.into(), PORT))?;
        let masters = Self::default();
        tokio::spawn(masters.clone().serve(listener));
        Ok(masters)
    }

    async fn serve(self, listener: TcpListener) {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(self.clone().answer(connection));
        }
    }

    async fn answer(self, mut connection: TcpStream) -> Option<()> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let read = connection.read_buf(&mut head).await.ok()?;
            if read == 0 {
                return None;
            }
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let mut path = head.split(' ').nth(1)?.split('/').skip(1);
        let test = path.next()?.to_owned();
        let body = match path.next() {
            Some("stats") => self.statistics(test),
            // Its page, of which only the version is wanted.
            Some(_) | None => {
                "<script>window.templateArgs = {\"version\": \"2.47.0\"}</script>".to_owned()
            }
        };
        let length = body.len();
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}");
        connection.write_all(answer.as_bytes()).await.ok()?;
        connection.shutdown().await.ok()
    }

    fn statistics(&self, test: String) -> String {
        let mut played = self.lock();
        played.questions += 1;
        let state = match played.ended.contains(&test) {
            true => "stopped",
            false => "running",
        };
        let workers = test.strip_prefix(MOVING).and_then(|rest| rest.parse().ok());
        let requests = match workers {
            Some(_) => 5_000 + u64::try_from(played.questions).unwrap_or_default(),
            None => 5_000,
        };
        let said = statistics(&test, state, requests, workers.unwrap_or(FEW)).to_string();
        played.asked.insert(test);
        said
    }

    /// Waits until so many of them have been asked.
    async fn are_asked(&self, masters: usize) -> Result<()> {
        until("all masters to be asked", async || {
            Ok(self.lock().asked.len() >= masters)
        })
        .await
    }

    fn questions(&self) -> usize {
        self.lock().questions
    }

    fn end(&self, test: &str) {
        self.lock().ended.insert(test.to_owned());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Played> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a master of Locust 2.47 says of ten endpoints.
fn statistics(test: &str, state: &str, requests: u64, workers: usize) -> Value {
    let row = |name: String, requests: u64| {
        json!({
            "method": "GET", "name": name, "safe_name": name,
            "num_requests": requests, "num_failures": 0,
            "min_response_time": 1.5, "max_response_time": 90.25, "avg_response_time": 12.5,
            "median_response_time": 11, "current_rps": 10.5, "current_fail_per_sec": 0.0,
            "total_rps": 10.25, "total_fail_per_sec": 0.0, "avg_content_length": 128.0,
            "response_time_percentile_0.95": 40, "response_time_percentile_0.99": 80,
        })
    };
    let mut rows: Vec<Value> = (0..10)
        .map(|id| row(format!("/endpoint/{id}"), 500))
        .collect();
    rows.push(row("Aggregated".to_owned(), requests));
    let users = if state == "running" { 1 } else { 0 };
    let worker = |id| {
        json!({
            "id": format!("{test}-worker-{id}_0f"), "state": state, "user_count": users,
            "cpu_usage": 12.5, "memory_usage": 0,
        })
    };
    let each: Vec<Value> = (0..workers).map(worker).collect();
    json!({
        "state": state,
        "user_count": users,
        "worker_count": workers,
        "workers": each,
        "stats": rows,
        "errors": [],
        "fail_ratio": 0.0,
        "total_rps": 10.25,
        "current_response_time_percentiles": {},
    })
}
