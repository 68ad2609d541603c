//! The target's HTTP side.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::{Extension, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use http_body_util::BodyExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::connection::serve_connection;
use super::counts::Answered;
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
    let target = target.into();
    let router = router(target.clone());
    // Dropping the set, in whatever way this function ends, closes every
    // connection.
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, from)) => {
                    let _handle = connections.spawn(counted(stream, from, target.clone(), router.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "the target cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_ended) = connections.join_next() => {}
        }
    }
}

/// What the last answer on a connection was counted as, until the client shows
/// that it has read it, by asking for more.
type Last = Arc<Mutex<Option<Answered>>>;

/// Serves a connection, and takes back the count of an answer that its client
/// left unread.
async fn counted(stream: TcpStream, from: SocketAddr, target: Target, router: Router) {
    let last = Last::default();
    let router = router.layer(Extension(Arc::clone(&last)));
    if serve_connection(stream, router).await {
        tracing::trace!(%from, "a client of the target broke off its connection");
        if let Some(answered) = replace(&last, None) {
            target.lock().counts.take_back(&answered);
        }
    }
}

fn replace(last: &Last, value: Option<Answered>) -> Option<Answered> {
    let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
    std::mem::replace(&mut last, value)
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

// The body says nothing, but has to be read: a connection with an unread one
// is closed.
async fn reset(State(target): State<Target>, _body: Bytes) -> StatusCode {
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

async fn answer(
    State(target): State<Target>,
    Extension(last): Extension<Last>,
    request: Request,
) -> Response {
    replace(&last, None);
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
    let answered = shared.counts.answer(path, failure);
    let status = answered.status;
    replace(&last, Some(answered));
    match status {
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
