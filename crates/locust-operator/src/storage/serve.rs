//! What the sidecar says to whoever asks: the operator, and Kubernetes before it
//! ends the master.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use locust_core::storage::{GATHER, Outcome, STATUS};
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};

/// How long the end of a master is held up.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Clone)]
struct Told {
    said: watch::Receiver<Outcome>,
    hurry: Arc<Notify>,
}

/// Serves for ever. Why it does not.
pub(super) async fn serve(
    listener: TcpListener,
    said: watch::Receiver<Outcome>,
    hurry: Arc<Notify>,
) -> io::Error {
    let router = Router::new()
        .route(STATUS, get(status))
        .route(GATHER, get(gathered))
        .with_state(Told { said, hurry });
    match axum::serve(listener, router).await {
        Ok(()) => io::Error::other("the server ended"),
        Err(error) => error,
    }
}

async fn status(State(told): State<Told>) -> String {
    told.said.borrow().to_text()
}

/// Answers once there is something to say.
async fn gathered(State(mut told): State<Told>) -> String {
    told.hurry.notify_one();
    let is_something = |outcome: &Outcome| *outcome != Outcome::Waiting;
    let waited = told.said.wait_for(is_something);
    let outcome = match tokio::time::timeout(PATIENCE, waited).await {
        Ok(Ok(outcome)) => outcome.clone(),
        Ok(Err(_)) | Err(_) => Outcome::Waiting,
    };
    outcome.to_text()
}
