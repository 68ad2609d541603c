//! What the pods of a test may do: its own `security`, and the operator's
//! defaults for what that leaves open.

#[cfg(test)]
mod tests;

use k8s_openapi::api::core::v1::{
    Capabilities, PodSecurityContext, SeccompProfile, SecurityContext,
};
use locust_api::latest::Security;

use crate::settings::PodDefaults;

/// The user of Locust's official image. It is named there and not numbered, so
/// that the kubelet does not believe it to be another than root.
const LOCUST_USER: i64 = 1000;

/// What the pods of a test may do.
#[derive(Clone, Debug, PartialEq)]
pub struct ResolvedSecurity {
    /// Security context of the pods.
    pub pod: PodSecurityContext,
    /// Security context of the Locust containers.
    pub container: Option<SecurityContext>,
    /// Whether the pods get a token of their ServiceAccount; `None` leaves it
    /// to the ServiceAccount.
    pub service_account_token: Option<bool>,
    /// Whether the Services of the namespace become variables; `None` is
    /// Kubernetes' default, which is yes.
    pub service_links: Option<bool>,
}

pub(super) fn resolve(given: Option<&Security>, defaults: PodDefaults) -> ResolvedSecurity {
    let (pod, container) = match given {
        Some(Security {
            pod_security_context,
            container_security_context,
        }) => (
            pod_security_context.clone(),
            container_security_context.clone(),
        ),
        None => (None, None),
    };
    match defaults {
        PodDefaults::Upstream => ResolvedSecurity {
            pod: pod.unwrap_or_else(|| PodSecurityContext {
                seccomp_profile: Some(runtime_default()),
                ..Default::default()
            }),
            container,
            service_account_token: None,
            service_links: None,
        },
        PodDefaults::Hardened => {
            let container = container.unwrap_or_default();
            ResolvedSecurity {
                pod: hardened_pod(pod.unwrap_or_default(), &container),
                container: Some(hardened_container(container)),
                service_account_token: Some(false),
                service_links: Some(false),
            }
        }
    }
}

/// Fills in what PodSecurity's level `restricted` asks of a pod.
fn hardened_pod(mut pod: PodSecurityContext, container: &SecurityContext) -> PodSecurityContext {
    // Who asks for root is not told at the kubelet that he may not have it.
    let asks_for_root = [pod.run_as_user, container.run_as_user].contains(&Some(0));
    if !asks_for_root {
        pod.run_as_non_root.get_or_insert(true);
    }
    pod.run_as_user.get_or_insert(LOCUST_USER);
    pod.seccomp_profile.get_or_insert_with(runtime_default);
    pod
}

/// Fills in what `restricted` asks of a container. Its root filesystem stays
/// writable: `restricted` does not mind, and Locust writes its reports there.
fn hardened_container(mut container: SecurityContext) -> SecurityContext {
    // Kubernetes refuses these without privilege escalation.
    let needs_escalation = container.privileged == Some(true)
        || added(&container).any(|capability| capability.trim_start_matches("CAP_") == "SYS_ADMIN");
    if !needs_escalation {
        container.allow_privilege_escalation.get_or_insert(false);
    }
    container
        .capabilities
        .get_or_insert_with(Capabilities::default)
        .drop
        .get_or_insert_with(|| vec!["ALL".to_owned()]);
    container
}

fn added(container: &SecurityContext) -> impl Iterator<Item = &String> {
    container
        .capabilities
        .iter()
        .flat_map(|capabilities| capabilities.add.iter().flatten())
}

fn runtime_default() -> SeccompProfile {
    SeccompProfile {
        type_: "RuntimeDefault".to_owned(),
        ..Default::default()
    }
}
