//! The arguments of Locust. Their order is a contract: a later argument wins
//! in Locust, so the user's `extraArgs` come last.

use locust_api::names;

use crate::resolve::Resolved;

const LOOPBACK: &str = "127.0.0.1";

/// How master and workers reach each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// In a cluster: by the master's Service and the usual ports.
    Service,
    /// On one machine: by loopback, where the usual ports may be taken.
    Loopback(Endpoint),
}

/// Where the processes of a test find each other on loopback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Port on which the master waits for its workers.
    pub master_port: u16,
    /// Port of the master's web UI and API.
    pub web_port: u16,
}

/// Arguments of a master.
pub fn master_args(resolved: &Resolved, reach: Reach) -> Vec<String> {
    let mut args = resolved.master.command.clone();
    if resolved.opentelemetry {
        args.push("--otel".to_owned());
    }
    args.push("--master".to_owned());
    args.extend(listen_args(reach));
    args.push(format!("--expect-workers={}", resolved.workers));
    if resolved.start.autostart {
        args.push("--autostart".to_owned());
    }
    if let Some(seconds) = resolved.start.autoquit_seconds {
        args.push("--autoquit".to_owned());
        args.push(seconds.to_string());
    }
    args.push("--enable-rebalancing".to_owned());
    args.push("--only-summary".to_owned());
    args.extend(resolved.master.extra_args.iter().cloned());
    args
}

/// Arguments of a worker.
pub fn worker_args(resolved: &Resolved, reach: Reach) -> Vec<String> {
    let (host, port) = match reach {
        Reach::Service => (resolved.master.name.as_str(), names::MASTER_PORT),
        Reach::Loopback(endpoint) => (LOOPBACK, endpoint.master_port),
    };
    let mut args = resolved.worker.command.clone();
    if resolved.opentelemetry {
        args.push("--otel".to_owned());
    }
    args.push("--worker".to_owned());
    args.push(format!("--master-port={port}"));
    args.push(format!("--master-host={host}"));
    args.extend(resolved.worker.extra_args.iter().cloned());
    args
}

/// On loopback the master listens nowhere else: neither of its ports asks who
/// is there.
fn listen_args(reach: Reach) -> Vec<String> {
    match reach {
        Reach::Service => vec![format!("--master-port={}", names::MASTER_PORT)],
        Reach::Loopback(Endpoint {
            master_port,
            web_port,
        }) => vec![
            format!("--master-bind-host={LOOPBACK}"),
            format!("--master-bind-port={master_port}"),
            format!("--web-host={LOOPBACK}"),
            format!("--web-port={web_port}"),
        ],
    }
}
