//! Affinity, tolerations and node selectors, as far as the operator's settings
//! let them reach the pods.

use k8s_openapi::api::core::v1::{
    Affinity, NodeAffinity, NodeSelectorRequirement, NodeSelectorTerm, PodAffinityTerm, Toleration,
    WeightedPodAffinityTerm,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use locust_api::condition::Reason;
use locust_api::latest::LocustTestSpec;

use super::{Found, Kind, forms, metadata};
use crate::settings::Settings;

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

pub(super) fn judge(spec: &LocustTestSpec, settings: &Settings, found: &mut Found) {
    let mut found = found.of(Reason::InvalidScheduling);
    let Some(scheduling) = &spec.scheduling else {
        return;
    };
    let selector = scheduling.node_selector.as_ref();
    metadata::labels(
        "spec.scheduling.nodeSelector",
        selector.into_iter().flatten(),
        &mut found,
    );
    if settings.affinity_injection
        && let Some(own) = &scheduling.affinity
    {
        affinity("spec.scheduling.affinity", own, &mut found);
    }
    if settings.tolerations_injection {
        let entries = scheduling.tolerations.iter().flatten();
        for (index, entry) in entries.enumerate() {
            let field = format!("spec.scheduling.tolerations[{index}]");
            toleration(&field, entry, &mut found);
        }
    }
}

fn toleration(field: &str, toleration: &Toleration, found: &mut Kind<'_>) {
    let Toleration {
        effect,
        key,
        operator,
        toleration_seconds,
        value,
    } = toleration;
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let (effect, key, operator, value) = (text(effect), text(key), text(operator), text(value));
    if key.is_empty() && operator != "Exists" {
        found.add(format!("{field}.operator"), "must be Exists without a key");
    }
    if !key.is_empty() {
        found.check(format!("{field}.key"), forms::qualified_name(&key));
    }
    if toleration_seconds.is_some() && effect != "NoExecute" {
        found.add(
            format!("{field}.effect"),
            "must be NoExecute with tolerationSeconds",
        );
    }
    let field = format!("{field}.value");
    match operator.as_str() {
        "Exists" if !value.is_empty() => found.add(field, "must be left out with Exists"),
        "" | "Equal" => found.check(field, forms::label_value(&value)),
        "Lt" | "Gt" if !is_whole_number(&value) => found.add(field, "must be a whole number"),
        _ => {}
    }
}

/// A number as Kubernetes writes it: without a plus or leading zeros.
fn is_whole_number(text: &str) -> bool {
    text.parse::<i64>()
        .is_ok_and(|number| number.to_string() == text)
}

fn affinity(field: &str, affinity: &Affinity, found: &mut Kind<'_>) {
    let Affinity {
        node_affinity,
        pod_affinity,
        pod_anti_affinity,
    } = affinity;
    if let Some(own) = node_affinity {
        nodes(&format!("{field}.nodeAffinity"), own, found);
    }
    // Two types that are alike in every field.
    if let Some(own) = pod_affinity {
        pods(
            &format!("{field}.podAffinity"),
            own.required_during_scheduling_ignored_during_execution
                .as_deref(),
            own.preferred_during_scheduling_ignored_during_execution
                .as_deref(),
            found,
        );
    }
    if let Some(own) = pod_anti_affinity {
        pods(
            &format!("{field}.podAntiAffinity"),
            own.required_during_scheduling_ignored_during_execution
                .as_deref(),
            own.preferred_during_scheduling_ignored_during_execution
                .as_deref(),
            found,
        );
    }
}

fn pods(
    field: &str,
    required: Option<&[PodAffinityTerm]>,
    preferred: Option<&[WeightedPodAffinityTerm]>,
    found: &mut Kind<'_>,
) {
    for (index, term) in required.into_iter().flatten().enumerate() {
        pod_term(&format!("{field}.{REQUIRED}[{index}]"), term, found);
    }
    for (index, term) in preferred.into_iter().flatten().enumerate() {
        let field = format!("{field}.{PREFERRED}[{index}].podAffinityTerm");
        pod_term(&field, &term.pod_affinity_term, found);
    }
}

fn nodes(field: &str, affinity: &NodeAffinity, found: &mut Kind<'_>) {
    if let Some(required) = &affinity.required_during_scheduling_ignored_during_execution {
        let field = format!("{field}.{REQUIRED}.nodeSelectorTerms");
        if required.node_selector_terms.is_empty() {
            found.add(field.as_str(), "needs a term");
        }
        for (index, term) in required.node_selector_terms.iter().enumerate() {
            node_term(&format!("{field}[{index}]"), term, Values::Labels, found);
        }
    }
    let preferred = affinity
        .preferred_during_scheduling_ignored_during_execution
        .as_ref();
    for (index, term) in preferred.into_iter().flatten().enumerate() {
        let field = format!("{field}.{PREFERRED}[{index}].preference");
        node_term(&field, &term.preference, Values::Any, found);
    }
}

/// What values a requirement may name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Values {
    Labels,
    Any,
}

fn node_term(field: &str, term: &NodeSelectorTerm, values: Values, found: &mut Kind<'_>) {
    for (index, own) in term.match_expressions.iter().flatten().enumerate() {
        let field = format!("{field}.matchExpressions[{index}]");
        requirement(
            &field,
            &own.key,
            &own.operator,
            own.values.as_deref(),
            found,
        );
        if values == Values::Labels {
            for (index, value) in own.values.iter().flatten().enumerate() {
                let field = format!("{field}.values[{index}]");
                found.check(field, forms::label_value(value));
            }
        }
    }
    for (index, own) in term.match_fields.iter().flatten().enumerate() {
        match_field(&format!("{field}.matchFields[{index}]"), own, found);
    }
}

fn match_field(field: &str, own: &NodeSelectorRequirement, found: &mut Kind<'_>) {
    let values = own.values.as_deref().unwrap_or_default();
    if values.len() != 1 {
        found.add(format!("{field}.values"), "must be one value");
    }
    if own.key != "metadata.name" {
        found.add(format!("{field}.key"), "must be metadata.name");
    }
    for (index, value) in values.iter().enumerate() {
        let field = format!("{field}.values[{index}]");
        found.check(field, forms::subdomain(value));
    }
}

/// One requirement on a label: its key, and as many values as the operator
/// takes.
fn requirement(
    field: &str,
    key: &str,
    operator: &str,
    values: Option<&[String]>,
    found: &mut Kind<'_>,
) {
    found.check(format!("{field}.key"), forms::qualified_name(key));
    let count = values.map_or(0, <[String]>::len);
    let field = format!("{field}.values");
    match operator {
        "In" | "NotIn" if count == 0 => found.add(field, "is needed for In and NotIn"),
        "Exists" | "DoesNotExist" if count > 0 => {
            found.add(field, "must be left out for Exists and DoesNotExist");
        }
        "Gt" | "Lt" if count != 1 => found.add(field, "must be one value for Gt and Lt"),
        _ => {}
    }
}

fn pod_term(field: &str, term: &PodAffinityTerm, found: &mut Kind<'_>) {
    let PodAffinityTerm {
        label_selector: own_selector,
        match_label_keys,
        mismatch_label_keys,
        namespace_selector,
        namespaces,
        topology_key,
    } = term;
    label_selector(
        &format!("{field}.labelSelector"),
        own_selector.as_ref(),
        found,
    );
    let selector = namespace_selector.as_ref();
    label_selector(&format!("{field}.namespaceSelector"), selector, found);
    for (index, name) in namespaces.iter().flatten().enumerate() {
        found.check(format!("{field}.namespaces[{index}]"), forms::label(name));
    }
    found.check(
        format!("{field}.topologyKey"),
        forms::qualified_name(topology_key),
    );
    let matching = match_label_keys.as_deref().unwrap_or_default();
    let mismatching = mismatch_label_keys.as_deref().unwrap_or_default();
    for (name, keys) in [
        ("matchLabelKeys", matching),
        ("mismatchLabelKeys", mismatching),
    ] {
        if !keys.is_empty() && own_selector.is_none() {
            found.add(format!("{field}.{name}"), "needs a labelSelector");
        }
        for (index, key) in keys.iter().enumerate() {
            let field = format!("{field}.{name}[{index}]");
            found.check(field, forms::qualified_name(key));
        }
    }
    for (index, key) in matching.iter().enumerate() {
        let is_elsewhere = mismatching.contains(key) || selects(own_selector.as_ref(), key);
        if is_elsewhere {
            found.add(
                format!("{field}.matchLabelKeys[{index}]"),
                format!("{key:?} is also in labelSelector or mismatchLabelKeys"),
            );
        }
    }
}

fn selects(selector: Option<&LabelSelector>, key: &String) -> bool {
    selector.is_some_and(|selector| {
        let mut labels = selector.match_labels.iter().flatten();
        let mut expressions = selector.match_expressions.iter().flatten();
        labels.any(|(label, _)| label == key) || expressions.any(|own| own.key == *key)
    })
}

pub(super) fn label_selector(field: &str, selector: Option<&LabelSelector>, found: &mut Kind<'_>) {
    let Some(selector) = selector else {
        return;
    };
    let LabelSelector {
        match_expressions,
        match_labels,
    } = selector;
    metadata::labels(
        &format!("{field}.matchLabels"),
        match_labels.iter().flatten(),
        found,
    );
    for (index, own) in match_expressions.iter().flatten().enumerate() {
        let field = format!("{field}.matchExpressions[{index}]");
        if !matches!(
            own.operator.as_str(),
            "In" | "NotIn" | "Exists" | "DoesNotExist"
        ) {
            found.add(
                format!("{field}.operator"),
                format!(
                    "{:?} is none of In, NotIn, Exists, DoesNotExist",
                    own.operator
                ),
            );
        }
        requirement(
            &field,
            &own.key,
            &own.operator,
            own.values.as_deref(),
            found,
        );
        for (index, value) in own.values.iter().flatten().enumerate() {
            let field = format!("{field}.values[{index}]");
            found.check(field, forms::label_value(value));
        }
    }
}
