//! A server that strangers can reach, by HTTPS or plain HTTP: TLS 1.2 and
//! newer, HTTP/1.1, and HTTP/2 if asked for.
//!
//! | file | does |
//! |---|---|
//! | `connections.rs` | who is let in |
//! | `identity.rs` | the certificate in use |
//! | `files.rs` | certificates that somebody else makes |

pub(crate) mod connections;
mod files;
mod identity;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use connections::rules::Stage;
use connections::{Connections, Place};

pub(crate) use files::keep;
pub use files::{Files, NoFiles, Use};
pub(crate) use identity::Identity;

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

/// What a server answers with.
pub(crate) trait Answers: Clone + Send + Sync + 'static {
    /// Answers one request. What it does meanwhile is noted in its place.
    fn answer(
        &self,
        request: Request<Incoming>,
        place: &Place,
    ) -> impl Future<Output = Response<Full<Bytes>>> + Send;
}

/// How serving comes to its end. There is a time between the two in which
/// clients still ask here, because they have not yet been told where else.
#[derive(Clone, Debug, Default)]
pub struct End {
    /// Cancelled when others are to be asked: every answer closes its
    /// connection from then on.
    pub leaving: CancellationToken,
    /// Cancelled when nobody asks here any more.
    pub gone: CancellationToken,
}

/// How to serve.
pub(crate) struct Server {
    pub(crate) listener: TcpListener,
    /// The certificate to show; `None`: plain HTTP.
    pub(crate) identity: Option<Identity>,
    pub(crate) protocols: Protocols,
    pub(crate) end: End,
}

/// Takes a port. Clients may connect from now on.
pub(crate) async fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    match TcpListener::bind(address).await {
        // There are machines without IPv6.
        Err(error)
            if error.kind() != std::io::ErrorKind::AddrInUse
                && address.is_ipv6()
                && address.ip().is_unspecified() =>
        {
            TcpListener::bind(SocketAddr::from(([0_u8; 4], address.port()))).await
        }
        bound => bound,
    }
}

/// Serves until nobody asks any more, then finishes what it answers.
pub(crate) async fn serve(server: Server, answers: impl Answers) -> Result<(), rustls::Error> {
    let Server {
        listener,
        identity,
        protocols,
        end,
    } = server;
    let tls = match identity {
        Some(identity) => Some(Tls {
            acceptor: TlsAcceptor::from(Arc::new(config(identity.clone(), protocols)?)),
            identity,
        }),
        None => None,
    };
    let gone = end.gone.clone();
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
            tls: tls.clone(),
            answers: answers.clone(),
            protocols,
            place: Arc::new(place),
            end: end.clone(),
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

fn config(identity: Identity, protocols: Protocols) -> Result<ServerConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(identity));
    config.alpn_protocols = match protocols {
        Protocols::Http1 => vec![b"http/1.1".to_vec()],
        Protocols::Http1AndHttp2 => vec![H2.to_vec(), b"http/1.1".to_vec()],
    };
    Ok(config)
}

#[derive(Clone)]
struct Tls {
    acceptor: TlsAcceptor,
    identity: Identity,
}

/// One connection.
struct One<A> {
    tls: Option<Tls>,
    answers: A,
    protocols: Protocols,
    place: Arc<Place>,
    end: End,
}

impl<A: Answers> One<A> {
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
        // Small answers are not to wait for each other.
        let _ = stream.set_nodelay(true);
        let Some(Tls { acceptor, identity }) = self.tls.clone() else {
            return self.answer(stream, Version::HTTP_11).await;
        };
        identity.come().await;
        match acceptor.accept(stream).await {
            Ok(stream) => {
                let version = match stream.get_ref().1.alpn_protocol() {
                    Some(H2) => Version::HTTP_2,
                    _ => Version::HTTP_11,
                };
                self.answer(stream, version).await;
            }
            Err(error) => tracing::debug!(%error, "TLS handshake failed"),
        }
    }

    async fn answer<S>(self, stream: S, version: Version)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Self {
            tls: _,
            answers,
            protocols,
            place,
            end: End { leaving, gone },
        } = self;
        // Before that an HTTP/2 connection cannot be ended in good order.
        let answered = CancellationToken::new();
        let has_answered = answered.clone();
        let builder = builder(protocols);
        let service = service_fn(move |request: Request<Incoming>| {
            let (answers, place) = (answers.clone(), place.clone());
            let answered = answered.clone();
            async move {
                place.is(Stage::Sending);
                let answer = answers.answer(request, &place).await;
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
                () = told_by_frame, if version == Version::HTTP_2 => {}
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
