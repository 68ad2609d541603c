//! The Service by which workers find their master and people its web UI.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use locust_api::names;

use super::object_meta;
use crate::resolve::Resolved;

/// The master's Service.
pub fn master_service(resolved: &Resolved) -> Service {
    let mut ports = vec![
        port("port5557", i32::from(names::MASTER_PORT)),
        port("port5558", i32::from(names::MASTER_BIND_PORT)),
    ];
    if let Some(exporter) = &resolved.exporter {
        ports.push(port("prometheus-metrics", exporter.port));
    }
    ports.push(port("web", i32::from(names::WEB_PORT)));
    let mut metadata = object_meta(resolved, &resolved.master.name);
    metadata.labels = Some(BTreeMap::from([(
        names::LABEL_MANAGED_BY.to_owned(),
        names::MANAGED_BY.to_owned(),
    )]));
    Service {
        metadata,
        spec: Some(ServiceSpec {
            selector: Some(BTreeMap::from([(
                names::LABEL_POD_NAME.to_owned(),
                resolved.master.name.clone(),
            )])),
            ports: Some(ports),
            ..Default::default()
        }),
        status: None,
    }
}

fn port(name: &str, port: i32) -> ServicePort {
    ServicePort {
        name: Some(name.to_owned()),
        protocol: Some("TCP".to_owned()),
        port,
        ..Default::default()
    }
}
