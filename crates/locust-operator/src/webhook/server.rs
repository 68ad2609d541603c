//! The HTTPS server: TLS 1.2 and newer, HTTP/1.1, and HTTP/2 if asked for.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::WebhookError;
use super::connections::rules::Stage;
use super::connections::{Connections, Place};
use super::identity::Identity;
use super::requests::{Requests, answer};

/// How often a full house is asked for a place.
const FULL: Duration = Duration::from_millis(10);
/// How long answers may take after the end was asked for.
const LAST_ANSWERS: Duration = Duration::from_secs(4);

/// The name of HTTP/2 in TLS.
const H2: &[u8] = b"h2";

/// Which protocols are offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocols {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2 too.
    Http1AndHttp2,
}

/// Takes the port. Clients may connect from now on.
pub(super) async fn listen(port: u16) -> Result<TcpListener, WebhookError> {
    let everywhere = SocketAddr::from(([0_u16; 8], port));
    let listener = match TcpListener::bind(everywhere).await {
        // There are machines without IPv6.
        Err(error) if error.kind() != std::io::ErrorKind::AddrInUse => {
            TcpListener::bind(SocketAddr::from(([0_u8; 4], port))).await
        }
        bound => bound,
    };
    listener.map_err(|source| WebhookError::Listen { port, source })
}

/// Serves until nobody asks any more, then finishes what it answers.
pub(super) async fn serve(
    listener: TcpListener,
    identity: Identity,
    requests: Arc<Requests>,
    gone: CancellationToken,
) -> Result<(), WebhookError> {
    let acceptor = TlsAcceptor::from(Arc::new(config(identity.clone(), requests.protocols)?));
    let connections = Connections::default();
    let tasks = TaskTracker::new();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of file descriptors, say: others may go meanwhile.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(FULL).await;
                    continue;
                }
            },
            () = gone.cancelled() => break,
        };
        let place = tokio::select! {
            place = place(&connections) => place,
            () = gone.cancelled() => break,
        };
        let one = One {
            acceptor: acceptor.clone(),
            identity: identity.clone(),
            requests: requests.clone(),
            place: Arc::new(place),
            gone: gone.clone(),
        };
        tasks.spawn(one.serve(stream));
    }
    tasks.close();
    // Whoever has not got an answer by then asks another replica.
    let _ = tokio::time::timeout(LAST_ANSWERS, tasks.wait()).await;
    Ok(())
}

async fn place(connections: &Connections) -> Place {
    loop {
        match connections.place() {
            Some(place) => return place,
            None => tokio::time::sleep(FULL).await,
        }
    }
}

fn config(identity: Identity, protocols: Protocols) -> Result<ServerConfig, WebhookError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(WebhookError::Tls)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(identity));
    config.alpn_protocols = match protocols {
        Protocols::Http1 => vec![b"http/1.1".to_vec()],
        Protocols::Http1AndHttp2 => vec![H2.to_vec(), b"http/1.1".to_vec()],
    };
    Ok(config)
}

/// One connection.
struct One {
    acceptor: TlsAcceptor,
    identity: Identity,
    requests: Arc<Requests>,
    place: Arc<Place>,
    gone: CancellationToken,
}

impl One {
    async fn serve(self, stream: TcpStream) {
        let place = self.place.clone();
        let close = place.close.clone();
        tokio::select! {
            () = self.talk(stream) => {}
            () = place.useless() => {}
            () = close.cancelled() => {}
        }
    }

    async fn talk(self, stream: TcpStream) {
        let Self {
            acceptor,
            identity,
            requests,
            place,
            gone,
        } = self;
        // Small answers are not to wait for each other.
        let _ = stream.set_nodelay(true);
        identity.come().await;
        let stream = match acceptor.accept(stream).await {
            Ok(stream) => stream,
            Err(error) => {
                tracing::debug!(%error, "TLS handshake failed");
                return;
            }
        };
        let is_http_2 = stream.get_ref().1.alpn_protocol() == Some(H2);
        let leaving = requests.leaving.clone();
        // Before that an HTTP/2 connection cannot be ended in good order.
        let answered = CancellationToken::new();
        let has_answered = answered.clone();
        let builder = builder(requests.protocols);
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let (requests, place) = (requests.clone(), place.clone());
            let answered = answered.clone();
            async move {
                place.is(Stage::Sending);
                let answer = answer(&requests, request, &place).await;
                place.is(Stage::Waiting);
                answered.cancel();
                Ok::<_, std::convert::Infallible>(answer)
            }
        });
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        tokio::pin!(connection);
        let told_by_frame = async {
            leaving.cancelled().await;
            has_answered.cancelled().await;
        };
        let is_to_end = async {
            tokio::select! {
                // It names the last request that is answered.
                () = told_by_frame, if is_http_2 => {}
                () = gone.cancelled() => {}
            }
        };
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = is_to_end => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended early");
        }
    }
}

fn builder(protocols: Protocols) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    match protocols {
        Protocols::Http1 => builder.http1_only(),
        Protocols::Http1AndHttp2 => {
            builder.http2().max_concurrent_streams(64);
            builder
        }
    }
}
