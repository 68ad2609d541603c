//! Whom to ask about a run: the one master whose Job is recorded for it.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use locust_api::condition::{ConditionType, Reason};
use locust_api::latest::{ConfigMapPolicy, LocustTest, Phase, Threshold};
use locust_api::names::{RESULTS_PORT, Role, WEB_PORT};
use serde::{Deserialize, Serialize};

use crate::build;
use crate::build::command::{Reach, master_args};
use crate::locust::load::last_value;
use crate::locust::{Load, version};
use crate::observed::{Observed, is_leaving, is_running, recorded_run};
use crate::report::MOST_BYTES;
use crate::resolve::{Resolved, resolve};
use crate::settings::Settings;
use crate::storage;

/// The master of a run, and what is known of the run before it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Master {
    /// UID of its pod: another pod may get the address later.
    pub pod: String,
    /// Address of its web UI and API.
    pub address: SocketAddr,
    /// What is before every path there; mostly nothing.
    pub base_path: String,
    /// How the names of its workers begin: those of others are not this run's.
    pub workers: String,
    /// The version of Locust by the tag of its image, if that says one.
    pub image_version: Option<String>,
    /// The planned length of the load, if the arguments say it.
    pub run_time: Option<Duration>,
    /// How many users the arguments ask for, if they say it.
    pub users: Option<u64>,
    /// How many workers the load is to be made by; `None`: fewer are as good.
    pub wanted_workers: Option<u64>,
    /// When load was first seen, if it was.
    pub load_began: Option<Timestamp>,
    /// What its numbers are compared with.
    pub thresholds: Vec<Threshold>,
    /// Whether its full results are wanted, and not stored.
    pub wants_report: bool,
    /// How many bytes of them there is room for.
    pub report_room: usize,
    /// Where the sidecar says what became of the full results that it stores, if
    /// there is one.
    pub sidecar: Option<SocketAddr>,
    /// What it is to be told, as the stored status says.
    pub order: Option<Order>,
}

/// What a resolved test says of its master.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    /// Port of its web UI and API.
    pub port: u16,
    /// What is before every path there; mostly nothing.
    pub base_path: String,
    /// How the names of its workers begin.
    pub workers: String,
    /// The version of Locust by the tag of its image, if that says one.
    pub image_version: Option<String>,
    /// The planned length of the load, if the arguments say it.
    pub run_time: Option<Duration>,
    /// How many users the arguments ask for, if they say it.
    pub users: Option<u64>,
}

impl Asked {
    /// `None`: Locust runs without its web API, and can be asked for nothing.
    pub(crate) fn of(resolved: &Resolved) -> Option<Self> {
        let web = web(resolved);
        if web.is_headless {
            return None;
        }
        let load = Load::from_args(&master_args(resolved, Reach::Service));
        Some(Self {
            port: web.port,
            base_path: web.base_path,
            workers: format!("{}-", resolved.worker.name),
            image_version: version::of_image(&resolved.image).map(str::to_owned),
            run_time: load.run_time,
            users: load.users,
        })
    }

    /// The master there, of whose run nothing is known or wanted beside that.
    pub(crate) fn at(self, ip: IpAddr) -> Master {
        let Self {
            port,
            base_path,
            workers,
            image_version,
            run_time,
            users,
        } = self;
        Master {
            pod: String::new(),
            address: SocketAddr::new(ip, port),
            base_path,
            workers,
            image_version,
            run_time,
            users,
            wanted_workers: None,
            load_began: None,
            thresholds: Vec::new(),
            wants_report: false,
            report_room: 0,
            sidecar: None,
            order: None,
        }
    }
}

/// What a master is told beside questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// To end its load.
    Stop,
    /// To start its load without the workers that are missing.
    StartWithoutAll,
}

impl Master {
    /// Whether both are the same process.
    pub fn is(&self, other: &Self) -> bool {
        self.pod == other.pod && self.address == other.address && self.base_path == other.base_path
    }
}

/// Who can say how a run goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nobody: the run has not begun, or is over.
    Nobody,
    /// Nobody ever: Locust runs without its web API.
    Headless,
    /// This master.
    Master(Box<Master>),
}

/// Who can say how the run of a test goes now.
pub fn source(observed: &Observed, settings: &Settings) -> Source {
    let test = &observed.test;
    let phase = test.status.as_ref().and_then(|status| status.phase);
    let Some(job) = observed.job(Role::Master) else {
        return Source::Nobody;
    };
    let is_run = job.metadata.uid.as_deref() == recorded_run(test);
    if phase.is_some_and(Phase::is_terminal) || !is_run {
        return Source::Nobody;
    }
    let resolved = resolve(test, settings);
    let Some(asked) = Asked::of(&resolved) else {
        return Source::Headless;
    };
    let container = job.metadata.name.as_deref().unwrap_or_default();
    let running = observed
        .pods_of(Role::Master)
        .find(|pod| is_running(pod, container) && !is_leaving(pod));
    let Some((pod, ip)) = running.and_then(|pod| Some((pod, address(pod)?))) else {
        return Source::Nobody;
    };
    let status = test.status.as_ref();
    let stats = status.and_then(|status| status.locust.as_ref());
    Source::Master(Box::new(Master {
        pod: pod.metadata.uid.clone().unwrap_or_default(),
        wanted_workers: resolved.wanted_workers(),
        load_began: stats
            .and_then(|stats| stats.load_start_time.as_ref())
            .map(|time| time.0),
        thresholds: test.spec.thresholds.clone().unwrap_or_default(),
        wants_report: wants_report(test),
        report_room: MOST_BYTES,
        sidecar: storage::has_sidecar(observed).then(|| SocketAddr::new(ip, RESULTS_PORT)),
        order: order(test),
        ..asked.at(ip)
    }))
}

fn wants_report(test: &LocustTest) -> bool {
    let status = test.status.as_ref();
    let mut conditions = status
        .iter()
        .flat_map(|status| status.conditions.iter().flatten());
    let is_stored = conditions.any(|condition| condition.reason == Reason::Stored.as_str());
    build::results_policy(test) != ConfigMapPolicy::None && !is_stored
}

/// A test that is being deleted is not to load its target until its pods are
/// gone.
fn order(test: &LocustTest) -> Option<Order> {
    if test.metadata.deletion_timestamp.is_some() {
        return Some(Order::Stop);
    }
    let status = test.status.as_ref()?;
    if status.stop.is_some() {
        return Some(Order::Stop);
    }
    let mut conditions = status.conditions.iter().flatten();
    conditions
        .any(|condition| {
            condition.type_ == ConditionType::WorkersConnected.as_str()
                && condition.reason == Reason::StartingWithoutAll.as_str()
        })
        .then_some(Order::StartWithoutAll)
}

fn address(pod: &Pod) -> Option<IpAddr> {
    pod.status.as_ref()?.pod_ip.as_ref()?.parse().ok()
}

/// The web UI and API of a master, as arguments and variables say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Web {
    pub(crate) port: u16,
    pub(crate) base_path: String,
    pub(crate) is_headless: bool,
    /// Nobody has to start the load.
    pub(crate) starts_itself: bool,
}

/// Where the web UI of a resolved test is. In Locust an argument wins over a
/// variable; in Kubernetes the last of equal variables counts. What a ConfigMap
/// or a Secret says is not known.
pub(crate) fn web(resolved: &Resolved) -> Web {
    let args = master_args(resolved, Reach::Service);
    let has = |flag: &str| args.iter().any(|arg| arg == flag);
    let variable = |name: &str| {
        let mut set = resolved.env.iter().rev();
        set.find(|variable| variable.name == name)?.value.as_deref()
    };
    let is_on = |name: &str| {
        let value = variable(name).map(str::to_ascii_lowercase);
        matches!(value.as_deref(), Some("1" | "true" | "yes"))
    };
    let is_headless = has("--headless") || is_on("LOCUST_HEADLESS");
    let (port, base_path) = ("--web-port", "--web-base-path");
    Web {
        port: last_value(&args, "-P", port)
            .or_else(|| variable("LOCUST_WEB_PORT"))
            .and_then(|port| port.parse().ok())
            .unwrap_or(WEB_PORT),
        base_path: last_value(&args, base_path, base_path)
            .or_else(|| variable("LOCUST_WEB_BASE_PATH"))
            .unwrap_or_default()
            .trim_matches('/')
            .to_owned(),
        is_headless,
        starts_itself: is_headless || has("--autostart") || is_on("LOCUST_AUTOSTART"),
    }
}
