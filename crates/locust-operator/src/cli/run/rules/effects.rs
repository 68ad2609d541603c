//! Flags of what this version does not have: they are accepted, so that a
//! Deployment of the Go operator starts, and said to have no effect.
//!
//! Who builds one of these takes its lines out of [`without_effect`] and hands
//! the value on in `Checked`.

use super::super::args::RunArgs;
use super::Flags;

const NO_METRICS: &str = "this version serves no metrics";
const NO_TRACES: &str = "log lines carry causes, not stack traces";

/// One line for each flag that asks for something and gets nothing.
pub(super) fn without_effect(args: &RunArgs, flags: &mut Flags) -> Vec<String> {
    let metrics_secure = flags.boolean("metrics-secure", &args.metrics_secure);
    let traces = args.zap_stacktrace_level.as_deref().unwrap_or_default();
    let asked = [
        (
            "metrics-bind-address",
            args.metrics_bind_address.as_str(),
            "0",
            NO_METRICS,
        ),
        ("metrics-secure", word(metrics_secure), "true", NO_METRICS),
        ("metrics-cert-path", &args.metrics_cert_path, "", NO_METRICS),
        (
            "metrics-cert-name",
            &args.metrics_cert_name,
            "tls.crt",
            NO_METRICS,
        ),
        (
            "metrics-cert-key",
            &args.metrics_cert_key,
            "tls.key",
            NO_METRICS,
        ),
        ("zap-stacktrace-level", traces, "", NO_TRACES),
    ];
    asked
        .into_iter()
        .filter(|(_, value, off, _)| value != off)
        .map(|(name, value, _, why)| format!("--{name}={value} has no effect: {why}"))
        .collect()
}

fn word(boolean: bool) -> &'static str {
    if boolean { "true" } else { "false" }
}
