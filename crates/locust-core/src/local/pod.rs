//! What the downward API tells a container about its pod, for a process that
//! has none.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ObjectFieldSelector;
use locust_api::names::Role;

use crate::build::pod_labels;
use crate::processes::ProcessSpec;
use crate::resolve::Resolved;

const LOOPBACK: &str = "127.0.0.1";

/// A process seen as the pod that it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pod {
    /// `metadata.name`: the Job's name, for workers with a number.
    pub name: String,
    /// `metadata.namespace`.
    pub namespace: String,
    /// `metadata.labels`.
    pub labels: BTreeMap<String, String>,
    /// `metadata.annotations`.
    pub annotations: BTreeMap<String, String>,
    /// `spec.nodeName`: this machine.
    pub node: String,
}

impl Pod {
    /// The pod that `process` stands for on the machine called `node`.
    pub fn new(resolved: &Resolved, process: &ProcessSpec, node: &str) -> Self {
        let (role, name) = match process.role {
            Role::Master => (&resolved.master, resolved.master.name.clone()),
            Role::Worker => {
                let number = process.index.saturating_add(1);
                (
                    &resolved.worker,
                    format!("{}-{number}", resolved.worker.name),
                )
            }
        };
        Self {
            name,
            namespace: resolved.namespace.clone(),
            labels: pod_labels(resolved, role),
            annotations: role.annotations.clone(),
            node: node.to_owned(),
        }
    }

    /// The value of a `fieldRef`; `None` for a field that no container may ask
    /// for.
    pub(super) fn field(&self, selector: &ObjectFieldSelector) -> Option<String> {
        let path = selector.field_path.as_str();
        if let Some(key) = subscript(path, "metadata.labels") {
            return Some(self.labels.get(key).cloned().unwrap_or_default());
        }
        if let Some(key) = subscript(path, "metadata.annotations") {
            return Some(self.annotations.get(key).cloned().unwrap_or_default());
        }
        Some(match path {
            "metadata.name" => self.name.clone(),
            "metadata.namespace" if self.namespace.is_empty() => "default".to_owned(),
            "metadata.namespace" => self.namespace.clone(),
            "metadata.uid" => format!("local-{}", self.name),
            "metadata.labels" => listing(&self.labels),
            "metadata.annotations" => listing(&self.annotations),
            "spec.nodeName" => self.node.clone(),
            "spec.serviceAccountName" => "default".to_owned(),
            "status.hostIP" | "status.hostIPs" | "status.podIP" | "status.podIPs" => {
                LOOPBACK.to_owned()
            }
            _ => return None,
        })
    }
}

/// `metadata.labels['key']` names one label.
fn subscript<'a>(path: &'a str, map: &str) -> Option<&'a str> {
    path.strip_prefix(map)?
        .strip_prefix("['")?
        .strip_suffix("']")
}

/// All entries as the downward API writes them into a file.
fn listing(map: &BTreeMap<String, String>) -> String {
    map.iter()
        .map(|(key, value)| format!("{key}={value:?}"))
        .collect::<Vec<_>>()
        .join("\n")
}
