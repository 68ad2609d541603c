//! The webhooks: conversion between the versions of the API, and validation.
//!
//! They are served by every replica from its first moment on, by an own server
//! that waits for nothing: neither for leadership nor for a cache nor, once
//! there is a certificate, for the API server. What is answered is the core's.
//!
//! | file | does |
//! |---|---|
//! | `requests.rs` | what may be asked, and in which bounds |
//! | `own/` | certificates that the operator makes itself |
//!
//! TLS, HTTP, who is let in, and certificates that somebody else makes, are those
//! of `crate::server`.

mod own;
mod requests;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;

use kube::Client;
use locust_core::convert::ApiVersion;
use locust_core::settings::Settings;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

pub use own::{Clock, Own};
pub use requests::Served;

use crate::server::{self, End, Files, Identity, NoFiles, Protocols, Server};
use requests::Requests;

/// How to serve the webhooks.
#[derive(Clone, Debug)]
pub struct Options {
    /// The port.
    pub port: u16,
    /// What is offered to clients.
    pub protocols: Protocols,
    /// What may be asked.
    pub served: Served,
    /// Where the certificate comes from.
    pub certificates: Certificates,
    /// By which tests are judged.
    pub settings: Settings,
}

/// Where the certificate comes from.
#[derive(Clone, Debug)]
pub enum Certificates {
    /// The operator makes it.
    Own(Own),
    /// Somebody else does.
    Files(Files),
}

/// The webhooks cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// The port is taken or not ours.
    #[error("cannot listen on port {port} for webhooks: choose another --webhook-port")]
    Listen {
        /// The port asked for.
        port: u16,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// TLS cannot be set up.
    #[error("cannot set up TLS for webhooks")]
    Tls(#[source] rustls::Error),
    /// The certificate files did not come.
    #[error(transparent)]
    NoFiles(#[from] NoFiles),
    /// A task that has to live ended.
    #[error("the webhook server ended unexpectedly")]
    Ended,
}

/// The port of the webhooks, which takes connections.
#[derive(Debug)]
pub struct Listening(TcpListener);

impl Listening {
    /// The port, which the system chose if 0 was asked for.
    pub fn port(&self) -> u16 {
        self.0.local_addr().map_or(0, |address| address.port())
    }
}

impl From<TcpListener> for Listening {
    /// A port that somebody else took.
    fn from(listener: TcpListener) -> Self {
        Self(listener)
    }
}

/// Takes the port, before anything else is done.
pub async fn listen(options: &Options) -> Result<Listening, WebhookError> {
    let port = options.port;
    let listener = server::listen(SocketAddr::from(([0_u16; 8], port))).await;
    listener
        .map(Listening)
        .map_err(|source| WebhookError::Listen { port, source })
}

/// Serves until nobody asks any more, then finishes what is being answered.
pub async fn serve(
    Listening(listener): Listening,
    options: Options,
    client: Client,
    clock: Clock,
    ready: impl FnOnce() + Send + 'static,
    end: End,
) -> Result<(), WebhookError> {
    let Options {
        port: _,
        protocols,
        served,
        certificates,
        settings,
    } = options;
    let identity = Identity::none();
    let requests = Arc::new(Requests {
        served,
        settings,
        convert: Box::new(convert),
        large: Semaphore::new(1),
        deadline: requests::DEADLINE,
        leaving: end.leaving.clone(),
    });
    let gone = end.gone.clone();
    let mut tasks: JoinSet<Result<(), WebhookError>> = JoinSet::new();
    let ended = gone.clone();
    let has_certificate = identity.clone();
    tasks.spawn(async move {
        tokio::select! {
            () = has_certificate.come() => ready(),
            () = ended.cancelled() => {}
        }
        Ok(())
    });
    match certificates {
        Certificates::Files(files) => {
            let keeping = server::keep(files, identity.clone(), gone.clone());
            tasks.spawn(async move { Ok(keeping.await?) });
        }
        Certificates::Own(own) => {
            let keeping = own::keep(own, client, clock, identity.clone(), gone.clone());
            tasks.spawn(async move {
                keeping.await;
                Ok(())
            });
        }
    }
    let server = Server {
        listener,
        identity: Some(identity),
        protocols,
        end,
    };
    tasks.spawn(async move {
        server::serve(server, requests)
            .await
            .map_err(WebhookError::Tls)
    });
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap_or(Err(WebhookError::Ended))?;
    }
    match gone.is_cancelled() {
        true => Ok(()),
        false => Err(WebhookError::Ended),
    }
}

fn convert(object: serde_json::Value, desired: &str) -> Result<serde_json::Value, String> {
    let desired = ApiVersion::parse(desired)
        .ok_or_else(|| format!("there are {} and {}", ApiVersion::V1, ApiVersion::V2))?;
    locust_core::convert::convert(object, desired).map_err(|why| why.to_string())
}
