//! The target's HTTP side.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Json;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use http_body_util::BodyExt;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::{Change, Stats, Target};

/// Time to wait when the system has no file descriptor left for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves `target` (or a fresh one with this behaviour) until `shutdown` is
/// done, then ends at once: open connections are closed, not waited for.
pub async fn serve(
    listener: TcpListener,
    target: impl Into<Target>,
    shutdown: impl Future<Output = ()>,
) {
    let router = router(target.into());
    // Dropping the set, in whatever way this function ends, closes every
    // connection.
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => return,
            accepted = listener.accept() => accept(accepted, &router, &mut connections).await,
            Some(_ended) = connections.join_next() => {}
        }
    }
}

async fn accept(
    accepted: std::io::Result<(TcpStream, SocketAddr)>,
    router: &Router,
    connections: &mut JoinSet<()>,
) {
    match accepted {
        Ok((stream, _from)) => {
            connections.spawn(serve_connection(stream, router.clone()));
        }
        Err(error) => {
            tracing::warn!(%error, "the target cannot accept a connection");
            tokio::time::sleep(ACCEPT_PAUSE).await;
        }
    }
}

async fn serve_connection(stream: TcpStream, router: Router) {
    // Without it small answers wait for the client's delayed acknowledgement.
    // A connection that is gone already is found out by the first read.
    let _gone = stream.set_nodelay(true);
    // No timer is given, so an idle kept-alive connection is never closed from
    // this side: the load test would see that as an error of the target.
    let ended = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
        .await;
    if let Err(error) = ended {
        tracing::trace!(%error, "a connection to the target ended early");
    }
}

fn router(target: Target) -> Router {
    Router::new()
        .route("/-/stats", get(stats))
        .route("/-/behaviour", post(change))
        .route("/-/reset", post(reset))
        .route("/-/{*rest}", any(unknown))
        .fallback(answer)
        .with_state(target)
}

async fn stats(State(target): State<Target>) -> Json<Stats> {
    Json(target.stats())
}

async fn change(State(target): State<Target>, body: String) -> Response {
    let change: Change = match serde_json::from_str(&body) {
        Ok(change) => change,
        Err(error) => return bad_request(&format!("body: {error}")),
    };
    match target.change(change) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => bad_request(&error.to_string()),
    }
}

async fn reset(State(target): State<Target>) -> StatusCode {
    target.reset();
    StatusCode::NO_CONTENT
}

async fn unknown() -> Response {
    let known = "no such page: GET /-/stats, POST /-/behaviour and POST /-/reset are there\n";
    (StatusCode::NOT_FOUND, known).into_response()
}

fn bad_request(message: &str) -> Response {
    (StatusCode::BAD_REQUEST, format!("{message}\n")).into_response()
}

async fn answer(State(target): State<Target>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    let latency = {
        let mut shared = target.lock();
        shared.counts.receive(path, Instant::now());
        shared.behaviour.latency
    };
    // The body is read to its end first: only then does hyper notice a client
    // that goes away during the latency, and drops this future, uncounted.
    if !drain(body).await {
        return StatusCode::BAD_REQUEST.into_response();
    }
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let mut shared = target.lock();
    let failure = shared.behaviour.fail.get(path).copied();
    match shared.counts.answer(path, failure) {
        Some(status) => (
            StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            "chosen failure\n",
        )
            .into_response(),
        None => "ok\n".into_response(),
    }
}

/// Reads a body away. False if the client broke it off.
async fn drain(mut body: Body) -> bool {
    while let Some(frame) = body.frame().await {
        if frame.is_err() {
            return false;
        }
    }
    true
}
