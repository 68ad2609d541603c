//! The two roles of a test: master and worker.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ResourceRequirements;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::defaults;

/// The master of a test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Master {
    /// Arguments for Locust, for example
    /// `-f /lotest/src/locustfile.py --users 100 --run-time 5m`. The operator
    /// adds those that make it a master.
    pub command: String,
    /// Compute resources of the Locust container. Replaces the operator's
    /// defaults as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<ResourceRequirements>,
    /// Labels for the pod, beside those of the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,
    /// Annotations for the pod; they win over those of the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<BTreeMap<String, String>>,
    /// Start the load as soon as all workers are connected. Without it a
    /// person starts the load in the web UI.
    #[serde(default = "defaults::yes")]
    pub autostart: bool,
    /// End the master by itself when the load is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoquit: Option<Autoquit>,
    /// Further arguments, each one passed as it is, after all others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra_args: Option<Vec<String>>,
}

/// How the master ends by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Autoquit {
    /// Whether the master ends by itself.
    #[serde(default = "defaults::yes")]
    pub enabled: bool,
    /// Seconds between the end of the load and the end of the master.
    #[serde(default = "defaults::autoquit_timeout")]
    #[schemars(range(min = 0))]
    pub timeout: i32,
}

/// The workers of a test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Worker {
    /// Arguments for Locust, for example `-f /lotest/src/locustfile.py`. The
    /// operator adds those that make it a worker.
    pub command: String,
    /// How many workers make the load.
    #[schemars(range(min = 1, max = 500))]
    pub replicas: i32,
    /// Compute resources of each Locust container. Replaces the operator's
    /// defaults as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<ResourceRequirements>,
    /// Labels for the pods, beside those of the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,
    /// Annotations for the pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<BTreeMap<String, String>>,
    /// Further arguments, each one passed as it is, after all others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra_args: Option<Vec<String>>,
}
