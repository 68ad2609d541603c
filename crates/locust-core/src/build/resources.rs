//! Compute resources of the containers.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ResourceRequirements;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use locust_api::names::Role;

use crate::settings::{Resources, RoleResources};

/// Resources of a Locust container: the test's own if it gives any request or
/// limit, otherwise the operator's, where a value of the role wins over the one
/// for both.
pub fn locust(
    own: Option<&ResourceRequirements>,
    role: Role,
    settings: &RoleResources,
) -> ResourceRequirements {
    let given = |list: &Option<BTreeMap<String, Quantity>>| {
        list.as_ref().is_some_and(|list| !list.is_empty())
    };
    if let Some(own) = own.filter(|own| given(&own.requests) || given(&own.limits)) {
        return own.clone();
    }
    let of_role = match role {
        Role::Master => &settings.master,
        Role::Worker => &settings.worker,
    };
    let merge = |both: &BTreeMap<String, Quantity>, own: &BTreeMap<String, Quantity>| {
        let mut merged = both.clone();
        merged.extend(own.clone());
        merged
    };
    requirements(&Resources {
        requests: merge(&settings.both.requests, &of_role.requests),
        limits: merge(&settings.both.limits, &of_role.limits),
    })
}

/// Resources as Kubernetes takes them.
pub(super) fn requirements(resources: &Resources) -> ResourceRequirements {
    let list = |list: &BTreeMap<String, Quantity>| (!list.is_empty()).then(|| list.clone());
    ResourceRequirements {
        requests: list(&resources.requests),
        limits: list(&resources.limits),
        claims: None,
    }
}
