//! Files in the pods: the test's own and those of additional volumes.

use k8s_openapi::api::core::v1::VolumeMount;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::defaults;

/// Where the locustfile and its libraries come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestFiles {
    /// ConfigMap of this namespace with the locustfile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map_ref: Option<String>,
    /// ConfigMap of this namespace with Python modules for the locustfile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lib_config_map_ref: Option<String>,
    /// Directory at which `configMapRef` is mounted.
    #[serde(default = "defaults::src_mount_path")]
    pub src_mount_path: String,
    /// Directory at which `libConfigMapRef` is mounted.
    #[serde(default = "defaults::lib_mount_path")]
    pub lib_mount_path: String,
}

/// A volume mount and the pods it is meant for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TargetedVolumeMount {
    /// The mount itself.
    #[serde(flatten)]
    pub mount: VolumeMount,
    /// Which pods get the mount: master, worker or both.
    #[serde(default = "defaults::mount_target")]
    pub target: MountTarget,
}

/// Which pods a mount is meant for: master, worker or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub enum MountTarget {
    Master,
    Worker,
    Both,
}
