//! `locust-operator run`: the operator itself.
//!
//! `args.rs` says what may be typed, `go.rs` how Go would take it, `rules.rs`
//! what it means; all three are pure.

mod args;
pub mod go;
mod rules;
mod serving;

use std::process::ExitCode;

use anyhow::Context as _;
use locust_core::settings::Settings;
use tokio::signal::unix::{SignalKind, signal};

use crate::controller::{self, Options, Shutdown};
use crate::leader::Election;
use crate::telemetry;
use rules::{Checked, Notice, check};

pub use args::RunArgs;

/// Where a pod finds its namespace.
const NAMESPACE_FILE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";
/// Gives another UUID each time.
const UUID_FILE: &str = "/proc/sys/kernel/random/uuid";

/// Runs the operator until SIGTERM or SIGINT.
pub fn main(args: RunArgs) -> ExitCode {
    let checked = match check(args, &std::env::vars().collect()) {
        Ok(checked) => checked,
        Err(refusal) => {
            for message in refusal.messages {
                eprintln!("error: {message}");
            }
            return ExitCode::from(refusal.exit_code);
        }
    };
    telemetry::start(&checked.logs);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let result = runtime
        .context("cannot start the runtime")
        .and_then(|runtime| {
            let result = runtime.block_on(run(checked));
            // Whatever still waits, for a name to be resolved, is not waited for.
            runtime.shutdown_background();
            result
        });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(checked: Checked) -> anyhow::Result<()> {
    let Checked {
        logs: _,
        kubeconfig,
        scopes,
        health_address,
        metrics,
        concurrency,
        leader_elect,
        settings,
        webhooks,
        notices,
    } = checked;
    notices.iter().for_each(log);
    log_settings(&settings);
    let instance = std::env::var("POD_NAME").unwrap_or_else(|_| "locust-operator".to_owned());
    let election = match leader_elect {
        true => Some(Election {
            namespace: own_namespace()?,
            identity: own_identity(&instance)?,
        }),
        false => None,
    };
    let options = Options {
        kubeconfig,
        scopes,
        health_address,
        metrics,
        concurrency,
        instance,
        election,
        webhook: serving::options(webhooks, &settings)?,
        settings,
    };
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let shutdown = Shutdown::default();
    let Shutdown { asked, hurried } = shutdown.clone();
    let controller = controller::run(options, shutdown);
    tokio::pin!(controller);
    tokio::select! {
        ended = &mut controller => return Ok(ended?),
        _ = terminate.recv() => {}
        // A person waits.
        _ = interrupt.recv() => hurried.cancel(),
    }
    tracing::info!("shutting down, running reconciles are finished first");
    asked.cancel();
    tokio::select! {
        ended = &mut controller => return Ok(ended?),
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    hurried.cancel();
    Ok(controller.await?)
}

/// The pod's namespace: the Lease of an election is there, as the Go operator's.
fn own_namespace() -> anyhow::Result<String> {
    let named = std::env::var("POD_NAMESPACE").ok();
    let mounted = || std::fs::read_to_string(NAMESPACE_FILE).ok();
    named
        .or_else(mounted)
        .map(|namespace| namespace.trim().to_owned())
        .filter(|namespace| !namespace.is_empty())
        .context("--leader-elect needs to know the namespace of its Lease, and this is no pod: set POD_NAMESPACE")
}

/// No two processes have the same, not even two containers of one pod.
fn own_identity(instance: &str) -> anyhow::Result<String> {
    let uuid =
        std::fs::read_to_string(UUID_FILE).with_context(|| format!("cannot read {UUID_FILE}"))?;
    Ok(format!("{instance}_{}", uuid.trim()))
}

fn log(notice: &Notice) {
    match notice {
        Notice::DeprecatedVariable => tracing::warn!(
            removalRelease = "v2.3.0",
            "ENABLE_WEBHOOKS env var is deprecated, use --enable-webhooks=true|false"
        ),
        Notice::IgnoredVariable(value) => {
            tracing::warn!(value, "ignoring ENABLE_WEBHOOKS: not a valid boolean");
        }
        Notice::Warning(line) => tracing::warn!("{line}"),
    }
}

/// The line of the Go operator, with its keys.
fn log_settings(settings: &Settings) {
    tracing::info!(
        ttlSecondsAfterFinished = settings.job_ttl_seconds,
        metricsExporterImage = settings.exporter.image,
        affinityInjection = settings.affinity_injection,
        tolerationsInjection = settings.tolerations_injection,
        "Operator configuration loaded"
    );
}
