//! `/healthz` and `/readyz`. Healthy means that the process turns; ready means
//! that it can do its work. Not being ready is no reason for a restart.

use std::net::SocketAddr;

use axum::http::StatusCode;
use axum::{Router, extract::State, routing::get};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::readiness::Readiness;

/// The probe server could not be started or went down.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The address is taken or not ours.
    #[error(
        "cannot listen on {address} for health probes: choose another --health-probe-bind-address"
    )]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The server ended.
    #[error("the health probe server ended")]
    Serve(#[source] std::io::Error),
}

/// Serves the probes until shutdown.
pub(super) async fn serve(
    address: SocketAddr,
    readiness: Readiness,
    shutdown: CancellationToken,
) -> Result<(), AdminError> {
    let listener = TcpListener::bind(address)
        .await
        .map_err(|source| AdminError::Listen { address, source })?;
    axum::serve(listener, router(readiness))
        .with_graceful_shutdown(shutdown.cancelled_owned())
        .await
        .map_err(AdminError::Serve)
}

fn router(readiness: Readiness) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(readyz))
        .with_state(readiness)
}

async fn readyz(State(readiness): State<Readiness>) -> (StatusCode, String) {
    let waiting = readiness.waiting();
    if waiting.is_empty() {
        (StatusCode::OK, "ok".to_owned())
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, waiting.join("\n"))
    }
}
