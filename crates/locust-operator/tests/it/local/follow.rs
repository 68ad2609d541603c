//! A real distributed run on loopback, followed to its verdict.

use std::future::pending;
use std::net::TcpListener as StdListener;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::http::{StatusCode, Uri};
use axum::routing::any;
use locust_api::latest::Verdict;
use locust_core::locust::{Ended, Exit, Grade, Load, RunPhase};
use locust_operator::local::api::Api;
use locust_operator::local::locust::{Consent, Machine, Wanted, find};
use locust_operator::local::results::{Follow, Limits, RunInfo, conclude, summary, write};
use locust_operator::local::view::View;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

use super::stage::until;
use crate::sidecar::Sidecar;

const LOCUSTFILE: &str = "\
from locust import FastHttpUser, constant_throughput, task


class Visitor(FastHttpUser):
    wait_time = constant_throughput(10)

    @task(3)
    def front(self):
        self.client.get('/')

    @task
    def pay(self):
        self.client.get('/pay')
";

/// A target that counts what it is asked; `/pay` fails if `pay_fails`.
pub(super) async fn target(pay_fails: bool) -> (String, Arc<AtomicU64>) {
    let asked = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&asked);
    let app = Router::new().fallback(any(move |uri: Uri| {
        count.fetch_add(1, Ordering::SeqCst);
        let is_failure = pay_fails && uri.path() == "/pay";
        async move {
            match is_failure {
                true => StatusCode::INTERNAL_SERVER_ERROR,
                false => StatusCode::OK,
            }
        }
    }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (host, asked)
}

pub(super) fn free_port() -> u16 {
    let listener = StdListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

pub(super) struct Run {
    master: Child,
    _workers: [Child; 2],
    pub(super) api: Api,
    load: Load,
    version: String,
}

/// A master and two workers: 20 users for this long.
pub(super) async fn start(directory: &Path, host: &str, run_time: &str) -> Run {
    let locust = find(&Wanted {
        program: None,
        image: "locustio/locust:2.47.0",
        consent: Consent::Given,
        machine: Machine::of_environment(),
    })
    .await
    .expect("Locust");
    std::fs::write(directory.join("locustfile.py"), LOCUSTFILE).unwrap();
    let (web_port, port) = (free_port(), free_port().to_string());
    let spawn = |arguments: &[&str]| {
        Command::new(&locust.program)
            .args(["-f", "locustfile.py"])
            .args(arguments)
            .current_dir(directory)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("a process")
    };
    let web = web_port.to_string();
    let load = [
        "--host",
        host,
        "--users",
        "20",
        "--spawn-rate",
        "20",
        "--run-time",
        run_time,
        "--stop-timeout",
        "3",
    ];
    let listen = [
        "--master",
        "--master-bind-host",
        "127.0.0.1",
        "--master-bind-port",
        &port,
        "--web-host",
        "127.0.0.1",
        "--web-port",
        &web,
        "--expect-workers",
        "2",
        "--autostart",
        "--autoquit",
        "60",
    ];
    let worker = [
        "--worker",
        "--master-host",
        "127.0.0.1",
        "--master-port",
        &port,
    ];
    Run {
        master: spawn(&[listen.as_slice(), load.as_slice()].concat()),
        _workers: [spawn(&worker), spawn(&worker)],
        api: Api::new(web_port, ""),
        load: Load::from_args(&load),
        version: locust.version,
    }
}

/// Follows a run to its end; gives what was said, written and judged.
async fn run(pay_fails: bool) -> (Grade, serde_json::Value, u64) {
    let directory = tempfile::tempdir().unwrap();
    let (host, asked) = target(pay_fails).await;
    let mut run = start(directory.path(), &host, "5s").await;
    let mut view = View::on_stderr();
    let follow = Follow {
        api: &run.api,
        view: &mut view,
        load: run.load.clone(),
        expected_workers: 2,
        stay: false,
        limits: Limits::default(),
    };
    let gone = async {
        let _ended = run.master.wait().await;
    };
    let followed = follow.run(pending(), gone).await;
    view.close();
    assert_eq!(followed.watch.phase(), RunPhase::Ended);
    assert_eq!(followed.ended, Ended::Itself);
    let pid = Pid::from_raw(run.master.id().unwrap().try_into().unwrap());
    kill(pid, Signal::SIGTERM).unwrap();
    let exit = run.master.wait().await.unwrap().code().unwrap();
    let info = RunInfo {
        test: "quickstart".to_owned(),
        locust_version: run.version,
        expected_workers: 2,
        wanted_workers: Some(2),
        exit: Exit::Code(exit),
    };
    let (conclusion, document) = conclude(&info, &followed);
    print!("{}", summary(&document, None));
    let output = directory.path().join("results");
    let written = write(&output, &document, &followed).unwrap();
    assert_eq!(
        written,
        [
            "summary.html",
            "report.html",
            "stats.csv",
            "failures.csv",
            "exceptions.csv",
            "results.json"
        ]
    );
    let report = std::fs::read_to_string(output.join("report.html")).unwrap();
    assert!(report.contains("<html"), "{} bytes", report.len());
    let json = std::fs::read(output.join("results.json")).unwrap();
    let json = serde_json::from_slice(&json).unwrap();
    (conclusion.grade, json, asked.load(Ordering::SeqCst))
}

#[tokio::test]
async fn a_good_run_passes_with_the_targets_own_numbers() {
    let (verdict, json, asked) = run(false).await;
    assert_eq!(verdict, Grade::Judged(Verdict::Passed));
    assert_eq!(json["totals"]["requests"], asked);
    assert_eq!(json["totals"]["failures"], 0);
    assert_eq!(json["workers"]["most_connected"], 2);
    assert_eq!(json["workers"]["lost"], 0);
    assert!(asked > 300, "{asked}");
}

#[tokio::test]
async fn a_run_with_failed_requests_fails_and_says_number() {
    let (verdict, json, asked) = run(true).await;
    assert_eq!(verdict.exit_code(), 1);
    let failures = json["totals"]["failures"].as_u64().unwrap();
    assert!(failures > 0);
    let reason = format!("{failures} of {asked} requests failed, {failures} of them GET /pay: ");
    assert!(json["reason"].as_str().unwrap().starts_with(&reason));
    assert_eq!(json["errors"][0]["name"], "/pay");
    assert_eq!(json["errors"][0]["occurrences"], failures);
}

/// Other tasks have a thread of their own, because this one waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_exporter_tells_what_a_real_locust_says() {
    let directory = tempfile::tempdir().unwrap();
    let (host, asked) = target(true).await;
    let run = start(directory.path(), &host, "10m").await;
    let sidecar = Sidecar::start(run.api.web_ui()).unwrap();
    let value = |series: &str| -> f64 {
        let text = sidecar.ask("/metrics").unwrap();
        let mut values = text.lines().filter_map(|line| line.strip_prefix(series));
        let value = values.next().map(|value| value.trim().parse());
        value.unwrap_or(Ok(-1.0)).unwrap()
    };
    until("it is up", || value("locust_up") == 1.0);
    until("all users are at work", || value("locust_users") == 20.0);
    until("the load runs", || value("locust_running") == 2.0);
    assert_eq!(value("locust_workers_count"), 2.0);
    assert_eq!(value("locust_workers_running_count"), 2.0);
    let pay = "{method=\"GET\",name=\"/pay\"}";
    for series in [
        "locust_requests_current_response_time_percentile_95".to_owned(),
        format!("locust_requests_num_failures{pay}"),
        format!("locust_requests_current_fail_per_sec{pay}"),
    ] {
        until(&series, || value(&series) > 0.0);
    }
    run.api.stop().await.unwrap();
    until("the load has ended", || value("locust_running") == 0.0);
    let all = "{method=\"\",name=\"Aggregated\"}";
    until("nobody is at work", || value("locust_users") == 0.0);
    let lately = format!("locust_requests_current_rps{all}");
    assert_eq!(value(&lately), 0.0);
    let requests = format!("locust_requests_num_requests{all}");
    let of_target = || f64::from(u32::try_from(asked.load(Ordering::SeqCst)).unwrap());
    until("all is counted", || value(&requests) == of_target());
}
