//! Counts what the operator does, for its metrics.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use hyper::{Request, Response};
use kube::client::Body;
use kube::runtime::controller::Action;
use locust_core::metrics::{Outcome, Work};
use tokio::time::Instant;
use tower::{Layer, Service};

use super::reconcile::ReconcileError;

/// What was done so far, by all scopes and clients together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meters(Arc<Mutex<Work>>);

impl Meters {
    /// Counts a look, and how long it takes.
    pub(super) async fn measured(
        &self,
        look: impl Future<Output = Result<Action, ReconcileError>>,
    ) -> Result<Action, ReconcileError> {
        let begun = Instant::now();
        self.lock().begins();
        let result = look.await;
        self.lock().ended(outcome(&result), begun.elapsed());
        result
    }

    pub(super) fn work(&self) -> Work {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Work> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn outcome(result: &Result<Action, ReconcileError>) -> Outcome {
    match result {
        Ok(action) if *action == Action::await_change() => Outcome::Success,
        Ok(_) => Outcome::RequeueAfter,
        Err(ReconcileError::Panicked(_)) => Outcome::Panic,
        Err(_) => Outcome::Error,
    }
}

impl<S> Layer<S> for Meters {
    type Service = Metered<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Metered {
            inner,
            meters: self.clone(),
        }
    }
}

/// A client's service whose calls are counted.
#[derive(Clone, Debug)]
pub(crate) struct Metered<S> {
    inner: S,
    meters: Meters,
}

impl<S, B> Service<Request<Body>> for Metered<S>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let method = request.method().clone();
        let answer = self.inner.call(request);
        let meters = self.meters.clone();
        Box::pin(async move {
            let answer = answer.await;
            let code = answer.as_ref().map(Response::status);
            let code = code.as_ref().map_or("<error>", |code| code.as_str());
            meters.lock().called(method.as_str(), code);
            answer
        })
    }
}
