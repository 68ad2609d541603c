//! Logs of the operator: one line each on standard error, as text for people or
//! JSON for machines.

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts logging. `level` is a level (`info`) or a filter of tracing
/// (`info,kube=debug`).
pub(crate) fn start(format: LogFormat, level: &str) {
    let filter = EnvFilter::try_new(level).unwrap_or_else(|error| {
        eprintln!("warning: --log-level {level} is not understood ({error}), using info");
        EnvFilter::new("info")
    });
    // kube's own span around a reconcile says less than ours, at length.
    let filter = match "kube_runtime=warn".parse() {
        Ok(quieter) if !level.contains("kube_runtime") => filter.add_directive(quieter),
        _ => filter,
    };
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match format {
        LogFormat::Text => subscriber
            .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
            .init(),
        LogFormat::Json => subscriber.json().flatten_event(true).init(),
    }
}
