//! The finished schema: fresh, complete, bounded, small, its tables in use; and
//! the sample, which shows every field of ours.

#![allow(
    clippy::disallowed_methods,
    reason = "test data is read from files; the ban is for what ships"
)]

use std::collections::BTreeSet;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, CustomResourceDefinitionVersion, JSONSchemaProps, WebhookClientConfig,
};
use serde_json::Value;

use super::embedded::{Embedded, OURS, PLACES};
use super::finish::Version;
use super::{at, bounds, check, rules, values, walk};
use crate::crd::{STORED_SCHEMA, V1_SCHEMA, converting, crd, manifest};
use crate::latest::LocustTest;

fn read(path: &str) -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path);
    serde_saphyr::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Every node of the stored schema with its path.
fn nodes() -> Vec<(String, JSONSchemaProps)> {
    let nodes = nodes_of(&STORED_SCHEMA);
    assert!(nodes.len() > 500, "the schema is empty");
    nodes
}

fn nodes_of(root: &JSONSchemaProps) -> Vec<(String, JSONSchemaProps)> {
    let mut nodes = Vec::new();
    walk(&mut root.clone(), "", &mut |path, schema| {
        nodes.push((path.to_owned(), schema.clone()));
    });
    nodes
}

/// Every node of both versions.
fn all_nodes() -> impl Iterator<Item = (Version, String, JSONSchemaProps)> {
    let v1 = nodes_of(&V1_SCHEMA);
    assert!(v1.len() > 30, "the schema of v1 is empty");
    let v1 = v1.into_iter().map(|(path, node)| (Version::V1, path, node));
    let latest = nodes().into_iter();
    v1.chain(latest.map(|(path, node)| (Version::Latest, path, node)))
}

#[test]
fn the_committed_crd_is_what_the_types_give() {
    let committed = read("config/crd/bases/locust.io_locusttests.yaml");
    assert!(committed == manifest(), "stale: run `make manifests`");
}

#[test]
fn the_crd_is_what_users_of_the_go_operator_know() {
    let spec = crd().spec;
    assert_eq!(
        spec.names.short_names.as_deref(),
        Some(["lotest".to_owned()].as_slice())
    );
    assert_eq!(spec.names.list_kind.as_deref(), Some("LocustTestList"));
    let [latest, v1] = spec.versions.as_slice() else {
        panic!("not two versions");
    };
    assert!(latest.name == "v2" && latest.served && latest.storage);
    assert!(v1.name == "v1" && !v1.storage);
    assert_eq!(v1.deprecated, Some(true));
    assert_eq!(
        v1.deprecation_warning.as_deref(),
        Some("locust.io/v1 LocustTest is deprecated, migrate to locust.io/v2")
    );
    for version in [latest, v1] {
        assert!(version.subresources.as_ref().unwrap().status.is_some());
    }
    let columns = |version: &CustomResourceDefinitionVersion| -> Vec<_> {
        let columns = version.additional_printer_columns.iter().flatten();
        columns
            .map(|column| {
                (
                    format!("{} {}", column.name, column.type_),
                    column.json_path.clone(),
                    column.priority,
                )
            })
            .collect()
    };
    let expected = |columns: &[(&str, &str, Option<i32>)]| -> Vec<_> {
        columns
            .iter()
            .map(|(name, path, priority)| ((*name).to_owned(), (*path).to_owned(), *priority))
            .collect()
    };
    assert_eq!(
        columns(latest),
        expected(&[
            ("Phase string", ".status.phase", None),
            ("Workers integer", ".spec.worker.replicas", None),
            ("Connected integer", ".status.connectedWorkers", None),
            ("Users integer", ".status.locust.users", None),
            ("RPS string", ".status.locust.requestsPerSecond", None),
            ("Fail% string", ".status.locust.failPercent", None),
            ("P95 integer", ".status.locust.p95Ms", None),
            ("Verdict string", ".status.verdict", None),
            ("Requests integer", ".status.locust.requests", Some(1)),
            ("Failures integer", ".status.locust.failures", Some(1)),
            ("Median integer", ".status.locust.medianMs", Some(1)),
            ("P99 integer", ".status.locust.p99Ms", Some(1)),
            (
                "Remaining integer",
                ".status.locust.remainingSeconds",
                Some(1)
            ),
            ("Image string", ".spec.image", Some(1)),
            ("Age date", ".metadata.creationTimestamp", None),
        ])
    );
    assert_eq!(
        columns(v1),
        expected(&[
            ("master_cmd string", ".spec.masterCommandSeed", None),
            ("worker_replica_count integer", ".spec.workerReplicas", None),
            ("Image string", ".spec.image", None),
            ("Age date", ".metadata.creationTimestamp", None),
        ])
    );
}

#[test]
fn v1_is_served_only_where_a_webhook_converts() {
    let plain = crd();
    assert_eq!(plain.spec.conversion, None);
    let served = |crd: &CustomResourceDefinition| -> Vec<_> {
        let versions = crd.spec.versions.iter().filter(|version| version.served);
        versions.map(|version| version.name.clone()).collect()
    };
    assert_eq!(served(&plain), ["v2"]);
    let converting = converting(WebhookClientConfig::default());
    assert_eq!(served(&converting), ["v2", "v1"]);
    let conversion = converting.spec.conversion.unwrap();
    assert_eq!(conversion.strategy, "Webhook");
    let versions = conversion.webhook.unwrap().conversion_review_versions;
    assert_eq!(versions, ["v1"]);
}

#[test]
fn v1_has_only_the_rule_about_names() {
    for (path, node) in nodes_of(&V1_SCHEMA) {
        let rules = node.x_kubernetes_validations.unwrap_or_default();
        let expected = usize::from(path.is_empty());
        assert_eq!(rules.len(), expected, "{path:?}: {rules:?}");
    }
}

#[test]
fn the_status_of_v1_is_that_of_v2() {
    let status = |schema: &JSONSchemaProps| {
        let properties = schema.properties.as_ref().unwrap();
        properties["status"].clone()
    };
    assert_eq!(status(&V1_SCHEMA), status(&STORED_SCHEMA));
}

#[test]
fn the_crd_leaves_room_for_the_copy_that_kubectl_apply_keeps() {
    let size = manifest().to_string().len();
    assert!(size <= 96 * 1024, "{size} bytes");
}

#[test]
fn every_node_is_structural() {
    for (_, path, node) in all_nodes() {
        let int_or_string = node.x_kubernetes_int_or_string == Some(true);
        assert!(node.type_.is_some() || int_or_string, "{path}: no type");
        assert!(node.any_of.is_none() || int_or_string, "{path}: anyOf");
        let forbidden = [
            ("$ref", node.ref_path.is_some()),
            ("nullable", node.nullable.is_some()),
            ("title", node.title.is_some()),
            ("uniqueItems", node.unique_items.is_some()),
            ("definitions", node.definitions.is_some()),
            ("dependencies", node.dependencies.is_some()),
            ("patternProperties", node.pattern_properties.is_some()),
            ("additionalItems", node.additional_items.is_some()),
            ("allOf", node.all_of.is_some()),
            ("oneOf", node.one_of.is_some()),
            ("not", node.not.is_some()),
            (
                "properties beside additionalProperties",
                node.properties.is_some() && node.additional_properties.is_some(),
            ),
            (
                "preserve-unknown-fields",
                node.x_kubernetes_preserve_unknown_fields.is_some(),
            ),
        ];
        for (keyword, found) in forbidden {
            assert!(!found, "{path}: {keyword}");
        }
        for member in node.enum_.iter().flatten() {
            assert!(member.0.is_string(), "{path}: enum member {:?}", member.0);
        }
        let format = node.format.as_deref();
        assert!(
            format.is_none_or(|format| ["int32", "int64", "date-time"].contains(&format)),
            "{path}: the API server warns of format {format:?}; use i32 or i64"
        );
    }
}

#[test]
fn every_array_string_and_map_has_a_limit() {
    for (_, path, node) in all_nodes() {
        let limit = match node.type_.as_deref() {
            Some("array") => node.max_items,
            Some("object") if node.additional_properties.is_some() => node.max_properties,
            Some("string") if node.enum_.is_none() && node.format.is_none() => node.max_length,
            _ => continue,
        };
        assert!(
            limit.is_some(),
            "{path}: give it a limit in schema/bounds.rs"
        );
    }
}

#[test]
fn every_number_of_ours_has_a_smallest_value() {
    for (version, path, node) in all_nodes() {
        let is_ours = node.type_.as_deref() == Some("integer") && !version.is_embedded(&path);
        assert!(!is_ours || node.minimum.is_some(), "{path}");
    }
}

#[test]
fn our_fields_are_described_and_embedded_ones_are_not() {
    for (version, path, node) in all_nodes() {
        let is_entry = path.ends_with("{}") || path.ends_with("[]");
        if version.is_embedded(&path) {
            assert_eq!(node.description, None, "{path}");
        } else if !is_entry {
            let description = node.description.unwrap_or_default();
            assert!(description.ends_with('.'), "{path}: {description:?}");
        }
    }
}

#[test]
fn every_pattern_can_be_checked_here() {
    for (_, path, node) in all_nodes() {
        if let Some(pattern) = node.pattern {
            assert!(
                regex_lite::Regex::new(&pattern).is_ok(),
                "{path}: {pattern}"
            );
        }
    }
}

#[test]
fn no_line_of_the_tables_is_out_of_use() {
    let mut root = STORED_SCHEMA.clone();
    let (ours, ends) = bounds::tables();
    let mut v1 = V1_SCHEMA.clone();
    for path in ours.iter().chain(OURS) {
        let found = at(&mut root, path).is_some() || at(&mut v1, path).is_some();
        assert!(found, "{path}");
    }
    let paths: Vec<_> = nodes().into_iter().map(|(path, _)| path).collect();
    for end in ends {
        let used = |path: &&String| Version::Latest.is_embedded(path) && path.ends_with(end);
        assert!(paths.iter().any(|path| used(&path)), "{end}");
    }
    for (end, _) in values::in_words() {
        let used = |path: &&String| path.ends_with(end);
        assert!(paths.iter().any(|path| used(&path)), "{end}");
    }
    for (place, path) in rules::places() {
        assert!(at(&mut root, place).is_some(), "{place}");
        assert!(at(&mut root, &path).is_some(), "{path}");
    }
    for (place, kind) in PLACES {
        facts_hold(
            at(&mut root, place).unwrap_or_else(|| panic!("{place}")),
            kind,
        );
    }
}

fn facts_hold(schema: &mut JSONSchemaProps, kind: &Embedded) {
    for (path, _) in kind.facts {
        assert!(at(schema, path).is_some(), "{path}");
    }
    for (path, part) in kind.parts {
        facts_hold(at(schema, path).unwrap_or_else(|| panic!("{path}")), part);
    }
}

/// The counts are those of the CRD that controller-gen 0.18.0 makes of the same
/// fields with k8s.io/api 0.36.3.
#[test]
fn embedded_types_keep_what_a_crd_made_in_go_keeps() {
    let nodes = nodes();
    let count =
        |has: &dyn Fn(&JSONSchemaProps) -> bool| nodes.iter().filter(|(_, node)| has(node)).count();
    assert_eq!(count(&|node| node.x_kubernetes_list_type.is_some()), 66);
    assert_eq!(count(&|node| node.x_kubernetes_list_map_keys.is_some()), 3);
    assert_eq!(count(&|node| node.x_kubernetes_map_type.is_some()), 35);
    assert_eq!(
        count(&|node| node.x_kubernetes_int_or_string.is_some() && node.pattern.is_some()),
        10
    );
    let with_default = |(path, node): &&(String, JSONSchemaProps)| {
        Version::Latest.is_embedded(path) && node.default.is_some()
    };
    assert_eq!(nodes.iter().filter(with_default).count(), 23);
}

#[test]
fn the_sample_is_valid_and_shows_every_field_of_ours() {
    let sample = read("config/samples/locust_v2_locusttest.yaml");
    assert_eq!(check(&sample), []);
    serde_json::from_value::<LocustTest>(sample.clone()).unwrap();

    let mut shown = BTreeSet::new();
    collect(&sample["spec"], "spec", &mut shown);
    let missing: Vec<_> = nodes()
        .into_iter()
        .map(|(path, _)| path)
        .filter(|path| path.starts_with("spec") && !Version::Latest.is_embedded(path))
        .filter(|path| !shown.contains(path))
        .filter(|path| !path.ends_with("{}"))
        .collect();
    assert_eq!(missing, Vec::<String>::new());
}

fn collect(value: &Value, path: &str, shown: &mut BTreeSet<String>) {
    shown.insert(path.to_owned());
    match value {
        Value::Object(fields) => fields
            .iter()
            .for_each(|(name, value)| collect(value, &format!("{path}.{name}"), shown)),
        Value::Array(list) => list
            .iter()
            .for_each(|value| collect(value, &format!("{path}[]"), shown)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
