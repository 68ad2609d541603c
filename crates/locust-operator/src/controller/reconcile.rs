//! One look at one test: remember, decide, read, decide anew, apply, fold,
//! store, report.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::runtime::controller::Action;
use kube::{Client, Resource, ResourceExt};
use locust_api::latest::{LocustTest, Phase};
use locust_core::decide::{Decision, Reading, decide};
use locust_core::events::Event;
use locust_core::fold::{Done, changed_events, created_events, fold};
use locust_core::observed::{Notice, Observed};
use locust_core::polling;
use locust_core::settings::Settings;
use locust_core::status::{Pace, health, pace};
use tracing::Instrument;

use super::answer::chain;
use super::apply::{ApplyError, apply, write_status};
use super::caches::Caches;
use super::known::Known;
use super::memory::Memory;
use super::meters::Meters;
use super::observe::{self, ObserveError};
use super::polling::Pollers;
use super::report::report;

/// How often one reconcile decides. A start takes four: from memory, create,
/// record and release, store.
const ROUNDS: usize = 6;

/// What every reconcile shares.
pub(super) struct Context {
    pub(super) client: Client,
    pub(super) caches: Caches,
    pub(super) settings: Settings,
    /// Name of this process in events.
    pub(super) instance: String,
    pub(super) memory: Memory,
    pub(super) meters: Meters,
    pub(super) pollers: Pollers,
}

impl Context {
    /// Sends events about a test.
    async fn report(&self, test: &ObjectMeta, events: &[Event]) {
        report(&self.client, &self.instance, test, events).await;
    }

    /// What events say of objects whose status does not say why they wait.
    /// There are none in a test that starts well.
    async fn notices(&self, observed: &Observed) -> Vec<Notice> {
        let Some(questions) = health::questions(observed) else {
            return Vec::new();
        };
        let (age, known) = self.memory.notices(&observed.test);
        if age.is_some_and(|age| age < questions.patience) {
            return known;
        }
        let namespace = observed.test.namespace().unwrap_or_default();
        tracing::debug!(objects = questions.about.len(), "reading events");
        match observe::notices(&self.client, &namespace, &questions.about).await {
            Ok(notices) => {
                self.memory.noticed(&observed.test, notices.clone());
                notices
            }
            // The test is looked after without them.
            Err(error) => {
                tracing::warn!(cause = %chain(&error), "events cannot be read, so causes of waiting pods stay unknown");
                self.memory.noticed(&observed.test, known.clone());
                known
            }
        }
    }
}

/// A reconcile failed; it will be tried again.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReconcileError {
    /// The world could not be seen.
    #[error(transparent)]
    Observe(#[from] ObserveError),
    /// A write failed.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// A bug: the reconcile of this test panicked, others go on.
    #[error("reconcile panicked: {0}")]
    Panicked(String),
    /// Each step led to another one.
    #[error("still not settled after {ROUNDS} rounds")]
    Unsettled,
}

impl ReconcileError {
    /// Whether the world merely moved while it was looked at.
    pub(super) const fn is_conflict(&self) -> bool {
        matches!(
            self,
            Self::Apply(ApplyError::Conflict { .. }) | Self::Observe(ObserveError::Behind { .. })
        )
    }
}

/// Reconciles one test, and counts it.
pub(super) async fn reconcile(
    known: Arc<Known>,
    context: Arc<Context>,
) -> Result<Action, ReconcileError> {
    context.meters.measured(look_at(&known, &context)).await
}

/// Looks at one test, and survives it.
async fn look_at(known: &Known, context: &Context) -> Result<Action, ReconcileError> {
    let test = match known.test() {
        Ok(test) => test,
        Err(why) => {
            report_undecodable(known.meta(), &why, context).await;
            return Ok(Action::await_change());
        }
    };
    let span = tracing::info_span!(
        "look",
        namespace = test.metadata.namespace,
        locusttest = test.metadata.name,
        uid = test.metadata.uid,
        generation = test.metadata.generation,
    );
    let look = reconcile_test(test, context).instrument(span);
    let action = survive(look.boxed()).await?;
    context.memory.succeeded(known.meta());
    Ok(action)
}

/// A look that panics is a bug in this one look: the others go on.
async fn survive(
    look: impl Future<Output = Result<Action, ReconcileError>>,
) -> Result<Action, ReconcileError> {
    AssertUnwindSafe(look)
        .catch_unwind()
        .await
        .unwrap_or_else(|panic| Err(ReconcileError::Panicked(panic_text(&*panic))))
}

/// Tells, once per version, of a test that the API server takes and we cannot
/// read.
async fn report_undecodable(metadata: &ObjectMeta, error: &str, context: &Context) {
    if context.memory.is_news(metadata) {
        let name = metadata.name.as_deref().unwrap_or_default();
        tracing::error!(locusttest = name, %error, "LocustTest cannot be decoded, it is left alone");
        let event = Event::undecodable(error);
        context.report(metadata, &[event]).await;
    }
}

async fn reconcile_test(test: LocustTest, context: &Context) -> Result<Action, ReconcileError> {
    if phase_of(&test).is_some_and(Phase::is_terminal) {
        context.caches.last_seen.forget(&test);
        context.pollers.forget(&test);
    }
    if let Some(wait) = context.memory.lags(&test) {
        return Ok(Action::requeue(wait));
    }
    let last_refusal = context.memory.last_refusal(&test);
    let mut observed = observe::remembered(&context.caches, test);
    observed.refused = last_refusal;
    observed.storing = context.memory.storing(&observed.test);
    let source = polling::source(&observed, &context.settings);
    observed.heard = context.pollers.follow(&observed.test, source);
    observed.notices = context.notices(&observed).await;
    let decision = decide(&observed, &context.settings);
    if let Some(action) = idle(&observed, &decision, context) {
        return Ok(action);
    }
    let least = context.memory.least_reading(&observed.test);
    let mut read = Reading::Nothing;
    let mut events = Vec::new();
    for _ in 0..ROUNDS {
        let decision = decide(&observed, &context.settings);
        let needed = decision.reading().max(least);
        if needed > read {
            let fresh = observe::read(&context.client, &context.caches, observed, needed).await?;
            let Some(fresh) = fresh else {
                return Ok(Action::await_change());
            };
            (observed, read) = (fresh, needed);
            observed.refused = last_refusal;
            continue;
        }
        if decision.steps.is_empty() {
            return settle(context, &observed, decision, events).await;
        }
        let (outcome, result) = apply(&context.client, &observed, decision.steps.clone()).await;
        events.extend(created_events(&outcome));
        for done in &outcome.done {
            observed.absorb(done);
            if let Done::StoringTried(storing) = done {
                context.memory.tried_to_store(&observed.test, storing);
            }
        }
        if let Err(error) = result {
            context.report(&observed.test.metadata, &events).await;
            return Err(error.into());
        }
        if let Some(refusal) = &outcome.refused {
            let status = fold(&observed, &decision, &outcome);
            let refused = Decision {
                steps: Vec::new(),
                status,
                requeue: Some(refusal.cause.patience()),
                events: Vec::new(),
            };
            let action = settle(context, &observed, refused, events).await?;
            // Only once it is told of: until then the next look tries again.
            context.memory.was_refused(&observed.test, refusal.cause);
            return Ok(action);
        }
        read = read.once_done();
        events.extend(decision.events);
    }
    Err(ReconcileError::Unsettled)
}

fn phase_of(test: &LocustTest) -> Option<Phase> {
    test.status.as_ref().and_then(|status| status.phase)
}

/// What to do if nothing is to be written.
fn idle(observed: &Observed, decision: &Decision, context: &Context) -> Option<Action> {
    if !decision.steps.is_empty() {
        return None;
    }
    let since_write = context.memory.since_write(&observed.test);
    match pace(observed.test.status.as_ref(), &decision.status, since_write) {
        Pace::Write => None,
        Pace::Same => Some(
            decision
                .requeue
                .map_or_else(Action::await_change, Action::requeue),
        ),
        Pace::Wait(wait) => Some(Action::requeue(
            decision.requeue.map_or(wait, |requeue| requeue.min(wait)),
        )),
    }
}

/// Stores the status if it changed, then tells.
async fn settle(
    context: &Context,
    observed: &Observed,
    decision: Decision,
    mut events: Vec<Event>,
) -> Result<Action, ReconcileError> {
    let action = idle(observed, &decision, context);
    if action.is_none() {
        let stored = write_status(&context.client, &observed.test, &decision.status).await;
        match stored {
            Ok(stored) => context.memory.wrote(&stored),
            Err(error) => {
                context.report(&observed.test.metadata, &events).await;
                return Err(error.into());
            }
        }
        events.extend(changed_events(
            observed.test.status.as_ref(),
            &decision.status,
        ));
    }
    context.report(&observed.test.metadata, &events).await;
    Ok(action.unwrap_or_else(|| {
        decision
            .requeue
            .map_or_else(Action::await_change, Action::requeue)
    }))
}

/// When to try again after an error: soon if the world merely moved, else ever
/// later.
pub(super) fn retry(known: &Known, error: &ReconcileError, context: &Context) -> Action {
    let failures = context.memory.failed(known.meta());
    let (first, longest) = match error.is_conflict() {
        true => (Duration::from_millis(50), Duration::from_secs(5)),
        false => (Duration::from_secs(1), Duration::from_secs(60)),
    };
    let doubled = first.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1)));
    Action::requeue(doubled.min(longest))
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}

#[cfg(test)]
mod tests;
