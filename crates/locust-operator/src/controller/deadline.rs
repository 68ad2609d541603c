//! Deadlines for every call to the API server, patience with watches, and no
//! write without the right to it.
//!
//! kube 5 waits for an answer's body without limit, and re-opens a watch that
//! the server closes at once as fast as it can. This layer gives every other
//! call a deadline that covers its body, and holds back the answer to a watch
//! that was opened too soon after the last one of its path.
//!
//! A write is sent only while the term lasts that the client got, and given up
//! when that is over: so no write of one leader meets those of the next.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::{BodyExt, Either, Full};
use hyper::body::{Body as HttpBody, Bytes};
use hyper::{Method, Request, Response};
use kube::client::Body;
use tokio::time::Instant;
use tower::{BoxError, Layer, Service};

use crate::leader::Term;

/// Deadline of a call about one object.
const OBJECT_DEADLINE: Duration = Duration::from_secs(10);
/// Deadline of one page of a list.
const LIST_DEADLINE: Duration = Duration::from_secs(30);
/// A watch that lived shorter than this was closed at once.
const SHORT_WATCH: Duration = Duration::from_secs(5);
/// Pause before the first watch that follows a short one; it doubles.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Puts [`Deadline`] around a client's service.
#[derive(Clone, Debug)]
pub(super) struct DeadlineLayer {
    watches: Watches,
    term: Term,
}

impl DeadlineLayer {
    /// For a client that may write in this term.
    pub(super) fn new(term: Term) -> Self {
        Self {
            watches: Watches::default(),
            term,
        }
    }
}

impl<S> Layer<S> for DeadlineLayer {
    type Service = Deadline<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Deadline {
            inner,
            watches: self.watches.clone(),
            term: self.term.clone(),
        }
    }
}

/// A client's service with deadlines.
#[derive(Clone, Debug)]
pub(super) struct Deadline<S> {
    inner: S,
    watches: Watches,
    term: Term,
}

/// An API call got no answer in time.
#[derive(Debug, thiserror::Error)]
#[error("no answer to {method} {path} within {} s", deadline.as_secs())]
struct Late {
    method: Method,
    path: String,
    deadline: Duration,
}

/// A write was not sent.
#[derive(Debug, thiserror::Error)]
#[error("{method} {path} was not sent: this process does not lead, or does not any more")]
struct NotLeading {
    method: Method,
    path: String,
}

type Answer<B> = Response<Either<B, Full<Bytes>>>;

impl<S, B> Service<Request<Body>> for Deadline<S>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Future: Send + 'static,
    S::Error: Into<BoxError>,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Answer<B>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Answer<B>, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let mut call = Call::of(&request);
        if call.writes() {
            match self.term.left(Instant::now()) {
                Some(left) => call.limit(left),
                None => {
                    let Call { method, path, .. } = call;
                    return Box::pin(async { Err(NotLeading { method, path }.into()) });
                }
            }
        }
        let answer = self.inner.call(request);
        let watches = self.watches.clone();
        Box::pin(async move {
            match call.kind {
                Kind::Watch => {
                    let pause = watches.open(&call.path, Instant::now());
                    let answer = answer.await.map_err(Into::into)?;
                    tokio::time::sleep(pause).await;
                    Ok(answer.map(Either::Left))
                }
                Kind::Bounded(deadline) => {
                    let late = Late {
                        method: call.method,
                        path: call.path,
                        deadline,
                    };
                    match tokio::time::timeout(deadline, whole(answer)).await {
                        Ok(answer) => answer,
                        Err(_) => Err(late.into()),
                    }
                }
            }
        })
    }
}

/// The answer with its body read to the end.
async fn whole<B, E>(
    answer: impl Future<Output = Result<Response<B>, E>>,
) -> Result<Answer<B>, BoxError>
where
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BoxError>,
    E: Into<BoxError>,
{
    let (parts, body) = answer.await.map_err(Into::into)?.into_parts();
    let bytes = body.collect().await.map_err(Into::into)?.to_bytes();
    Ok(Response::from_parts(parts, Either::Right(Full::new(bytes))))
}

struct Call {
    method: Method,
    path: String,
    kind: Kind,
}

enum Kind {
    Watch,
    Bounded(Duration),
}

impl Call {
    fn of(request: &Request<Body>) -> Self {
        let query = request.uri().query().unwrap_or_default();
        let is_watch = query
            .split('&')
            .any(|pair| pair == "watch=true" || pair == "watch=1");
        let is_list = request.method() == Method::GET && query.contains("limit=");
        let kind = match (is_watch, is_list) {
            (true, _) => Kind::Watch,
            (false, true) => Kind::Bounded(LIST_DEADLINE),
            (false, false) => Kind::Bounded(OBJECT_DEADLINE),
        };
        Self {
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            kind,
        }
    }

    fn writes(&self) -> bool {
        self.method != Method::GET
    }

    /// Waits no longer than this for an answer.
    fn limit(&mut self, longest: Duration) {
        if let Kind::Bounded(deadline) = &mut self.kind {
            *deadline = (*deadline).min(longest);
        }
    }
}

/// When each path was last watched, and how long its next watch is held back.
#[derive(Clone, Debug, Default)]
struct Watches(Arc<Mutex<HashMap<String, LastWatch>>>);

#[derive(Debug)]
struct LastWatch {
    opened: Instant,
    pause: Duration,
}

impl Watches {
    /// Notes that a path is watched from now on; returns for how long its
    /// answer is to be held back.
    fn open(&self, path: &str, now: Instant) -> Duration {
        let mut watches = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = watches.get(path);
        let pause = match last {
            Some(last) if now.duration_since(last.opened) < SHORT_WATCH + last.pause => {
                (last.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE)
            }
            _ => Duration::ZERO,
        };
        watches.insert(path.to_owned(), LastWatch { opened: now, pause });
        pause
    }
}

#[cfg(test)]
mod tests;
