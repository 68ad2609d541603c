//! Flags of what this version does not have: they are accepted, so that a
//! Deployment of the Go operator starts, and said to have no effect.
//!
//! Who builds one of these takes its lines out of [`without_effect`] and hands
//! the value on in `Checked`.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::super::args::RunArgs;
use super::{Flags, Notice, go};

/// What the flag and the variable say about webhooks.
pub(super) struct Webhooks {
    enabled: bool,
    pub(super) notices: Vec<Notice>,
    /// Why the operator cannot serve them.
    pub(super) refusal: Option<String>,
}

/// The flag wins over the deprecated variable, whose value counts only if it is
/// a boolean.
pub(super) fn webhooks(
    args: &RunArgs,
    variables: &BTreeMap<String, String>,
    flags: &mut Flags,
) -> Webhooks {
    let flag = args
        .enable_webhooks
        .as_deref()
        .map(|value| flags.boolean("enable-webhooks", value));
    let variable = variables
        .get("ENABLE_WEBHOOKS")
        .filter(|value| !value.is_empty());
    let mut notices = Vec::new();
    if let Some(value) = variable {
        notices.push(Notice::DeprecatedVariable);
        if flag.is_none() && go::boolean(value).is_none() {
            notices.push(Notice::IgnoredVariable(value.clone()));
        }
    }
    let enabled = flag.or_else(|| go::boolean(variable?)).unwrap_or_default();
    let refusal = (enabled && args.webhook_cert_path.is_empty()).then(|| {
        "--webhook-cert-path is required when --enable-webhooks=true (the chart default is /tmp/k8s-webhook-server/serving-certs); or set --enable-webhooks=false to run without admission webhooks".to_owned()
    });
    Webhooks {
        enabled,
        notices,
        refusal,
    }
}

const NO_METRICS: &str = "this version serves no metrics";
const NO_WEBHOOKS: &str = "this version serves no webhooks";
const NO_ELECTION: &str = "this version elects no leader, so run one replica";
const NO_SERVERS: &str = "this version serves neither metrics nor webhooks";
const NO_TRACES: &str = "log lines carry causes, not stack traces";

/// One line for each flag that asks for something and gets nothing.
pub(super) fn without_effect(
    args: &RunArgs,
    webhooks: &Webhooks,
    flags: &mut Flags,
) -> Vec<String> {
    check_port(&args.webhook_port, flags);
    let wait = wait(&args.webhook_cert_wait_timeout, flags);
    let leader_elect = flags.boolean("leader-elect", &args.leader_elect);
    let metrics_secure = flags.boolean("metrics-secure", &args.metrics_secure);
    let http2 = flags.boolean("enable-http2", &args.enable_http2);
    let traces = args.zap_stacktrace_level.as_deref().unwrap_or_default();
    let asked = [
        ("leader-elect", word(leader_elect), "false", NO_ELECTION),
        (
            "metrics-bind-address",
            &args.metrics_bind_address,
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
        (
            "enable-webhooks",
            word(webhooks.enabled),
            "false",
            NO_WEBHOOKS,
        ),
        ("webhook-port", &args.webhook_port, "9443", NO_WEBHOOKS),
        (
            "webhook-cert-path",
            &args.webhook_cert_path,
            "",
            NO_WEBHOOKS,
        ),
        (
            "webhook-cert-name",
            &args.webhook_cert_name,
            "tls.crt",
            NO_WEBHOOKS,
        ),
        (
            "webhook-cert-key",
            &args.webhook_cert_key,
            "tls.key",
            NO_WEBHOOKS,
        ),
        ("webhook-cert-wait-timeout", wait, "2m", NO_WEBHOOKS),
        ("enable-http2", word(http2), "false", NO_SERVERS),
        ("zap-stacktrace-level", traces, "", NO_TRACES),
    ];
    asked
        .into_iter()
        .filter(|(_, value, off, _)| value != off)
        .map(|(name, value, _, why)| format!("--{name}={value} has no effect: {why}"))
        .collect()
}

fn check_port(value: &str, flags: &mut Flags) {
    let read = match value.parse::<u16>() {
        Ok(1..) => Ok(()),
        _ => Err("give a port from 1 to 65535".to_owned()),
    };
    flags.or("webhook-port", value, read, ());
}

/// The value, or the default if it means the same.
fn wait<'a>(value: &'a str, flags: &mut Flags) -> &'a str {
    let read = go::duration(value).ok_or_else(|| "parse error".to_owned());
    let default = SignedDuration::from_mins(2);
    match flags.or("webhook-cert-wait-timeout", value, read, default) == default {
        true => "2m",
        false => value,
    }
}

fn word(boolean: bool) -> &'static str {
    if boolean { "true" } else { "false" }
}
