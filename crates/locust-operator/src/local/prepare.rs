//! From a LocustTest to the processes that it means on this machine, and to all
//! that stands in their way.

use std::path::Path;

use locust_api::names::Role;
use locust_core::local::{Bundle, Inputs, Pod, inputs};
use locust_core::locust::Load;
use locust_core::problems::{problems, warnings};
use locust_core::processes::{Endpoint, processes};
use locust_core::resolve::resolve;
use locust_core::settings::Settings;
use locust_core::stop_request::{StopRequest, stop_request};

use super::manifests::{Fault, Loaded};
use super::results::Limits;
use super::supervise::ProcessId;

/// What a person changes about a test for this machine.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// In place of `spec.worker.replicas`.
    pub workers: Option<u16>,
    /// In place of any `--host`.
    pub host: Option<String>,
}

/// A test as processes.
pub struct Prepared {
    /// The LocustTest's name.
    pub name: String,
    /// Its image.
    pub image: String,
    /// The master, then the workers.
    pub processes: Vec<(ProcessId, Inputs)>,
    /// The load that the master's arguments ask for.
    pub load: Load,
    /// Port of the web UI: a person's arguments may change it.
    pub web_port: u16,
    /// Path below which the web UI is.
    pub base_path: String,
    /// The load starts by itself.
    pub autostart: bool,
    /// The master stays after the load.
    pub stay: bool,
    /// What the run has to keep to.
    pub limits: Limits,
    /// What a person should know, one line each.
    pub notes: Vec<String>,
}

impl Prepared {
    /// How many workers there are.
    pub fn workers(&self) -> usize {
        self.processes.len().saturating_sub(1)
    }
}

/// Prepares a test. Everything that is missing is found at once.
pub fn prepare(
    loaded: &Loaded,
    bundle: &Bundle,
    changes: &Changes,
    endpoint: Endpoint,
) -> Result<Prepared, Vec<Fault>> {
    let settings = Settings::default();
    let mut wrong: Vec<Fault> = problems(&loaded.test, &settings)
        .iter()
        .map(|problem| loaded.fault(&problem.field, &problem.message))
        .collect();
    if let Some(request) = stop_request(&loaded.test) {
        let (field, what) = match request {
            StopRequest::Field => ("spec.desiredState", "field"),
            StopRequest::Annotation => ("metadata.annotations", "annotation locust.io/stop"),
        };
        let message = format!(
            "a test that is Stopped waits until it is Running, and here nobody edits it; leave the {what} out"
        );
        wrong.push(loaded.fault(field, &message));
    }
    let wrong = in_order(wrong);
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let mut resolved = resolve(&loaded.test, &settings);
    if let Some(workers) = changes.workers {
        resolved.workers = i32::from(workers);
    }
    let node = nix::unistd::gethostname().unwrap_or_default();
    let node = node.to_string_lossy();
    let mut notes: Vec<String> = warnings(&loaded.test)
        .iter()
        .map(ToString::to_string)
        .collect();
    let mut missing = Vec::new();
    let mut prepared = Vec::new();
    for process in processes(&resolved, &endpoint) {
        let pod = Pod::new(&resolved, &process, &node);
        let (mut inputs, found) = inputs(&loaded.test, &process, &pod, bundle);
        missing.extend(found);
        if process.role == Role::Master && resolved.start.autostart {
            drop_headless(&mut inputs.args, &mut notes);
        }
        if let Some(host) = &changes.host {
            inputs.args.extend(["--host".to_owned(), host.clone()]);
        }
        let id = ProcessId {
            role: process.role,
            number: process.index.saturating_add(1),
        };
        prepared.push((id, inputs));
    }
    missing.sort();
    missing.dedup();
    if !missing.is_empty() {
        let faults = missing
            .iter()
            .map(|problem| loaded.fault(&problem.field, &problem.message))
            .collect();
        return Err(in_order(faults));
    }
    let args = prepared.first().map_or(&[][..], |(_, inputs)| &inputs.args);
    Ok(Prepared {
        name: resolved.name.clone(),
        image: resolved.image.clone(),
        load: Load::from_args(args),
        web_port: option(args, &["--web-port", "-P"])
            .and_then(|port| port.parse().ok())
            .unwrap_or(endpoint.web_port),
        base_path: option(args, &["--web-base-path"])
            .unwrap_or_default()
            .to_owned(),
        autostart: resolved.start.autostart,
        limits: Limits {
            thresholds: loaded.test.spec.thresholds.clone().unwrap_or_default(),
            deadline_seconds: loaded.test.spec.active_deadline_seconds,
            start_deadline_seconds: loaded.test.spec.start_deadline_seconds,
            may_lack_workers: resolved.may_lack_workers,
        },
        stay: resolved.start.autoquit_seconds.is_none(),
        notes,
        processes: prepared,
    })
}

fn in_order(mut faults: Vec<Fault>) -> Vec<Fault> {
    faults.sort_by_key(|fault| fault.line);
    faults
}

/// Something of the runner's own that a mount would hide from the processes.
pub fn hidden<'a>(prepared: &'a Prepared, needed: &[&Path]) -> Option<&'a str> {
    let mounts = prepared
        .processes
        .iter()
        .flat_map(|(_, inputs)| &inputs.mounts);
    mounts
        .map(|mount| mount.path.as_str())
        .find(|path| needed.iter().any(|needed| needed.starts_with(path)))
}

/// A headless master has no web API, which is where the numbers come from. With
/// `--autostart` and `--autoquit`, which are there, it behaves the same.
fn drop_headless(args: &mut Vec<String>, notes: &mut Vec<String>) {
    let before = args.len();
    args.retain(|arg| arg != "--headless");
    if args.len() < before {
        notes.push("--headless is left out: the results come from Locust's web API".to_owned());
    }
}

/// The last value of an option, which is the one that counts.
fn option<'a>(args: &'a [String], names: &[&str]) -> Option<&'a str> {
    args.iter().enumerate().rev().find_map(|(index, arg)| {
        if names.contains(&arg.as_str()) {
            return args.get(index.checked_add(1)?).map(String::as_str);
        }
        let (name, value) = arg.split_once('=')?;
        names.contains(&name).then_some(value)
    })
}
