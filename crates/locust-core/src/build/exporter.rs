//! The metrics exporter: a native sidecar of the master, so that the pod ends
//! when Locust does.

use k8s_openapi::api::core::v1::{Capabilities, Container, ContainerPort, SecurityContext};
use locust_api::names;

use super::{env::variable, resources::requirements};
use crate::settings::Exporter;

pub(super) fn exporter_container(exporter: &Exporter) -> Container {
    let Exporter {
        image,
        port,
        pull_policy,
        resources,
    } = exporter;
    Container {
        name: names::EXPORTER_CONTAINER.to_owned(),
        image: Some(image.clone()),
        image_pull_policy: Some(pull_policy.clone()),
        restart_policy: Some("Always".to_owned()),
        ports: Some(vec![ContainerPort {
            container_port: *port,
            ..Default::default()
        }]),
        env: Some(vec![
            variable(
                "LOCUST_EXPORTER_URI",
                &format!("http://localhost:{}", names::WEB_PORT),
            ),
            variable("LOCUST_EXPORTER_WEB_LISTEN_ADDRESS", &format!(":{port}")),
        ]),
        resources: Some(requirements(resources)),
        security_context: Some(locked_down()),
        ..Default::default()
    }
}

/// What a sidecar may do: nothing.
pub(super) fn locked_down() -> SecurityContext {
    SecurityContext {
        allow_privilege_escalation: Some(false),
        read_only_root_filesystem: Some(true),
        capabilities: Some(Capabilities {
            drop: Some(vec!["ALL".to_owned()]),
            add: None,
        }),
        ..Default::default()
    }
}
