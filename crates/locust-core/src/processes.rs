//! A resolved test as processes of one machine: what the local runner starts.
//! The arguments are those of the Jobs, with addresses on loopback.

use k8s_openapi::api::core::v1::{EnvFromSource, EnvVar, Volume, VolumeMount};
use locust_api::names::Role;

pub use crate::build::command::Endpoint;
use crate::build::command::{Reach, master_args, worker_args};
use crate::resolve::{Resolved, ResolvedRole};

/// One process of a test, with references to ConfigMaps and Secrets still in
/// place.
#[derive(Clone, Debug, PartialEq)]
pub struct ProcessSpec {
    /// Master or worker.
    pub role: Role,
    /// Counts the processes of a role from 0.
    pub index: u32,
    /// Arguments for Locust.
    pub args: Vec<String>,
    /// Single variables; the last of equal names counts.
    pub env: Vec<EnvVar>,
    /// ConfigMaps and Secrets whose keys become variables; `env` wins.
    pub env_from: Vec<EnvFromSource>,
    /// Volumes with the files of the process.
    pub volumes: Vec<Volume>,
    /// Where those volumes are mounted.
    pub mounts: Vec<VolumeMount>,
}

/// The processes of a test: its master, then its workers.
pub fn processes(resolved: &Resolved, endpoint: &Endpoint) -> Vec<ProcessSpec> {
    let reach = Reach::Loopback(*endpoint);
    let master = process(resolved, &resolved.master, 0, master_args(resolved, reach));
    let worker_args = worker_args(resolved, reach);
    let workers = (0..u32::try_from(resolved.workers).unwrap_or_default())
        .map(|index| process(resolved, &resolved.worker, index, worker_args.clone()));
    std::iter::once(master).chain(workers).collect()
}

fn process(resolved: &Resolved, role: &ResolvedRole, index: u32, args: Vec<String>) -> ProcessSpec {
    ProcessSpec {
        role: role.role,
        index,
        args,
        env: resolved.env.clone(),
        env_from: resolved.env_from.clone(),
        volumes: role.volumes.clone(),
        mounts: role.mounts.clone(),
    }
}
