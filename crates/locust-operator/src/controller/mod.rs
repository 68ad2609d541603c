//! Watches LocustTests and reconciles them. The IO around `locust-core`: it
//! fetches what a decision needs and carries out what it says.
//!
//! | file | does |
//! |---|---|
//! | `reconcile.rs` | one look at one test; start reading here |
//! | `control.rs` | the controller of one scope |
//! | `observe.rs`, `apply.rs`, `report.rs` | its reads, its writes, its events |
//! | `polling.rs` | what masters say of their runs |
//! | `caches.rs`, `last_seen.rs`, `sweep.rs` | watches, what is kept of what they say, and what they may miss |
//! | `ahead.rs`, `prune.rs`, `text.rs`, `packed.rs`, `known.rs`, `children.rs` | how that is soon there, and kept small |
//! | `preflight.rs`, `readiness.rs`, `admin.rs` | waiting, and saying so |
//! | `client.rs`, `deadline.rs` | the client with its deadlines |
//! | `meters.rs`, `gauges.rs` | what metrics tell of all that |

mod admin;
mod ahead;
pub(crate) mod answer;
mod apply;
mod caches;
mod children;
mod client;
mod control;
mod deadline;
mod gauges;
mod known;
mod last_seen;
mod memory;
mod meters;
mod observe;
mod packed;
mod polling;
mod preflight;
mod prune;
mod readiness;
mod reconcile;
mod report;
mod scope;
mod sweep;
mod text;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use locust_core::settings::Settings;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use admin::AdminError;
pub(crate) use answer::{chain, code};
pub use client::ClientError;
pub(crate) use client::connect;
pub(crate) use meters::Meters;
pub use scope::Scope;

use crate::leader::{Candidate, Election, Lost, Term};
use crate::metrics::{self, MetricsError};
use crate::server::End;
use crate::webhook::{self, Clock, Served, WebhookError};
use control::{Controlled, control};
use gauges::Gauges;
use readiness::Readiness;

/// How to run the operator.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to find the API server; `None`: the usual places.
    pub kubeconfig: Option<PathBuf>,
    /// Where to look for LocustTests.
    pub scopes: Vec<Scope>,
    /// Where to serve health probes; `None`: nowhere.
    pub health_address: Option<SocketAddr>,
    /// How to serve metrics; `None`: not.
    pub metrics: Option<metrics::Options>,
    /// How many tests are looked at at a time, in each scope.
    pub concurrency: u16,
    /// Name of this process in events.
    pub instance: String,
    /// Work only while elected; `None`: always.
    pub election: Option<Election>,
    /// Settings for all tests.
    pub settings: Settings,
    /// How to serve the webhooks; `None`: not.
    pub webhook: Option<webhook::Options>,
}

/// The operator ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// There is no way to the API server.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The probe server failed.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// The metrics cannot be served.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// The webhooks cannot be served.
    #[error(transparent)]
    Webhook(#[from] WebhookError),
    /// Another replica may work from now on.
    #[error(transparent)]
    Lost(#[from] Lost),
    /// A task that has to live ended.
    #[error("the {0} ended unexpectedly")]
    Ended(&'static str),
}

/// Asks the operator to end.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    /// Cancelled when nothing is to be begun any more.
    pub asked: CancellationToken,
    /// Cancelled when clients that do not know of the end yet do not matter.
    pub hurried: CancellationToken,
}

/// How long webhooks are answered after the end was asked for: until then no
/// API server sends calls here any more. With the time for the last answers it
/// is less than the pod's `terminationGracePeriodSeconds`.
const LINGER: Duration = Duration::from_secs(5);

/// Runs the operator until `shutdown`, then lets running reconciles finish, and
/// only then another replica begin. When leadership is lost nothing is
/// finished: whatever is under way is dropped.
pub async fn run(options: Options, shutdown: Shutdown) -> Result<(), RunError> {
    let Shutdown {
        asked: shutdown,
        hurried,
    } = shutdown;
    let Options {
        kubeconfig,
        scopes,
        health_address,
        metrics,
        concurrency,
        instance,
        election,
        settings,
        webhook,
    } = options;
    let meters = Meters::default();
    let measured = match metrics {
        Some(options) => Some((metrics::listen(&options).await?, options)),
        None => None,
    };
    let listening = match &webhook {
        Some(options) => Some(webhook::listen(options).await?),
        None => None,
    };
    // What every replica writes.
    let everyones = client::connect(kubeconfig.as_deref(), Term::Unlimited, &meters).await?;
    let mut candidate = match election {
        None => None,
        Some(election) => {
            let client = client::connect(kubeconfig.as_deref(), Term::Unlimited, &meters).await?;
            Some(Candidate::stand(client, election))
        }
    };
    let term = candidate.as_ref().map_or(Term::Unlimited, Candidate::term);
    let client = client::connect(kubeconfig.as_deref(), term.clone(), &meters).await?;
    let at_a_time = u64::from(concurrency).saturating_mul(u64::try_from(scopes.len()).unwrap_or(1));
    let gauges = Gauges::new(meters.clone(), term.clone(), at_a_time);
    let readiness = Readiness::default();
    let answered = CancellationToken::new();
    let mut tasks: JoinSet<Result<(), RunError>> = JoinSet::new();
    if let Some((listener, options)) = measured {
        let gauges = gauges.clone();
        let text: metrics::Text = Arc::new(move || gauges.text());
        let sources = (everyones.clone(), text);
        let serving = metrics::serve(listener, options, sources, shutdown.clone());
        tasks.spawn(async move { Ok(serving.await?) });
    }
    let mut webhooks = JoinSet::new();
    if let Some((listening, options)) = listening.zip(webhook) {
        let ready = when_certified(&options, &readiness);
        let clock: Clock = Arc::new(jiff::Timestamp::now);
        let end = End {
            leaving: shutdown.clone(),
            gone: answered.clone(),
        };
        webhooks.spawn(webhook::serve(
            listening, options, everyones, clock, ready, end,
        ));
    }
    for scope in &scopes {
        readiness.wait_for(&controller_of(scope), "starting");
    }
    let lingered = tokio::spawn(linger(shutdown.clone(), hurried));
    if let Some(address) = health_address {
        let serving = admin::serve(address, readiness.clone(), shutdown.clone());
        tasks.spawn(async move { Ok(serving.await?) });
    }
    for scope in scopes {
        let one = Controlled {
            client: client.clone(),
            scope,
            concurrency,
            instance: instance.clone(),
            settings: settings.clone(),
            readiness: readiness.clone(),
            term: term.clone(),
            meters: meters.clone(),
            gauges: gauges.clone(),
        };
        tasks.spawn(control(one, shutdown.clone()));
    }
    let result = tokio::select! {
        result = all(&mut tasks) => match (result, candidate) {
            (Ok(()), Some(candidate)) => candidate.resign().await.map_err(RunError::from),
            (result, _) => result,
        },
        lost = lost(&mut candidate) => {
            // What is under way is dropped at once.
            tasks.abort_all();
            Err(lost.into())
        }
        Some(ended) = webhooks.join_next() => Err(ended.map_or(WebhookError::Ended, failure).into()),
    };
    shutdown.cancel();
    if result.is_ok() && !webhooks.is_empty() {
        tracing::info!(
            "webhooks are answered a little longer: not every API server knows of the end yet"
        );
        // Of a task that only sleeps.
        let _ = lingered.await;
    }
    answered.cancel();
    while webhooks.join_next().await.is_some() {}
    result
}

/// Waits until API servers know of the end that was asked for, or do not matter.
async fn linger(asked: CancellationToken, hurried: CancellationToken) {
    asked.cancelled().await;
    tokio::select! {
        () = tokio::time::sleep(LINGER) => {}
        () = hurried.cancelled() => {}
    }
}

/// Waits until leadership is lost; for ever if there is no election.
async fn lost(candidate: &mut Option<Candidate>) -> Lost {
    match candidate {
        Some(candidate) => candidate.lost().await,
        None => std::future::pending().await,
    }
}

/// Waits until all tasks have ended, or one has failed.
async fn all(tasks: &mut JoinSet<Result<(), RunError>>) -> Result<(), RunError> {
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap_or(Err(RunError::Ended("controller")))?;
    }
    Ok(())
}

/// Webhooks that have ended before they were to.
fn failure(ended: Result<(), WebhookError>) -> WebhookError {
    ended.err().unwrap_or(WebhookError::Ended)
}

/// Whoever asks for validation by a webhook is told when there is one.
fn when_certified(
    options: &webhook::Options,
    readiness: &Readiness,
) -> impl FnOnce() + Send + 'static {
    if options.served != Served::Conversion {
        readiness.wait_for(WEBHOOKS, "no certificate yet");
    }
    let readiness = readiness.clone();
    move || readiness.has(WEBHOOKS)
}

/// Their name in what `/readyz` says.
const WEBHOOKS: &str = "webhooks";

/// Its name in what `/readyz` says.
fn controller_of(scope: &Scope) -> String {
    format!("controller of {scope}")
}
