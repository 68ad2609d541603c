//! Turns the schema that the Rust types give into the one the API server gets.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSON, JSONSchemaProps, ValidationRule,
};
use serde_json::Value;

use super::check::too_long;
use super::embedded::{self, Embedded, Fact};
use super::{at, bounds, rules, values, walk};
use crate::names::MAX_TEST_NAME;

/// Finishes the schema of every version of the CRD.
pub(crate) fn finish(crd: &mut CustomResourceDefinition) {
    for version in &mut crd.spec.versions {
        let schema = version.schema.as_mut();
        if let Some(root) = schema.and_then(|schema| schema.open_api_v3_schema.as_mut()) {
            finish_root(root, Version::of(&version.name));
        }
    }
}

/// Where Kubernetes types are: v1 has none in its spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    V1,
    Latest,
}

impl Version {
    fn of(name: &str) -> Self {
        match name {
            "v1" => Self::V1,
            _ => Self::Latest,
        }
    }

    fn places(self) -> impl Iterator<Item = (&'static str, &'static Embedded)> {
        let has = move |place: &str| self == Self::Latest || place.starts_with("status");
        embedded::PLACES
            .iter()
            .copied()
            .filter(move |(place, _)| has(place))
    }

    /// Whether `path` lies in a Kubernetes type. The field that holds the type
    /// is ours; the items of a list are the type itself.
    pub(super) fn is_embedded(self, path: &str) -> bool {
        !embedded::OURS.contains(&path)
            && self.places().any(|(place, _)| {
                path.strip_prefix(place)
                    .is_some_and(|rest| !rest.is_empty() || place.ends_with("[]"))
            })
    }
}

fn finish_root(root: &mut JSONSchemaProps, version: Version) {
    walk(root, "", &mut |_, schema| clean(schema));
    for (place, kind) in version.places() {
        if let Some(schema) = at(root, place) {
            restore(schema, kind);
        }
    }
    if let Some(conditions) = at(root, "status.conditions") {
        state(conditions, Fact::ListByKey("type"));
    }
    if let Some(status) = at(root, "status") {
        status.default = Some(JSON(unseen()));
    }
    walk(root, "", &mut |path, schema| {
        let embedded = version.is_embedded(path);
        if embedded {
            schema.description = None;
        }
        values::set(path, schema);
        bounds::set(path, embedded, schema);
    });
    root.x_kubernetes_validations = Some(vec![name_rule()]);
    // They name fields that v1 does not have; its objects are judged by them
    // as what they become.
    if version == Version::Latest {
        rules::set(root);
    }
}

/// The status of a test that no operator has seen. Without it a tool that waits
/// for the test would take no status for a good one.
fn unseen() -> Value {
    serde_json::json!({ "observedGeneration": -1 })
}

/// The schema of a Rust type of Kubernetes that is not part of the CRD.
pub(crate) fn plain<T: schemars::JsonSchema>() -> JSONSchemaProps {
    let mut settings = schemars::generate::SchemaSettings::openapi3();
    settings.inline_subschemas = true;
    let settings = settings.with_transform(kube_core::schema::StructuralSchemaRewriter);
    let derived = settings.into_generator().into_root_schema_for::<T>();
    let mut schema = serde_json::from_value(derived.to_value()).unwrap_or_default();
    walk(&mut schema, "", &mut |_, schema| clean(schema));
    schema
}

/// Takes away what is right in Rust or in JSON Schema and wrong, or a warning,
/// in a structural schema. `nullable` goes because the Go operator's CRD has
/// none: a null is then treated as everywhere else in Kubernetes.
fn clean(schema: &mut JSONSchemaProps) {
    schema.title = None;
    schema.nullable = None;
    if let Some(members) = &mut schema.enum_ {
        members.retain(|JSON(member)| !member.is_null());
    }
}

fn restore(schema: &mut JSONSchemaProps, kind: &Embedded) {
    for (path, fact) in kind.facts {
        if let Some(field) = at(schema, path) {
            state(field, *fact);
        }
    }
    for (path, part) in kind.parts {
        if let Some(field) = at(schema, path) {
            restore(field, part);
        }
    }
}

fn state(schema: &mut JSONSchemaProps, fact: Fact) {
    match fact {
        Fact::AtomicList => schema.x_kubernetes_list_type = Some("atomic".to_owned()),
        Fact::ListByKey(key) => {
            schema.x_kubernetes_list_type = Some("map".to_owned());
            schema.x_kubernetes_list_map_keys = Some(vec![key.to_owned()]);
        }
        Fact::AtomicMap => schema.x_kubernetes_map_type = Some("atomic".to_owned()),
        Fact::DefaultText(text) => schema.default = Some(JSON(Value::from(text))),
        Fact::DefaultFalse => schema.default = Some(JSON(Value::from(false))),
        Fact::Optional(field) => {
            if let Some(required) = &mut schema.required {
                required.retain(|name| name != field);
            }
            schema.required.take_if(|required| required.is_empty());
        }
        Fact::Quantity => {
            let of_type = |name: &str| JSONSchemaProps {
                type_: Some(name.to_owned()),
                ..JSONSchemaProps::default()
            };
            *schema = JSONSchemaProps {
                any_of: Some(vec![of_type("integer"), of_type("string")]),
                pattern: Some(embedded::QUANTITY_PATTERN.to_owned()),
                x_kubernetes_int_or_string: Some(true),
                ..JSONSchemaProps::default()
            };
        }
        Fact::PlainObject => {
            *schema = JSONSchemaProps {
                type_: Some("object".to_owned()),
                ..JSONSchemaProps::default()
            };
        }
        Fact::OneOf(texts) => {
            schema.enum_ = Some(texts.iter().map(|text| JSON(Value::from(*text))).collect());
        }
        Fact::Text { min, max, pattern } => {
            schema.min_length = min;
            schema.max_length = Some(max);
            schema.pattern = pattern.map(str::to_owned);
        }
        Fact::AtLeast(number) => schema.minimum = Some(number),
    }
}

/// A longer name makes names of Jobs that Kubernetes refuses. An object that
/// has a status is let through: it was stored before the rule was, and a rule
/// that it breaks would also forbid the update that lets it be deleted. A new
/// object has no status, because the API server takes it off before it judges.
fn name_rule() -> ValidationRule {
    ValidationRule {
        rule: format!("has(self.status) || self.metadata.name.size() <= {MAX_TEST_NAME}"),
        message: Some(too_long("metadata.name")),
        ..ValidationRule::default()
    }
}
