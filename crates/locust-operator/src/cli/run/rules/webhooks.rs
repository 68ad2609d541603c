//! What the flags and the deprecated variable say about webhooks.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::super::args::RunArgs;
use super::{Flags, Notice, go};
use crate::server::{Files, Protocols, Use};
use crate::webhook::Served;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli::run) struct Webhooks {
    /// What is served; `None`: nothing.
    pub(in crate::cli::run) served: Option<Served>,
    pub(in crate::cli::run) port: u16,
    pub(in crate::cli::run) protocols: Protocols,
    /// The certificate, if somebody else looks after it.
    pub(in crate::cli::run) files: Option<Files>,
    /// The name of the configuration that asks for validation.
    pub(in crate::cli::run) configuration: String,
    /// The operator's namespace, if a variable tells it.
    pub(in crate::cli::run) namespace: Option<String>,
}

impl Webhooks {
    /// Whether tests are validated by a webhook.
    pub(in crate::cli::run) const fn is_validation_on(&self) -> bool {
        matches!(self.served, Some(Served::Validation | Served::Both))
    }
}

/// Reads all of it. The flag wins over the deprecated variable, whose value
/// counts only if it is a boolean.
pub(super) fn check(
    args: &RunArgs,
    variables: &BTreeMap<String, String>,
    notices: &mut Vec<Notice>,
    flags: &mut Flags,
) -> Webhooks {
    let given = |name: &str| variables.get(name).filter(|value| !value.is_empty());
    let flag = args
        .enable_webhooks
        .as_deref()
        .map(|value| flags.boolean("enable-webhooks", value));
    let variable = given("ENABLE_WEBHOOKS");
    if let Some(value) = variable {
        notices.push(Notice::DeprecatedVariable);
        if flag.is_none() && go::boolean(value).is_none() {
            notices.push(Notice::IgnoredVariable(value.clone()));
        }
    }
    let validation = flag.or_else(|| go::boolean(variable?)).unwrap_or_default();
    let conversion = flags.boolean("enable-conversion", &args.enable_conversion);
    Webhooks {
        served: match (conversion, validation) {
            (true, true) => Some(Served::Both),
            (true, false) => Some(Served::Conversion),
            (false, true) => Some(Served::Validation),
            (false, false) => None,
        },
        port: port(&args.webhook_port, flags),
        protocols: match flags.boolean("enable-http2", &args.enable_http2) {
            true => Protocols::Http1AndHttp2,
            false => Protocols::Http1,
        },
        files: files(args, flags),
        configuration: args.webhook_configuration.clone(),
        namespace: given("POD_NAMESPACE").cloned(),
    }
}

fn port(value: &str, flags: &mut Flags) -> u16 {
    let read = value.parse::<u16>().ok().filter(|port| *port > 0);
    let read = read.ok_or_else(|| "give a port from 1 to 65535".to_owned());
    flags.or("webhook-port", value, read, 1)
}

fn files(args: &RunArgs, flags: &mut Flags) -> Option<Files> {
    let value = args.webhook_cert_wait_timeout.as_str();
    let read = go::duration(value).and_then(|wait| Duration::try_from(wait).ok());
    let read = read.ok_or_else(|| "parse error".to_owned());
    let wait = flags.or("webhook-cert-wait-timeout", value, read, Duration::ZERO);
    let directory = Path::new(&args.webhook_cert_path);
    (!args.webhook_cert_path.is_empty()).then(|| Files {
        of: Use::Webhook,
        certificate: directory.join(&args.webhook_cert_name),
        key: directory.join(&args.webhook_cert_key),
        wait: (wait > Duration::ZERO).then_some(wait),
    })
}
