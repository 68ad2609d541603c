//! Environment of the Locust containers.

use k8s_openapi::api::core::v1::EnvVar;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::defaults;

/// Environment of the Locust containers, the same for master and workers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Env {
    /// ConfigMaps of this namespace whose keys become variables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map_refs: Option<Vec<ConfigMapEnv>>,
    /// Secrets of this namespace whose keys become variables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_refs: Option<Vec<SecretEnv>>,
    /// Single variables. They win over `configMapRefs` and `secretRefs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variables: Option<Vec<EnvVar>>,
    /// Secrets of this namespace mounted as files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_mounts: Option<Vec<SecretMount>>,
}

/// A ConfigMap whose keys become variables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigMapEnv {
    /// Name of the ConfigMap.
    pub name: String,
    /// Put in front of every key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
}

/// A Secret whose keys become variables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretEnv {
    /// Name of the Secret.
    pub name: String,
    /// Put in front of every key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
}

/// A Secret mounted as files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretMount {
    /// Name of the Secret.
    pub name: String,
    /// Directory at which the Secret is mounted.
    pub mount_path: String,
    /// Whether the mount is read-only.
    #[serde(default = "defaults::yes")]
    pub read_only: bool,
}
