//! The root of a v1 LocustTest's spec.

#![allow(clippy::duplicated_attributes)] // each print column has its own `type_`

use std::collections::BTreeMap;

use kube_derive::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Affinity, Toleration};
use crate::defaults;
use crate::latest::{ImagePullPolicy, LocustTestStatus};

/// What the test runs and how.
#[derive(CustomResource, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "locust.io",
    version = "v1",
    kind = "LocustTest",
    plural = "locusttests",
    singular = "locusttest",
    shortname = "lotest",
    namespaced,
    doc = "A distributed Locust load test: one master and its workers, run once. Deprecated: write locust.io/v2.",
    status = "LocustTestStatus",
    derive = "PartialEq",
    storage = false,
    served = false,
    deprecated = "locust.io/v1 LocustTest is deprecated, migrate to locust.io/v2",
    printcolumn(
        name = "master_cmd",
        type_ = "string",
        json_path = ".spec.masterCommandSeed"
    ),
    printcolumn(
        name = "worker_replica_count",
        type_ = "integer",
        json_path = ".spec.workerReplicas"
    ),
    printcolumn(name = "Image", type_ = "string", json_path = ".spec.image"),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp"
    ),
    crates(
        kube_core = "::kube_core",
        k8s_openapi = "::k8s_openapi",
        schemars = "::schemars"
    )
)]
#[serde(rename_all = "camelCase")]
pub struct LocustTestSpec {
    /// Arguments for Locust as the master. The operator adds those that make
    /// it a master.
    pub master_command_seed: String,
    /// Arguments for Locust as a worker. The operator adds those that make it
    /// a worker.
    pub worker_command_seed: String,
    /// How many workers make the load.
    #[serde(default = "defaults::worker_replicas")]
    #[schemars(range(min = 1, max = 500))]
    pub worker_replicas: i32,
    /// Image with Locust, for the master and the workers.
    pub image: String,
    /// When the image is pulled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_pull_policy: Option<ImagePullPolicy>,
    /// Names of Secrets of this namespace with credentials for the image's
    /// registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_pull_secrets: Option<Vec<String>>,
    /// ConfigMap of this namespace with the locustfile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map: Option<String>,
    /// ConfigMap of this namespace with Python modules for the locustfile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lib_config_map: Option<String>,
    /// Labels for the pods, beside those of the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<ByRole>,
    /// Annotations for the pods; they win over those of the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<ByRole>,
    /// Which nodes the pods run on. Has an effect only if the operator runs
    /// with `ENABLE_AFFINITY_CR_INJECTION=true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub affinity: Option<Affinity>,
    /// Tolerations of the pods. Have an effect only if the operator runs with
    /// `ENABLE_TAINT_TOLERATIONS_CR_INJECTION=true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tolerations: Option<Vec<Toleration>>,
}

/// Something of each role's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ByRole {
    /// For the master's pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub master: Option<BTreeMap<String, String>>,
    /// For the workers' pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<BTreeMap<String, String>>,
}
