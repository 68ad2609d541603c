//! Requests and limits of a container.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ResourceRequirements;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::quantity::Amount;
use super::{Kind, forms};

type List = BTreeMap<String, Quantity>;

/// Prefix of huge pages, whose size is the rest of the name.
const HUGE_PAGES: &str = "hugepages-";

pub(super) fn judge(field: &str, resources: &ResourceRequirements, found: &mut Kind<'_>) {
    let ResourceRequirements {
        requests,
        limits,
        claims,
    } = resources;
    let nothing = List::new();
    let limits = limits.as_ref().unwrap_or(&nothing);
    let requests = requests.as_ref().unwrap_or(&nothing);
    for (list, values) in [("limits", limits), ("requests", requests)] {
        for (name, value) in values {
            let field = format!("{field}.{list}.{name}");
            found.check(field.as_str(), resource_name(name));
            found.check(field, quantity(name, value));
        }
    }
    for (name, request) in requests {
        let field = format!("{field}.requests.{name}");
        found.check(field, against_limit(name, request, limits.get(name)));
    }
    let mut names = limits.keys().chain(requests.keys());
    let has_huge_pages = names.clone().any(|name| name.starts_with(HUGE_PAGES));
    if has_huge_pages && !names.any(|name| name == "cpu" || name == "memory") {
        found.add(field, "huge pages need cpu or memory beside them");
    }
    if claims.as_ref().is_some_and(|claims| !claims.is_empty()) {
        found.add(
            format!("{field}.claims"),
            "the pods have no resource claims that could be used: leave this out",
        );
    }
}

fn resource_name(name: &str) -> Option<&'static str> {
    let is_own =
        matches!(name, "cpu" | "memory" | "ephemeral-storage") || name.starts_with(HUGE_PAGES);
    if forms::qualified_name(name).is_none() && (is_own || is_extended(name)) {
        return None;
    }
    Some(
        "is no resource of a container: name cpu, memory, ephemeral-storage, hugepages-<size> or one like example.com/gpu",
    )
}

/// Something of a device plugin, or of Kubernetes itself.
fn is_extended(name: &str) -> bool {
    name.contains('/')
        && (is_native(name)
            || (!name.starts_with("requests.")
                && forms::qualified_name(&format!("requests.{name}")).is_none()))
}

fn is_native(name: &str) -> bool {
    !name.contains('/') || name.contains("kubernetes.io/")
}

/// Whether a container may ask for less than it may use.
fn can_be_overcommitted(name: &str) -> bool {
    is_native(name) && !name.starts_with(HUGE_PAGES)
}

fn quantity(name: &str, Quantity(text): &Quantity) -> Option<String> {
    let Some(amount) = Amount::of(text) else {
        return Some(format!(
            "{text:?} is no quantity: write it like 500m, 2 or 1Gi"
        ));
    };
    if amount.is_negative() {
        return Some(format!("{text} is below 0"));
    }
    if !is_native(name) && !amount.is_whole() {
        return Some(format!("{text} is not a whole number"));
    }
    let size = name.strip_prefix(HUGE_PAGES)?;
    let fits = Amount::of(size).is_some_and(|size| size.is_whole() && amount.is_multiple_of(size));
    (!fits).then(|| format!("{text} is not a multiple of the page size {size}"))
}

fn against_limit(
    name: &str,
    Quantity(request): &Quantity,
    limit: Option<&Quantity>,
) -> Option<String> {
    let Some(Quantity(limit)) = limit else {
        return (!can_be_overcommitted(name))
            .then(|| "needs a limit of the same amount".to_owned());
    };
    let (asked, most) = (Amount::of(request)?, Amount::of(limit)?);
    if asked != most && !can_be_overcommitted(name) {
        return Some(format!("{request} has to equal the limit of {limit}"));
    }
    (asked > most).then(|| {
        format!("{request} is above the limit of {limit}: lower the request or raise the limit")
    })
}
