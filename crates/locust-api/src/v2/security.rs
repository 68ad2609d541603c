//! Security settings of the pods.

use k8s_openapi::api::core::v1::{PodSecurityContext, SecurityContext};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Security settings, the same for master and workers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Security {
    /// Security context of the pods. Replaces the operator's default
    /// (`seccompProfile: RuntimeDefault`) as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_security_context: Option<PodSecurityContext>,
    /// Security context of the Locust containers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_security_context: Option<SecurityContext>,
}
