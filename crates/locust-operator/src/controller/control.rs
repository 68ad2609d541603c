//! The controller of one scope: from its watches to its looks.

use std::sync::Arc;

use futures::StreamExt;
use futures::channel::mpsc;
use kube::runtime::Controller;
use kube::runtime::controller::Config as ControllerConfig;
use kube::{Client, Resource};
use locust_core::settings::Settings;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::answer;
use super::caches::{self, Streams};
use super::gauges::Gauges;
use super::known::Known;
use super::memory::Memory;
use super::meters::Meters;
use super::polling::Pollers;
use super::readiness::Readiness;
use super::reconcile::{Context, ReconcileError, reconcile, retry};
use super::scope::Scope;
use super::sweep::{self, Listings};
use super::{RunError, controller_of, preflight};
use crate::leader::Term;
use crate::migrate;

/// What the controller of one scope needs.
pub(super) struct Controlled {
    pub(super) client: Client,
    pub(super) scope: Scope,
    pub(super) concurrency: u16,
    pub(super) instance: String,
    pub(super) settings: Settings,
    pub(super) readiness: Readiness,
    pub(super) term: Term,
    pub(super) meters: Meters,
    pub(super) gauges: Gauges,
}

/// Watches and reconciles one scope until shutdown.
pub(super) async fn control(
    controlled: Controlled,
    shutdown: CancellationToken,
) -> Result<(), RunError> {
    let Controlled {
        client,
        scope,
        concurrency,
        instance,
        settings,
        readiness,
        term,
        meters,
        gauges,
    } = controlled;
    tokio::select! {
        () = preflight::wait(&client, &scope, &readiness) => {}
        () = shutdown.cancelled() => return Ok(()),
    }
    // A standby is ready: it has all that it needs to take over.
    readiness.has(&controller_of(&scope));
    tokio::select! {
        () = term.begun() => {}
        () = shutdown.cancelled() => return Ok(()),
    }
    let (relist, relisted) = watch::channel(0);
    let (caches, streams) = caches::open(&client, &scope, relisted);
    let Streams {
        tests,
        children,
        listed,
        mut gone,
    } = streams;
    let mut tasks = JoinSet::new();
    let (triggers, triggered) = mpsc::unbounded();
    for child in children {
        let triggers = triggers.clone();
        tasks.spawn(async move {
            child.map(Ok).forward(triggers).await.ok();
        });
    }
    readiness.wait_for(&controller_of(&scope), "filling its caches");
    tokio::select! {
        () = caches.filled() => {}
        () = shutdown.cancelled() => return Ok(()),
    }
    let ready = ready_with_tests(listed.clone(), readiness, controller_of(&scope));
    tasks.spawn(ready);
    if scope == Scope::Cluster {
        tasks.spawn(migrate::beside(client.clone()));
    }
    let context = Arc::new(Context {
        client,
        caches: caches.clone(),
        settings,
        instance,
        memory: Memory::default(),
        meters,
        pollers: Pollers::new(caches.tests.clone(), triggers),
    });
    gauges.watch(&context);
    let told = context.clone();
    tasks.spawn(async move {
        while let Some(test) = gone.next().await {
            told.pollers.hurry(&test);
        }
    });
    let listings = Listings { listed, relist };
    tasks.spawn(sweep::sweep(context.clone(), scope.clone(), listings));
    tracing::info!(%scope, "watching LocustTests");
    Controller::for_stream(tests, caches.tests.clone())
        .with_config(ControllerConfig::default().concurrency(concurrency))
        .reconcile_on(triggered)
        .graceful_shutdown_on(shutdown.clone().cancelled_owned())
        .run(
            reconcile,
            |test, error, context| {
                let action = retry(&test, error, &context);
                log_failure(&test, error);
                action
            },
            context,
        )
        .for_each(|_| async {})
        .await;
    match shutdown.is_cancelled() {
        true => Ok(()),
        false => Err(RunError::Ended("controller")),
    }
}

/// The tests are listed beside their children, and looked at after them.
async fn ready_with_tests(
    mut listed: watch::Receiver<u32>,
    readiness: Readiness,
    controller: String,
) {
    if listed.wait_for(|times| *times > 0).await.is_ok() {
        readiness.has(&controller);
    }
}

fn log_failure(test: &Known, error: &ReconcileError) {
    let meta = test.meta();
    let namespace = meta.namespace.as_deref().unwrap_or_default();
    let locusttest = meta.name.as_deref().unwrap_or_default();
    let cause = answer::chain(error);
    if error.is_conflict() {
        tracing::debug!(namespace, locusttest, %cause, "looking again");
    } else {
        tracing::warn!(namespace, locusttest, %cause, "reconcile failed, it will be tried again");
    }
}
