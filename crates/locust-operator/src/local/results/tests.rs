//! Runs that a script plays, and what is said and written about them.

use std::future::{pending, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::Uri;
use axum::response::IntoResponse;
use axum::routing::any;
use jiff::Timestamp;
use locust_api::failure::FailureReason;
use locust_api::latest::{Threshold, Verdict};
use locust_core::judgement::Cause;
use locust_core::locust::{Ended, Exit, Grade, Load, RunPhase, RunWatch, Sample};
use locust_core::thresholds::{Judge, RunTime};
use tokio::net::TcpListener;

use super::*;
use crate::local::api::Api;
use crate::local::view::View;

/// What a real master of Locust `version` answered at the end of a run.
pub(super) fn recorded(name: &str) -> String {
    let path = format!("../locust-core/test_data/locust/{name}");
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub(super) fn followed(version: &str) -> Followed {
    let running = Sample::parse(recorded(&format!("{version}-running.json")).as_bytes()).unwrap();
    let stopped = Sample::parse(recorded(&format!("{version}-stopped.json")).as_bytes()).unwrap();
    let mut watch = RunWatch::new(Some(Duration::from_secs(8)));
    for (at, sample) in [(2, &running), (9, &stopped), (15, &stopped)] {
        watch.observe(Duration::from_secs(at), sample);
    }
    assert_eq!(watch.phase(), RunPhase::Ended);
    let began: Timestamp = "2026-11-23T19:09:12.0004Z".parse().unwrap();
    Followed {
        watch,
        began_at: Some(began),
        ended_at: Some(began + Duration::from_millis(7_750)),
        sample: Some(stopped),
        stats_csv: Some(recorded(&format!("{version}-stats.csv"))),
        exceptions_csv: Some("Count,Message,Traceback,Nodes\r\n".to_owned()),
        ..Followed::new(&Load::default(), &[])
    }
}

pub(super) fn info(exit: Exit) -> RunInfo {
    RunInfo {
        test: "quickstart".to_owned(),
        locust_version: "2.47.0".to_owned(),
        expected_workers: 2,
        wanted_workers: Some(2),
        exit,
    }
}

#[test]
fn the_document_of_a_run_has_units_and_stable_numbers() {
    let (verdict, document) = conclude(&info(Exit::Code(1)), &followed("2.47.0"));
    assert_eq!(verdict.grade.exit_code(), 1);
    insta::assert_snapshot!("document", serde_json::to_string_pretty(&document).unwrap());
}

#[test]
fn the_summary_ends_with_the_verdict() {
    for (version, width) in [("2.47.0", None), ("2.20.1", Some(80))] {
        let (_, document) = conclude(&info(Exit::Code(1)), &followed(version));
        insta::assert_snapshot!(format!("summary-{version}"), summary(&document, width));
    }
}

/// A run that keeps to one of three thresholds.
pub(super) fn held_to_thresholds() -> Followed {
    let mut run = followed("2.47.0");
    run.judge = Judge::new(&thresholds(serde_json::json!([
        { "metric": "p95", "max": "500ms" },
        { "metric": "p99", "endpoint": "GET /ok", "max": "15ms" },
        { "metric": "failRatio", "endpoint": "/nope", "max": "1%" },
    ])));
    let time = RunTime {
        phase: run.watch.phase(),
        load: Duration::from_secs(8),
        lately: 0.0,
    };
    run.judge.observe(time, run.sample.as_ref().unwrap());
    run
}

#[test]
fn thresholds_stand_in_the_summary_and_in_the_document() {
    let run = held_to_thresholds();
    let (verdict, document) = conclude(&info(Exit::Code(1)), &run);
    assert_eq!(verdict.grade, Grade::Judged(Verdict::Failed));
    insta::assert_snapshot!("summary-thresholds", summary(&document, Some(100)));
    let thresholds = serde_json::to_string_pretty(&document.thresholds).unwrap();
    insta::assert_snapshot!("document-thresholds", thresholds);
}

#[test]
fn what_the_verdict_does_not_say_is_a_warning() {
    let mut run = followed("2.47.0");
    let mut info = info(Exit::Code(0));
    info.expected_workers = 3;
    let (verdict, document) = conclude(&info, &run);
    assert_eq!(verdict.grade, Grade::Judged(Verdict::Passed));
    assert_eq!(
        document.warnings,
        [
            "only 2 of 3 workers ever connected",
            "97 requests failed, and Locust still ended with exit code 0, as it was told to"
        ]
    );
    let running = Sample::parse(recorded("2.47.0-running.json").as_bytes()).unwrap();
    run.watch = RunWatch::new(None);
    run.watch.observe(Duration::from_secs(1), &running);
    let (_, document) = conclude(&super::tests::info(Exit::Code(1)), &run);
    assert_eq!(
        document.warnings,
        ["the master ended before its numbers were final: the last seconds may be missing"]
    );
}

#[test]
fn a_run_that_never_answered_leaves_a_document_too() {
    let run = Followed::new(&Load::default(), &[]);
    let (verdict, document) = conclude(&info(Exit::Code(1)), &run);
    assert_eq!(verdict.grade.exit_code(), 2);
    assert_eq!(
        summary(&document, None),
        "NOT RUN  quickstart: there was no load: the master ended with exit code 1\n"
    );
    let directory = tempfile::tempdir().unwrap();
    let written = write(&directory.path().join("a/b"), &document, &run).unwrap();
    assert_eq!(written, ["summary.html", "results.json"]);
}

#[test]
fn exceptions_are_counted_from_their_table() {
    let mut run = followed("2.47.0");
    assert_eq!(run.exceptions(), 0);
    run.exceptions_csv = Some("Count,Message,Traceback,Nodes\r\n3,x,\"a\nb\",n\r\n".to_owned());
    assert_eq!(run.exceptions(), 1);
}

/// A master that shows load for some samples, then its end.
async fn master(samples_of_load: usize) -> (Api, Arc<AtomicUsize>) {
    master_of("2.47.0", samples_of_load).await
}

async fn master_of(version: &'static str, samples_of_load: usize) -> (Api, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let stops = Arc::new(AtomicUsize::new(0));
    let stops_seen = Arc::clone(&stops);
    let answer = move |uri: Uri| {
        let body = match uri.path() {
            "/stats/requests" => {
                let count = asked.fetch_add(1, Ordering::SeqCst);
                let is_stopped = stops.load(Ordering::SeqCst) > 0;
                let moment = match count {
                    0 => "ready",
                    _ if is_stopped || count > samples_of_load => "stopped",
                    _ => "running",
                };
                recorded(&format!("{version}-{moment}.json"))
            }
            "/stats/requests/csv" => recorded(&format!("{version}-stats.csv")),
            "/stop" => {
                stops.fetch_add(1, Ordering::SeqCst);
                String::new()
            }
            path => path.to_owned(),
        };
        async move { body.into_response() }
    };
    (serve(Router::new().fallback(any(answer))).await, stops_seen)
}

/// A master that is played so.
async fn serve(app: Router) -> Api {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, app).await });
    Api::new(port, "")
}

async fn follow(
    api: &Api,
    stop: impl Future<Output = ()>,
    master_gone: impl Future<Output = ()>,
) -> Followed {
    let mut view = View::on_stderr();
    to_follow(api, &mut view).run(stop, master_gone).await
}

fn to_follow<'a>(api: &'a Api, view: &'a mut View) -> Follow<'a> {
    Follow {
        api,
        view,
        load: Load::default(),
        expected_workers: 2,
        stay: false,
        limits: Limits::default(),
    }
}

pub(super) fn thresholds(thresholds: serde_json::Value) -> Vec<Threshold> {
    serde_json::from_value(thresholds).unwrap()
}

#[tokio::test]
async fn a_run_is_followed_until_its_numbers_are_final() {
    let (api, stops) = master(2).await;
    let run = follow(&api, pending(), pending()).await;
    assert_eq!(run.watch.phase(), RunPhase::Ended);
    assert_eq!(run.ended, Ended::Itself);
    assert_eq!(run.totals().map(|totals| totals.requests), Some(370));
    assert_eq!(run.report.as_deref(), Some(b"/stats/report".as_slice()));
    assert_eq!(run.failures_csv.as_deref(), Some("/stats/failures/csv"));
    assert_eq!(stops.load(Ordering::SeqCst), 0);
    assert!(run.began_at < run.ended_at);
}

#[tokio::test]
async fn a_person_ends_the_load_and_still_gets_its_numbers() {
    let (api, stops) = master(1_000).await;
    let stop = tokio::time::sleep(Duration::from_millis(2_500));
    let run = follow(&api, stop, pending()).await;
    assert_eq!(stops.load(Ordering::SeqCst), 1);
    assert_eq!(run.ended, Ended::Interrupted);
    assert_eq!(run.watch.phase(), RunPhase::Ended);
    assert_eq!(run.totals().map(|totals| totals.requests), Some(370));
    let (verdict, _) = conclude(&info(Exit::Code(0)), &run);
    assert_eq!(verdict.grade, Grade::Interrupted);
}

#[tokio::test]
async fn nothing_is_waited_for_when_there_is_no_load_yet() {
    let (api, stops) = master(1_000).await;
    let run = follow(&api, ready(()), pending()).await;
    assert_eq!(stops.load(Ordering::SeqCst), 0);
    assert_eq!(run.ended, Ended::Interrupted);
}

#[tokio::test]
async fn a_master_that_goes_away_ends_the_following() {
    let (api, _) = master(2).await;
    let gone = tokio::time::sleep(Duration::from_millis(4_500));
    let run = follow(&api, pending(), gone).await;
    assert_eq!(run.watch.phase(), RunPhase::Ending);
    // What could still be read is there.
    assert_eq!(run.totals().map(|totals| totals.requests), Some(370));
    assert!(run.report.is_some());
}

/// Follows with these limits to the end.
async fn limited(api: &Api, limits: Limits) -> Followed {
    let mut view = View::on_stderr();
    let mut follow = to_follow(api, &mut view);
    follow.limits = limits;
    follow.run(pending(), pending()).await
}

fn cause(run: &Followed) -> (Grade, &'static str) {
    let (conclusion, _) = conclude(&info(Exit::Code(0)), run);
    let cause = conclusion.failure.map_or("", Cause::as_str);
    (conclusion.grade, cause)
}

const FAILED: Grade = Grade::Judged(Verdict::Failed);

#[tokio::test]
async fn a_breach_that_aborts_stops_the_load_and_keeps_its_numbers() {
    let (api, stops) = master(1_000).await;
    let thresholds =
        thresholds(serde_json::json!([{ "metric": "p50", "max": "1ms", "abort": true }]));
    let limits = Limits {
        thresholds,
        ..Limits::default()
    };
    let run = limited(&api, limits).await;
    assert_eq!(stops.load(Ordering::SeqCst), 1);
    assert_eq!(run.watch.phase(), RunPhase::Ended);
    assert_eq!(run.totals().map(|totals| totals.requests), Some(370));
    assert!(run.report.is_some());
    assert_eq!(cause(&run), (FAILED, "ThresholdBreached"));
}

#[tokio::test]
async fn a_run_is_stopped_at_its_deadline() {
    let (api, stops) = master(1_000).await;
    let limits = Limits {
        deadline_seconds: Some(3),
        ..Limits::default()
    };
    let run = limited(&api, limits.clone()).await;
    assert_eq!(stops.load(Ordering::SeqCst), 1);
    assert_eq!(run.watch.phase(), RunPhase::Ended);
    assert_eq!(cause(&run), (FAILED, "DeadlineExceeded"));
    // A master that never gets to its load.
    let unanswered = Api::new(1, "");
    let run = limited(&unanswered, limits).await;
    assert_eq!(run.watch.phase(), RunPhase::Starting);
    assert_eq!(cause(&run), (FAILED, "DeadlineExceeded"));
}

#[tokio::test]
async fn a_deadline_holds_for_a_master_that_stays_after_its_load() {
    let (api, stops) = master(1).await;
    let mut view = View::on_stderr();
    let mut follow = to_follow(&api, &mut view);
    follow.stay = true;
    follow.limits.deadline_seconds = Some(10);
    let run = follow.run(pending(), pending()).await;
    assert_eq!(run.watch.phase(), RunPhase::Ended);
    assert_eq!(stops.load(Ordering::SeqCst), 0, "there is nothing to stop");
    assert_eq!(cause(&run), (FAILED, "DeadlineExceeded"));
    assert_eq!(run.totals().map(|totals| totals.requests), Some(370));
}

#[tokio::test]
async fn a_first_ctrl_c_while_a_run_is_being_stopped_still_gets_its_numbers() {
    let (api, stops) = master(1_000).await;
    let mut view = View::on_stderr();
    let mut follow = to_follow(&api, &mut view);
    follow.limits.deadline_seconds = Some(2);
    let seen = Arc::clone(&stops);
    let ctrl_c = async move {
        while seen.load(Ordering::SeqCst) == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let run = follow.run(ctrl_c, pending()).await;
    assert_eq!(stops.load(Ordering::SeqCst), 1);
    assert_eq!(run.watch.phase(), RunPhase::Ended);
    let Ended::Stopped { reason, .. } = run.ended else {
        panic!("{:?}", run.ended);
    };
    assert_eq!(reason, FailureReason::DeadlineExceeded);
}

#[tokio::test]
async fn a_percentile_that_only_the_final_table_has_is_judged_by_it() {
    let (api, _) = master_of("2.20.1", 2).await;
    let thresholds = thresholds(serde_json::json!([
        { "metric": "p95", "endpoint": "/ok", "max": "8ms" },
    ]));
    let limits = Limits {
        thresholds,
        ..Limits::default()
    };
    let run = limited(&api, limits).await;
    let reading = run.judge.readings(true).remove(0);
    assert_eq!(reading.value.as_deref(), Some("4ms"));
    assert_eq!(cause(&run), (Grade::Judged(Verdict::Passed), ""));
}

/// A master with one of two workers, which begins its load when it is told not
/// to wait for the other; and how often it was told.
async fn incomplete_master() -> (Api, Arc<AtomicUsize>) {
    let told = Arc::new(AtomicUsize::new(0));
    let (seen, under_load) = (Arc::clone(&told), AtomicUsize::new(0));
    let answer = move |uri: Uri| {
        let is_told = seen.load(Ordering::SeqCst) > 0;
        let body = match uri.path() {
            "/stats/requests" if is_told && under_load.fetch_add(1, Ordering::SeqCst) > 1 => {
                recorded("2.47.0-stopped.json")
            }
            "/stats/requests" if is_told => recorded("2.47.0-running.json"),
            "/stats/requests" => serde_json::json!({
                "state": "ready",
                "user_count": 0,
                "stats": [{ "name": "Aggregated", "num_requests": 0 }],
                "workers": [{ "id": "a", "state": "ready" }, { "id": "b", "state": "missing" }],
            })
            .to_string(),
            "/swarm" => {
                seen.fetch_add(1, Ordering::SeqCst);
                String::new()
            }
            path => path.to_owned(),
        };
        std::future::ready(body.into_response())
    };
    let answer = Arc::new(answer);
    let app = Router::new().fallback(any(move |uri: Uri| answer(uri)));
    (serve(app).await, told)
}

#[tokio::test]
async fn a_load_starts_without_the_workers_that_are_missing_where_that_is_wanted() {
    let (api, told) = incomplete_master().await;
    let limits = Limits {
        start_deadline_seconds: Some(1),
        may_lack_workers: true,
        ..Limits::default()
    };
    let run = limited(&api, limits).await;
    assert!(told.load(Ordering::SeqCst) > 0);
    assert_eq!(run.started_with, Some(1));
    assert_eq!(run.watch.phase(), RunPhase::Ended);
    assert_eq!(run.ended, Ended::Itself);
}

#[tokio::test]
async fn a_run_fails_whose_workers_are_not_all_connected_by_the_start_deadline() {
    let (api, told) = incomplete_master().await;
    let limits = Limits {
        start_deadline_seconds: Some(1),
        ..Limits::default()
    };
    let run = limited(&api, limits).await;
    assert_eq!(told.load(Ordering::SeqCst), 0);
    let (conclusion, _) = conclude(&info(Exit::Code(0)), &run);
    assert_eq!(cause(&run).1, "WorkersNeverConnected");
    assert!(
        conclusion.reason.contains("1 of 2"),
        "{}",
        conclusion.reason
    );
}
