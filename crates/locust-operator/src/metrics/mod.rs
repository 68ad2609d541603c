//! What Prometheus is told, by HTTP. The metrics themselves are made in
//! `locust_core::metrics`.
//!
//! | file | does |
//! |---|---|
//! | `mod.rs` | the operator's `/metrics`, by HTTPS and to those who may, or in the open |
//! | `access.rs` | who may |
//! | `exporter.rs` | the sidecar of a master: asks Locust once per scrape |

mod access;
pub(crate) mod exporter;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use kube::Client;
use locust_core::metrics;
use rcgen::{Certificate, CertificateParams, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::server::connections::Place;
use crate::server::connections::rules::Stage;
use crate::server::{self, Answers, End, Files, Identity, NoFiles, Protocols, Server};
use access::{Access, Refusal};

/// How long answers may take after the end was asked for. A leader that ends
/// gives its Lease back after that.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// The one path. It is part of the right to read it.
const PATH: &str = "/metrics";

/// How to serve the operator's metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Where to listen.
    pub address: SocketAddr,
    /// What is offered to clients.
    pub protocols: Protocols,
    /// To whom.
    pub security: Security,
}

/// Who may read the metrics, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Security {
    /// Anybody, by plain HTTP.
    Open,
    /// Whoever may in the cluster, by HTTPS with a certificate that nobody
    /// vouches for.
    OwnCertificate,
    /// Whoever may in the cluster, by HTTPS with this certificate.
    Files(Files),
}

/// The metrics cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// The address is taken or not ours.
    #[error("cannot listen on {address} for metrics: choose another --metrics-bind-address")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A certificate of our own cannot be made.
    #[error("cannot make a certificate for metrics")]
    Certificate(#[source] rcgen::Error),
    /// TLS cannot be set up.
    #[error("cannot set up TLS for metrics")]
    Tls(#[from] rustls::Error),
    /// The certificate files did not come.
    #[error(transparent)]
    NoFiles(#[from] NoFiles),
}

/// Makes the text of all metrics.
pub(crate) type Text = Arc<dyn Fn() -> String + Send + Sync>;

/// Takes the address, before anything else is done.
pub(crate) async fn listen(options: &Options) -> Result<TcpListener, MetricsError> {
    let address = options.address;
    server::listen(address)
        .await
        .map_err(|source| MetricsError::Listen { address, source })
}

/// Serves until shutdown. The client asks who it is that asks.
pub(crate) async fn serve(
    listener: TcpListener,
    options: Options,
    sources: (Client, Text),
    shutdown: CancellationToken,
) -> Result<(), MetricsError> {
    let (client, text) = sources;
    let Options {
        address: _,
        protocols,
        security,
    } = options;
    let access = (security != Security::Open).then(|| Access::new(client, PATH));
    let (identity, files) = match security {
        Security::Open => (None, None),
        Security::OwnCertificate => {
            let identity = Identity::none();
            identity.use_from_now(own_certificate()?);
            (Some(identity), None)
        }
        Security::Files(files) => (Some(Identity::none()), Some(files)),
    };
    let keeping = {
        let (identity, shutdown) = (identity.clone(), shutdown.clone());
        async move {
            match files.zip(identity) {
                Some((files, identity)) => server::keep(files, identity, shutdown).await,
                None => Ok(()),
            }
        }
    };
    let scraped = Scraped {
        access,
        text,
        place: Semaphore::new(1),
        leaving: shutdown.clone(),
    };
    let server = Server {
        listener,
        identity,
        protocols,
        end: End {
            leaving: shutdown.clone(),
            gone: shutdown.clone(),
        },
    };
    let serving = async { Ok::<_, MetricsError>(server::serve(server, Arc::new(scraped)).await?) };
    let keeping = async { Ok::<_, MetricsError>(keeping.await?) };
    tokio::select! {
        ended = async { tokio::try_join!(serving, keeping) } => ended.map(|_| ()),
        () = late(&shutdown) => Ok(()),
    }
}

/// Waits until nobody is waited for any more.
async fn late(shutdown: &CancellationToken) {
    shutdown.cancelled().await;
    tokio::time::sleep(LAST_ANSWERS).await;
}

/// As the Go operator's: there is no name by which it could be known.
fn own_certificate() -> Result<CertifiedKey, MetricsError> {
    let (certificate, key) = self_signed().map_err(MetricsError::Certificate)?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = rustls::crypto::ring::default_provider();
    let chain = vec![certificate.der().clone()];
    Ok(CertifiedKey::from_der(chain, key, &provider)?)
}

fn self_signed() -> Result<(Certificate, KeyPair), rcgen::Error> {
    let key = KeyPair::generate()?;
    let params = CertificateParams::new(vec!["localhost".to_owned()])?;
    Ok((params.self_signed(&key)?, key))
}

/// What requests are answered with.
struct Scraped {
    /// Who may ask; `None`: anybody.
    access: Option<Access>,
    text: Text,
    /// One text is made at a time: with many tests it is long.
    place: Semaphore,
    leaving: CancellationToken,
}

impl Answers for Arc<Scraped> {
    async fn answer(&self, request: Request<Incoming>, place: &Place) -> Response<Full<Bytes>> {
        place.is(Stage::Answered);
        let mut response = self.respond(&request).await;
        if self.leaving.is_cancelled() {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(CONNECTION, close);
        }
        response
    }
}

impl Scraped {
    /// Whether something is there is told to those only who may know.
    async fn respond(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        if let Some(access) = &self.access {
            let header = request.headers().get(AUTHORIZATION);
            if let Err(refusal) = access.of(header).await {
                return refused(&refusal);
            }
        }
        if request.uri().path() != PATH {
            return line(StatusCode::NOT_FOUND, format!("the metrics are at {PATH}"));
        }
        if request.method() != Method::GET {
            let message = format!("{PATH} takes GET alone");
            return line(StatusCode::METHOD_NOT_ALLOWED, message);
        }
        self.text().await
    }

    async fn text(&self) -> Response<Full<Bytes>> {
        // It is never closed.
        let _place = self.place.acquire().await;
        let text = self.text.clone();
        match tokio::task::spawn_blocking(move || text()).await {
            Ok(text) => response(StatusCode::OK, metrics::CONTENT_TYPE, text),
            Err(error) => {
                tracing::error!(%error, "metrics cannot be told");
                let message = "the metrics could not be made".to_owned();
                line(StatusCode::INTERNAL_SERVER_ERROR, message)
            }
        }
    }
}

/// In the words of controller-runtime.
fn refused(refusal: &Refusal) -> Response<Full<Bytes>> {
    match refusal {
        Refusal::Unauthenticated => line(StatusCode::UNAUTHORIZED, "Unauthorized".to_owned()),
        Refusal::Forbidden(user) => line(
            StatusCode::FORBIDDEN,
            format!("Authorization denied for user {user}"),
        ),
        Refusal::Unknown => line(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Authentication failed".to_owned(),
        ),
    }
}

fn line(status: StatusCode, message: String) -> Response<Full<Bytes>> {
    response(status, "text/plain; charset=utf-8", message + "\n")
}

fn response(status: StatusCode, content_type: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static(content_type);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}
