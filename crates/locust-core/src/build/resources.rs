//! Compute resources of the containers.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ResourceRequirements;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use locust_api::names::Role;

use crate::settings::{Limit, Resources, RoleResources};

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
    let Resources {
        mut requests,
        mut limits,
    } = settings.both.clone();
    requests.extend(of_role.requests.clone());
    limits.extend(of_role.limits.clone());
    requirements(&Resources { requests, limits })
}

/// Resources as Kubernetes takes them.
pub(crate) fn requirements(resources: &Resources) -> ResourceRequirements {
    let Resources { requests, limits } = resources;
    let limits: BTreeMap<String, Quantity> = limits
        .iter()
        .filter_map(|(name, limit)| match limit {
            Limit::At(quantity) => Some((name.clone(), quantity.clone())),
            Limit::Unlimited => None,
        })
        .collect();
    ResourceRequirements {
        requests: (!requests.is_empty()).then(|| requests.clone()),
        limits: (!limits.is_empty()).then_some(limits),
        claims: None,
    }
}
