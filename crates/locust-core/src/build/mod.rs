//! The Kubernetes objects of a test, one file per object and one per fragment.
//!
//! Names, labels and owner references are made here and nowhere else. What
//! differs from the objects of the Go operator 2.3.0 is on purpose and listed
//! in `conformance/deviations.json`.

pub mod command;
pub mod env;
mod exporter;
mod job;
mod master_job;
mod master_service;
mod pod;
pub mod resources;
mod results;
mod storage;
#[cfg(test)]
mod tests;
pub mod volumes;
mod worker_job;

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube_core::Resource as _;
use locust_api::latest::LocustTest;
use locust_api::names;

pub use master_job::master_job;
pub use master_service::master_service;
pub use results::{results, results_policy};
pub use worker_job::worker_job;

use crate::resolve::{Resolved, ResolvedRole};

/// Metadata of a generated object: owned by the test, so that it goes when the
/// test is deleted, with or without an operator.
fn object_meta(resolved: &Resolved, name: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        namespace: Some(resolved.namespace.clone()),
        owner_references: Some(vec![owner(&resolved.name, &resolved.uid)]),
        ..Default::default()
    }
}

/// The test as the controller of an object.
fn owner(test: &str, uid: &str) -> OwnerReference {
    OwnerReference {
        api_version: LocustTest::api_version(&()).into_owned(),
        kind: LocustTest::kind(&()).into_owned(),
        name: test.to_owned(),
        uid: uid.to_owned(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    }
}

/// Labels by which objects find each other. What a user gives for them reaches
/// no pod.
pub(crate) const PROTECTED_LABELS: [&str; 2] = [names::LABEL_POD_NAME, names::LABEL_MANAGED_BY];

/// Labels of a role's pods. The user's may replace the two that only name the
/// test, but not the protected ones.
pub(crate) fn pod_labels(resolved: &Resolved, role: &ResolvedRole) -> BTreeMap<String, String> {
    let own = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let mut labels = BTreeMap::from([
        own(names::LABEL_APP, &resolved.name),
        own(names::LABEL_TEST_NAME, &resolved.name),
    ]);
    labels.extend(role.labels.clone());
    let values = [&*role.name, names::MANAGED_BY];
    let protected = PROTECTED_LABELS.into_iter().zip(values);
    labels.extend(protected.map(|(key, value)| own(key, value)));
    labels
}
