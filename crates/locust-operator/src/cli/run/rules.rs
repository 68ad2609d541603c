//! What the flags and variables of `run` mean, and all that is wrong with
//! them: text in, options out.

mod effects;
mod logs;
mod metrics;
pub(super) mod webhooks;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use locust_core::settings::{Admission, PodDefaults, Settings, from_variables};

use super::args::RunArgs;
use super::go;
use crate::controller::Scope;
use crate::telemetry::Logs;
use webhooks::Webhooks;

/// Flags and variables with nothing left to doubt.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Checked {
    pub(super) logs: Logs,
    pub(super) kubeconfig: Option<PathBuf>,
    pub(super) scopes: Vec<Scope>,
    pub(super) health_address: Option<SocketAddr>,
    pub(super) metrics: Option<crate::metrics::Options>,
    pub(super) concurrency: u16,
    pub(super) leader_elect: bool,
    pub(super) settings: Settings,
    pub(super) webhooks: Webhooks,
    /// What to log first.
    pub(super) notices: Vec<Notice>,
}

/// Something to log at the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// The variable ENABLE_WEBHOOKS is set, which is deprecated.
    DeprecatedVariable,
    /// And its value is no boolean.
    IgnoredVariable(String),
    /// Anything else, one line.
    Warning(String),
}

/// Why the operator does not start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// One message each; only that about variables has several lines.
    pub(super) messages: Vec<String>,
    /// 2 for flags that cannot be read, as in Go; 1 for all else.
    pub(super) exit_code: u8,
}

/// Reads everything, so that everything that is wrong is told at once.
pub(super) fn check(
    args: RunArgs,
    variables: &BTreeMap<String, String>,
) -> Result<Checked, Refusal> {
    let mut flags = Flags::default();
    let logs = logs::check(&args, &mut flags);
    let mut notices = Vec::new();
    let webhooks = webhooks::check(&args, variables, &mut notices, &mut flags);
    let metrics = metrics::check(&args, webhooks.protocols, &mut flags);
    let without_effect = effects::without_effect(&args);
    notices.extend(without_effect.into_iter().map(Notice::Warning));
    let parsed = from_variables(variables);
    notices.extend(parsed.warnings.iter().cloned().map(Notice::Warning));
    let mut settings = parsed.settings.clone();
    settings.pod_grace = pod_grace(&args.pod_grace, &mut flags);
    settings.pod_defaults = pod_defaults(&args.pod_defaults, &mut flags);
    if webhooks.is_validation_on() {
        settings.admission = Admission::Upstream;
    }
    let checked = Checked {
        logs,
        scopes: scopes(&args.watch_namespaces, &mut flags),
        health_address: address(
            "health-probe-bind-address",
            &args.health_probe_bind_address,
            &mut flags,
        ),
        metrics,
        concurrency: concurrency(&args.concurrency, &mut flags),
        leader_elect: flags.boolean("leader-elect", &args.leader_elect),
        kubeconfig: args.kubeconfig,
        settings,
        webhooks,
        notices,
    };
    let exit_code = if flags.bad.is_empty() { 1 } else { 2 };
    let messages: Vec<String> = flags.bad.into_iter().chain(parsed.refusal()).collect();
    match messages.is_empty() {
        true => Ok(checked),
        false => Err(Refusal {
            messages,
            exit_code,
        }),
    }
}

/// Collects flags whose values cannot be read.
#[derive(Default)]
struct Flags {
    bad: Vec<String>,
}

impl Flags {
    /// What was read, or `instead` and a complaint in Go's words.
    fn or<T>(&mut self, name: &str, value: &str, read: Result<T, String>, instead: T) -> T {
        read.unwrap_or_else(|why| {
            self.bad
                .push(format!("invalid value {value:?} for flag -{name}: {why}"));
            instead
        })
    }

    fn boolean(&mut self, name: &str, value: &str) -> bool {
        go::boolean(value).unwrap_or_else(|| {
            self.bad.push(format!(
                "invalid boolean value {value:?} for -{name}: parse error"
            ));
            false
        })
    }
}

fn concurrency(value: &str, flags: &mut Flags) -> u16 {
    let read = value
        .parse()
        .ok()
        .filter(|number| *number > 0)
        .ok_or_else(|| "give a number from 1 to 65535".to_owned());
    flags.or("concurrency", value, read, 1)
}

fn pod_grace(value: &str, flags: &mut Flags) -> Duration {
    let read = go::duration(value)
        .and_then(|duration| Duration::try_from(duration).ok())
        .ok_or_else(|| "give a duration such as 90s or 2m".to_owned());
    flags.or("pod-grace", value, read, Duration::ZERO)
}

fn pod_defaults(value: &str, flags: &mut Flags) -> PodDefaults {
    let read = match value {
        "upstream" => Ok(PodDefaults::Upstream),
        "hardened" => Ok(PodDefaults::Hardened),
        _ => Err("give upstream or hardened".to_owned()),
    };
    flags.or("pod-defaults", value, read, PodDefaults::Upstream)
}

/// Each namespace once: two controllers of one would be in each other's way.
fn scopes(values: &[String], flags: &mut Flags) -> Vec<Scope> {
    let mut scopes = Vec::new();
    let names = values.iter().flat_map(|value| value.split(','));
    for name in names.map(str::trim).filter(|name| !name.is_empty()) {
        let read = match is_namespace(name) {
            true => Ok(()),
            false => Err("that is not the name of a namespace".to_owned()),
        };
        flags.or("watch-namespaces", name, read, ());
        let scope = Scope::Namespace(name.to_owned());
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    if scopes.is_empty() {
        scopes.push(Scope::Cluster);
    }
    scopes
}

fn is_namespace(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    name.len() <= 63
        && name.bytes().all(is_allowed)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// Where to listen; `0` means nowhere.
fn address(name: &str, value: &str, flags: &mut Flags) -> Option<SocketAddr> {
    if value == "0" || value.is_empty() {
        return None;
    }
    let read = go::address(value)
        .map(Some)
        .ok_or_else(|| "give HOST:PORT, :PORT or 0".to_owned());
    flags.or(name, value, read, None)
}
