//! One connection of the operator: takes its requests, does what the rules say
//! and passes on the answers.

use std::convert::Infallible;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, anyhow, bail};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST, HeaderValue, TRANSFER_ENCODING,
};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::rt::{TokioExecutor, TokioIo};
use kube::client::ConfigExt;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio_rustls::server::TlsStream;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, ServiceExt};

use super::rules::{Hold, Outcome, Rules, Trouble, Verdict};
use super::{Moment, Recorded};
use crate::client::Network;

type Body = BoxBody<Bytes, BoxError>;

/// The API server, as one user.
#[derive(Clone, Debug)]
pub(super) struct Upstream {
    http: BoxCloneSyncService<Request<Full<Bytes>>, Response<Incoming>, BoxError>,
    server: Uri,
    authorization: Option<HeaderValue>,
}

impl Upstream {
    /// The user is known by a client certificate or a token.
    pub(super) async fn open(network: &Network, kubeconfig: &Path) -> Result<Self> {
        let config = kube::config::Kubeconfig::read_from(kubeconfig)?;
        let config = kube::Config::from_custom_kubeconfig(config, &Default::default()).await?;
        let https = config.rustls_https_connector_with_connector(network.clone())?;
        let client = hyper_util::client::legacy::Client::builder(TokioExecutor::new())
            .build::<_, Full<Bytes>>(https);
        let token = serde_json::to_value(&config.auth_info)?;
        let authorization = match token.get("token").and_then(serde_json::Value::as_str) {
            Some(token) => Some(HeaderValue::try_from(format!("Bearer {token}"))?),
            None => None,
        };
        Ok(Self {
            http: BoxCloneSyncService::new(client.map_err(BoxError::from)),
            server: config.cluster_url,
            authorization,
        })
    }

    async fn send(&self, mut request: Request<Full<Bytes>>) -> Result<Response<Incoming>> {
        let mut uri = self.server.clone().into_parts();
        uri.path_and_query = request.uri().path_and_query().cloned();
        *request.uri_mut() = Uri::from_parts(uri)?;
        let headers = request.headers_mut();
        for name in [HOST, CONNECTION, TRANSFER_ENCODING, AUTHORIZATION] {
            headers.remove(name);
        }
        if let Some(authorization) = &self.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        let answer = self.http.clone().oneshot(request).await;
        answer.map_err(|error| anyhow!("reach the API server: {error}"))
    }
}

/// Told when a connection has been closed with all answers written.
type OnClose = Arc<Mutex<Vec<oneshot::Sender<()>>>>;

pub(super) async fn serve(stream: TlsStream<TcpStream>, upstream: Upstream, rules: Arc<Rules>) {
    let on_close = OnClose::default();
    let service = service_fn(|request| {
        let exchange = Exchange {
            upstream: upstream.clone(),
            rules: Arc::clone(&rules),
            on_close: Arc::clone(&on_close),
        };
        async move {
            // In a task of its own: a held request may be forwarded although
            // its sender, and so this connection, has gone.
            let running = tokio::spawn(exchange.run(request));
            running.await.map_err(anyhow::Error::from).flatten()
        }
    });
    // An error is a broken connection, or one that the rules break.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
    let mut waiting = on_close.lock().unwrap_or_else(PoisonError::into_inner);
    for closed in waiting.drain(..) {
        let _ = closed.send(());
    }
}

struct Exchange {
    upstream: Upstream,
    rules: Arc<Rules>,
    on_close: OnClose,
}

impl Exchange {
    async fn run(self, request: Request<Incoming>) -> Result<Response<Body>> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        match self.rules.trouble(&parts.uri.to_string()) {
            None => {}
            Some(Trouble::Answer(status, reason)) => return failure(status, reason),
            Some(Trouble::Delay(time)) => tokio::time::sleep(time).await,
            Some(Trouble::Silence) => std::future::pending().await,
        }
        let reads = matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
        if reads {
            let request = Request::from_parts(parts, Full::new(body));
            return Ok(streamed(self.upstream.send(request).await?));
        }
        let recorded = Recorded {
            method: parts.method.clone(),
            path: parts.uri.to_string(),
            content_type: text_of(parts.headers.get(CONTENT_TYPE)),
            body: serde_json::from_slice(&body).unwrap_or_default(),
            status: None,
        };
        let request = Request::from_parts(parts, Full::new(body));
        let (index, verdict) = self.wait_for_turn(&recorded).await?;
        match verdict {
            Verdict::Pass => self.apply(index, request).await,
            Verdict::Answer(status, reason) => {
                self.rules.answered(index, status);
                failure(status, reason)
            }
            Verdict::Hang => std::future::pending().await,
            Verdict::Hold(hold) => self.hold(index, recorded, request, hold).await,
        }
    }

    /// Waits while an earlier write is held, and shares its fate.
    async fn wait_for_turn(&self, request: &Recorded) -> Result<(usize, Verdict)> {
        loop {
            while let Some(mut outcome) = self.rules.gate() {
                let resolved = outcome.wait_for(Option::is_some).await;
                if !resolved.is_ok_and(|outcome| *outcome == Some(Outcome::Forward)) {
                    bail!("dropped with the held request before it");
                }
            }
            if let Some(judged) = self.rules.record(request) {
                return Ok(judged);
            }
        }
    }

    async fn hold(
        &self,
        index: usize,
        mut recorded: Recorded,
        request: Request<Full<Bytes>>,
        hold: Hold,
    ) -> Result<Response<Body>> {
        let Hold {
            moment,
            reached,
            mut outcome,
            done: _done,
        } = hold;
        let mut resolved = async || {
            let outcome = outcome.wait_for(Option::is_some).await;
            match outcome.is_ok_and(|outcome| *outcome == Some(Outcome::Forward)) {
                true => Ok(()),
                false => bail!("the held request was dropped"),
            }
        };
        if moment == Moment::BeforeRequest {
            let _ = reached.send(recorded);
            resolved().await?;
            return self.apply(index, request).await;
        }
        let mut answer = self.apply(index, request).await?;
        recorded.status = Some(answer.status());
        if moment == Moment::BeforeAnswer {
            let _ = reached.send(recorded);
            resolved().await?;
            return Ok(answer);
        }
        // Closing the connection behind the answer shows that it was written.
        answer
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
        let (closed_sender, closed) = oneshot::channel();
        self.on_close
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(closed_sender);
        tokio::spawn(async move {
            let _ = closed.await;
            let _ = reached.send(recorded);
        });
        Ok(answer)
    }

    /// Sends a write and takes the whole answer, so that it has been applied
    /// and is complete whatever happens next.
    async fn apply(&self, index: usize, request: Request<Full<Bytes>>) -> Result<Response<Body>> {
        let (parts, body) = self.upstream.send(request).await?.into_parts();
        let body = body
            .collect()
            .await
            .context("read the API server's answer")?;
        self.rules.answered(index, parts.status);
        let body = Full::new(body.to_bytes()).map_err(never).boxed();
        Ok(without_transfer_headers(Response::from_parts(parts, body)))
    }
}

fn streamed(answer: Response<Incoming>) -> Response<Body> {
    without_transfer_headers(answer.map(|body| body.map_err(BoxError::from).boxed()))
}

/// They belong to one connection; the other one gets its own.
fn without_transfer_headers(mut answer: Response<Body>) -> Response<Body> {
    answer.headers_mut().remove(CONNECTION);
    answer.headers_mut().remove(TRANSFER_ENCODING);
    answer
}

/// As the API server tells failures.
fn failure(status: StatusCode, reason: &str) -> Result<Response<Body>> {
    let body = serde_json::json!({
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "answered by the test's fault proxy",
        "reason": reason,
        "code": status.as_u16(),
    });
    let body = Full::new(Bytes::from(body.to_string()))
        .map_err(never)
        .boxed();
    Ok(Response::builder()
        .status(status)
        .header(CONTENT_TYPE, "application/json")
        .body(body)?)
}

fn never(error: Infallible) -> BoxError {
    match error {}
}

fn text_of(header: Option<&HeaderValue>) -> String {
    header
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned()
}
