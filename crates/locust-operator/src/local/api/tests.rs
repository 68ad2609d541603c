//! The client against masters that a script plays.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use axum::Router;
use axum::http::Method;
use axum::response::IntoResponse;
use axum::routing::any;
use locust_core::polling::Silence;
use tokio::net::TcpListener;

use super::*;

/// A master that answers every request by `answer`, and what it was asked.
async fn master<A, R>(answer: A) -> (Api, Arc<Mutex<Vec<String>>>)
where
    A: Fn(Method, String) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = axum::response::Response> + Send,
{
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    let app = Router::new().fallback(any(move |method: Method, uri: axum::http::Uri| {
        log.lock().unwrap().push(format!("{method} {uri}"));
        answer(method, uri.to_string())
    }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, app).await });
    (Api::new(port, ""), asked)
}

fn status(code: u16) -> axum::response::Response {
    StatusCode::from_u16(code).unwrap().into_response()
}

#[tokio::test]
async fn stop_is_posted_and_on_405_or_500_fetched() {
    for refused in [200, 405, 500] {
        let (api, asked) = master(move |method, _| async move {
            status(if method == Method::POST { refused } else { 200 })
        })
        .await;
        api.stop().await.unwrap();
        let expected: &[&str] = match refused {
            200 => &["POST /stop"],
            _ => &["POST /stop", "GET /stop"],
        };
        assert_eq!(*asked.lock().unwrap(), expected, "{refused}");
    }
}

#[tokio::test]
async fn a_start_without_all_workers_is_a_form_that_starts_nothing_itself() {
    let (forms, heard) = tokio::sync::oneshot::channel();
    let forms = Arc::new(Mutex::new(Some(forms)));
    let app = Router::new().route(
        "/swarm",
        axum::routing::post(async move |request: axum::extract::Request| {
            let kind = request.headers().get("content-type").cloned();
            let body = axum::body::to_bytes(request.into_body(), 1000).await;
            let told = forms.lock().unwrap().take().unwrap();
            told.send((kind.unwrap(), body.unwrap())).unwrap();
            r#"{"success":false}"#
        }),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, app).await });
    Api::new(port, "").start_without_all().await.unwrap();
    let (kind, body) = heard.await.unwrap();
    assert_eq!(kind, "application/x-www-form-urlencoded");
    // Locust notes the first, and gives up at the second.
    assert_eq!(body, "expect_workers=1&run_time=-".as_bytes());
}

#[tokio::test]
async fn a_stop_that_is_refused_otherwise_is_an_error() {
    let (api, asked) = master(|_, _| async { status(403) }).await;
    let error = api.stop().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "asking Locust's API for /stop: answered 403 Forbidden"
    );
    assert_eq!(*asked.lock().unwrap(), ["POST /stop"]);
}

#[tokio::test]
async fn a_stop_that_takes_its_time_is_taken_as_stopping() {
    let (api, _) = master(|_, _| std::future::pending()).await;
    let begun = Instant::now();
    let (stop, sample) = tokio::join!(api.stop(), api.sample());
    assert!(begun.elapsed() < DEADLINE * 2);
    stop.unwrap();
    let error = sample.unwrap_err();
    assert!(matches!(error, ApiError::Deadline { .. }), "{error}");
}

#[tokio::test]
async fn the_paths_are_those_of_locust_below_the_base_path() {
    let (api, asked) = master(|_, uri| async move {
        match uri.as_str() {
            "/load/a/worker-count" => "{\"worker_count\": 2}".into_response(),
            _ => "Type,Name\n".into_response(),
        }
    })
    .await;
    let port = api.web_ui().rsplit_once(':').unwrap().1.parse().unwrap();
    let api = Api::new(port, "/load/a/");
    assert_eq!(api.worker_count().await.unwrap(), Some(2));
    api.stats_csv().await.unwrap();
    api.failures_csv().await.unwrap();
    api.exceptions_csv().await.unwrap();
    api.report().await.unwrap();
    api.sample().await.unwrap_err();
    assert_eq!(
        *asked.lock().unwrap(),
        [
            "GET /load/a/worker-count",
            "GET /load/a/stats/requests/csv",
            "GET /load/a/stats/failures/csv",
            "GET /load/a/exceptions/csv",
            "GET /load/a/stats/report?download=1",
            "GET /load/a/stats/requests",
        ]
    );
}

#[tokio::test]
async fn a_version_without_worker_count_is_no_error() {
    for code in [404, 500] {
        let (api, _) = master(move |_, _| async move { status(code) }).await;
        assert_eq!(api.worker_count().await.unwrap(), None, "{code}");
    }
}

#[tokio::test]
async fn a_port_that_nobody_listens_on_is_told_from_other_silence() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let ask = async || silence(&Api::new(port, "").sample().await.unwrap_err());
    drop(listener);
    let said = ask().await;
    assert!(matches!(said, Silence::NotListening(_)), "{said:?}");
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            drop(connection);
        }
    });
    let said = ask().await;
    assert!(matches!(said, Silence::Unreachable(_)), "{said:?}");
}

#[tokio::test]
async fn a_login_page_is_no_answer() {
    let (api, _) = master(|_, _| async { "<!doctype html><title>Login".into_response() }).await;
    for error in [
        api.sample().await.unwrap_err(),
        api.stats_csv().await.unwrap_err(),
    ] {
        assert!(matches!(error, ApiError::Unexpected { .. }), "{error}");
    }
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let (api, _) = master(|_, _| async { vec![b'x'; MAX_BODY_BYTES + 1].into_response() }).await;
    let error = api.report().await.unwrap_err();
    assert!(matches!(error, ApiError::TooLarge { .. }), "{error}");
}
