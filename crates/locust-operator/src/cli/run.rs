//! `locust-operator run`: the operator itself.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use locust_core::settings::{Settings, from_variables};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::controller::{self, Options, Scope};
use crate::telemetry::{self, LogFormat};

/// Arguments of `locust-operator run`.
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// Kubeconfig of the cluster. Without it: $KUBECONFIG, ~/.kube/config, or
    /// the service account of the pod.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Address of /healthz and /readyz, for example :8081. 0 serves none.
    #[arg(long, value_name = "ADDRESS", default_value = ":8081")]
    health_probe_bind_address: String,
    /// Look for LocustTests only in these namespaces. Roles there are enough.
    #[arg(long, value_name = "NAMESPACE", value_delimiter = ',')]
    watch_namespaces: Vec<String>,
    /// How many tests are looked at at a time.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..))]
    concurrency: u16,
    /// How log lines look.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    log_format: LogFormat,
    /// Least level of log lines: error, warn, info, debug or trace.
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    log_level: String,
}

/// Runs the operator until SIGTERM or SIGINT.
pub fn main(args: RunArgs) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let result = runtime
        .context("cannot start the runtime")
        .and_then(|runtime| runtime.block_on(run(args)));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: RunArgs) -> anyhow::Result<()> {
    let RunArgs {
        kubeconfig,
        health_probe_bind_address,
        watch_namespaces,
        concurrency,
        log_format,
        log_level,
    } = args;
    telemetry::start(log_format, &log_level);
    let options = Options {
        kubeconfig,
        scopes: scopes(watch_namespaces),
        health_address: probe_address(&health_probe_bind_address)?,
        concurrency,
        instance: std::env::var("POD_NAME").unwrap_or_else(|_| "locust-operator".to_owned()),
        settings: settings()?,
    };
    let shutdown = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let stop = shutdown.clone();
    let controller = controller::run(options, shutdown);
    tokio::pin!(controller);
    tokio::select! {
        ended = &mut controller => return Ok(ended?),
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("shutting down, running reconciles are finished first");
    stop.cancel();
    Ok(controller.await?)
}

/// The settings that the environment gives; all that is bad is told at once.
fn settings() -> anyhow::Result<Settings> {
    let parsed = from_variables(&std::env::vars().collect());
    for warning in &parsed.warnings {
        tracing::warn!("{warning}");
    }
    anyhow::ensure!(
        parsed.errors.is_empty(),
        "invalid operator configuration: resource validation failed:\n  - {}",
        parsed.errors.join("\n  - ")
    );
    Ok(parsed.settings)
}

fn scopes(namespaces: Vec<String>) -> Vec<Scope> {
    match namespaces.is_empty() {
        true => vec![Scope::Cluster],
        false => namespaces.into_iter().map(Scope::Namespace).collect(),
    }
}

/// An address as Go programs take it: without a host it means all addresses,
/// and `0` means none.
fn probe_address(text: &str) -> anyhow::Result<Option<SocketAddr>> {
    if text == "0" {
        return Ok(None);
    }
    let address = match text.strip_prefix(':') {
        Some(port) => port
            .parse()
            .map(|port| SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port))
            .ok(),
        None => text.parse().ok(),
    };
    address.map(Some).with_context(|| {
        format!("--health-probe-bind-address {text} is not an address: give HOST:PORT, :PORT or 0")
    })
}
