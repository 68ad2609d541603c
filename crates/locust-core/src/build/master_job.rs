//! The master's Job. It is created held (`suspend: true`) and released only
//! after the run has been recorded, so that no crash can make a second run.

use std::collections::BTreeMap;

use k8s_openapi::api::batch::v1::Job;
use locust_api::names;

use super::command::{Reach, master_args};
use super::exporter::exporter_container;
use super::job::job;
use super::pod::{PodParts, pod_template};
use super::storage;
use crate::resolve::Resolved;
use crate::storage::Plan;

/// The master's Job, held.
pub fn master_job(resolved: &Resolved) -> Job {
    let exporter = resolved.exporter.as_ref();
    let storage = resolved.storage.as_ref();
    let storage = storage.and_then(|storage| Some((storage, Plan::of(resolved, storage)?)));
    let storage = storage.as_ref();
    let template = pod_template(
        resolved,
        &resolved.master,
        PodParts {
            args: master_args(resolved, Reach::Service),
            ports: vec![names::MASTER_PORT, names::MASTER_BIND_PORT, names::WEB_PORT],
            annotations: exporter
                .map(|exporter| scrape_annotations(exporter.port))
                .unwrap_or_default(),
            sidecars: exporter
                .map(exporter_container)
                .into_iter()
                .chain(storage.map(|(storage, plan)| storage::container(storage, plan)))
                .collect(),
            volumes: storage
                .and_then(|(storage, _)| storage::volume(storage))
                .into_iter()
                .collect(),
            pre_stop: storage.map(|_| storage::pre_stop()),
        },
    );
    // A master is never started a second time: workers of the first one would
    // keep loading the target for a minute and never join the new one.
    let mut job = job(resolved, &resolved.master, 1, 0, template);
    if let Some(spec) = job.spec.as_mut() {
        spec.suspend = Some(true);
    }
    job.metadata.annotations = Some(BTreeMap::from([(
        names::ANNOTATION_HELD.to_owned(),
        resolved.generation.to_string(),
    )]));
    job
}

fn scrape_annotations(port: i32) -> BTreeMap<String, String> {
    [
        ("prometheus.io/scrape", "true".to_owned()),
        ("prometheus.io/path", "/metrics".to_owned()),
        ("prometheus.io/port", port.to_string()),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value))
    .collect()
}
