//! The finished schema: fresh, complete, bounded, small, its tables in use; and
//! the sample, which shows every field of ours.

#![allow(
    clippy::disallowed_methods,
    reason = "test data is read from files; the ban is for what ships"
)]

use std::collections::BTreeSet;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::JSONSchemaProps;
use serde_json::Value;

use super::embedded::{Embedded, OURS, PLACES};
use super::{at, bounds, check, finish, rules, values, walk};
use crate::crd::{STORED_SCHEMA, crd, manifest};
use crate::latest::LocustTest;

fn read(path: &str) -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path);
    serde_saphyr::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Every node of the stored schema with its path.
fn nodes() -> Vec<(String, JSONSchemaProps)> {
    let mut nodes = Vec::new();
    walk(&mut STORED_SCHEMA.clone(), "", &mut |path, schema| {
        nodes.push((path.to_owned(), schema.clone()));
    });
    assert!(nodes.len() > 500, "the schema is empty");
    nodes
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
    let [version] = spec.versions.as_slice() else {
        panic!("more than one version");
    };
    assert!(version.name == "v2" && version.served && version.storage);
    assert!(version.subresources.as_ref().unwrap().status.is_some());
    let columns: Vec<_> = version
        .additional_printer_columns
        .iter()
        .flatten()
        .map(|column| (column.name.as_str(), column.priority))
        .collect();
    assert_eq!(
        columns,
        [
            ("Phase", None),
            ("Workers", None),
            ("Connected", None),
            ("Image", Some(1)),
            ("Age", None)
        ]
    );
}

#[test]
fn the_crd_leaves_room_for_the_copy_that_kubectl_apply_keeps() {
    let size = manifest().to_string().len();
    assert!(size <= 96 * 1024, "{size} bytes");
}

#[test]
fn every_node_is_structural() {
    for (path, node) in nodes() {
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
    for (path, node) in nodes() {
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
    for (path, node) in nodes() {
        let is_ours = node.type_.as_deref() == Some("integer") && !finish::is_embedded(&path);
        assert!(!is_ours || node.minimum.is_some(), "{path}");
    }
}

#[test]
fn our_fields_are_described_and_embedded_ones_are_not() {
    for (path, node) in nodes() {
        let is_entry = path.ends_with("{}") || path.ends_with("[]");
        if finish::is_embedded(&path) {
            assert_eq!(node.description, None, "{path}");
        } else if !is_entry {
            let description = node.description.unwrap_or_default();
            assert!(description.ends_with('.'), "{path}: {description:?}");
        }
    }
}

#[test]
fn every_pattern_can_be_checked_here() {
    for (path, node) in nodes() {
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
    for path in ours.iter().chain(OURS) {
        assert!(at(&mut root, path).is_some(), "{path}");
    }
    let paths: Vec<_> = nodes().into_iter().map(|(path, _)| path).collect();
    for end in ends {
        let used = |path: &&String| finish::is_embedded(path) && path.ends_with(end);
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
        finish::is_embedded(path) && node.default.is_some()
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
        .filter(|path| path.starts_with("spec") && !finish::is_embedded(path))
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
