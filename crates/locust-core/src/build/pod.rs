//! The pod template of a role.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    Container, ContainerPort, Lifecycle, LifecycleHandler, PodSpec, PodTemplateSpec, Volume,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::pod_labels;
use crate::resolve::{Resolved, ResolvedRole};

/// What differs between the pods of the two roles.
pub(super) struct PodParts {
    pub(super) args: Vec<String>,
    pub(super) ports: Vec<u16>,
    pub(super) annotations: BTreeMap<String, String>,
    pub(super) sidecars: Vec<Container>,
    /// Volumes of the sidecars alone.
    pub(super) volumes: Vec<Volume>,
    /// What the Locust container does before it is told to end.
    pub(super) pre_stop: Option<LifecycleHandler>,
}

pub(super) fn pod_template(
    resolved: &Resolved,
    role: &ResolvedRole,
    parts: PodParts,
) -> PodTemplateSpec {
    let PodParts {
        args,
        ports,
        mut annotations,
        sidecars,
        volumes,
        pre_stop,
    } = parts;
    let volumes: Vec<Volume> = role.volumes.iter().cloned().chain(volumes).collect();
    annotations.extend(role.annotations.clone());
    PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: Some(pod_labels(resolved, role)),
            annotations: (!annotations.is_empty()).then_some(annotations),
            ..Default::default()
        }),
        spec: Some(PodSpec {
            restart_policy: Some("Never".to_owned()),
            image_pull_secrets: resolved.image_pull_secrets.clone(),
            affinity: resolved.placement.affinity.clone(),
            tolerations: resolved.placement.tolerations.clone(),
            node_selector: resolved.placement.node_selector.clone(),
            runtime_class_name: resolved.placement.runtime_class.clone(),
            security_context: Some(resolved.security.pod.clone()),
            automount_service_account_token: resolved.security.service_account_token,
            enable_service_links: resolved.security.service_links,
            init_containers: some_unless_empty(&sidecars),
            containers: vec![Container {
                lifecycle: pre_stop.map(|handler| Lifecycle {
                    pre_stop: Some(handler),
                    ..Default::default()
                }),
                ..locust_container(resolved, role, args, &ports)
            }],
            volumes: some_unless_empty(&volumes),
            ..Default::default()
        }),
    }
}

fn locust_container(
    resolved: &Resolved,
    role: &ResolvedRole,
    args: Vec<String>,
    ports: &[u16],
) -> Container {
    Container {
        name: role.name.clone(),
        image: Some(resolved.image.clone()),
        image_pull_policy: Some(resolved.image_pull_policy.as_str().to_owned()),
        args: Some(args),
        ports: Some(
            ports
                .iter()
                .map(|port| ContainerPort {
                    container_port: i32::from(*port),
                    ..Default::default()
                })
                .collect(),
        ),
        env: some_unless_empty(&resolved.env),
        env_from: some_unless_empty(&resolved.env_from),
        resources: Some(role.resources.clone()),
        volume_mounts: some_unless_empty(&role.mounts),
        security_context: resolved.security.container.clone(),
        // The end of the log becomes the pod's termination message, so that
        // the cause of a failure can be told without the right to read logs.
        termination_message_policy: Some("FallbackToLogsOnError".to_owned()),
        ..Default::default()
    }
}

fn some_unless_empty<T: Clone>(list: &[T]) -> Option<Vec<T>> {
    (!list.is_empty()).then(|| list.to_vec())
}
