//! Tests whose load a person starts, in the web UI of the master
//! (`master.autostart: false`). Only the master knows whether that has
//! happened, so it is asked until it has.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use locust_api::latest::Phase;
use locust_api::names::{Role, WEB_PORT};

use crate::build::command::{Reach, master_args};
use crate::locust::load::last_value;
use crate::locust::{RunWatch, Sample};
use crate::observed::{Observed, is_running, recorded_run};
use crate::resolve::{Resolved, resolve};
use crate::settings::Settings;

/// What the master says of the load that a person starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Load {
    /// It was not asked, or did not answer.
    #[default]
    Unknown,
    /// Nobody has started it yet.
    Waiting,
    /// It was started, and may have ended since.
    Started,
}

impl Load {
    /// Reads an answer of the master.
    pub fn of(sample: &Sample) -> Self {
        let phase = RunWatch::new(None).observe(Duration::ZERO, sample);
        match phase.has_begun() {
            true => Self::Started,
            false => Self::Waiting,
        }
    }
}

/// Whom to ask about the load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Master {
    /// Address of its web UI and API.
    pub address: SocketAddr,
    /// What is before every path there; mostly nothing.
    pub base_path: String,
}

/// The master to ask before the decision, if the decision depends on its
/// answer: that of a run whose load is started by hand and was not yet seen.
pub fn asks(observed: &Observed, settings: &Settings) -> Option<Master> {
    let test = &observed.test;
    let status = test.status.as_ref()?;
    if test.spec.master.autostart || status.phase != Some(Phase::Pending) {
        return None;
    }
    let web_ui = web_ui(&resolve(test, settings))?;
    let job = observed.job(Role::Master)?;
    if job.metadata.uid.as_deref() != recorded_run(test) {
        return None;
    }
    let container = job.metadata.name.as_deref()?;
    let pod = observed
        .pods_of(Role::Master)
        .find(|pod| is_running(pod, container))?;
    Some(Master {
        address: SocketAddr::new(address(pod)?, web_ui.port),
        base_path: web_ui.base_path,
    })
}

fn address(pod: &Pod) -> Option<IpAddr> {
    pod.status.as_ref()?.pod_ip.as_ref()?.parse().ok()
}

/// The web UI of a master that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebUi {
    port: u16,
    base_path: String,
    host: String,
}

impl WebUi {
    /// Its address in the cluster.
    pub fn url(&self) -> String {
        let Self {
            port,
            base_path,
            host,
        } = self;
        let slash = if base_path.is_empty() { "" } else { "/" };
        format!("http://{host}:{port}{slash}{base_path}")
    }
}

/// The web UI in which a person starts the load; `None` if it starts by itself,
/// be it because the arguments or the environment say so.
pub fn web_ui(resolved: &Resolved) -> Option<WebUi> {
    let args = master_args(resolved, Reach::Service);
    let starts_itself = ["--autostart", "--headless"]
        .iter()
        .any(|flag| args.iter().any(|arg| arg == flag));
    let is_told_to = ["LOCUST_AUTOSTART", "LOCUST_HEADLESS"]
        .iter()
        .any(|name| resolved.env.iter().any(|variable| variable.name == *name));
    if starts_itself || is_told_to {
        return None;
    }
    let base_path = "--web-base-path";
    Some(WebUi {
        port: last_value(&args, "-P", "--web-port")
            .and_then(|port| port.parse().ok())
            .unwrap_or(WEB_PORT),
        base_path: last_value(&args, base_path, base_path)
            .unwrap_or_default()
            .trim_matches('/')
            .to_owned(),
        host: format!("{}.{}", resolved.master.name, resolved.namespace),
    })
}
