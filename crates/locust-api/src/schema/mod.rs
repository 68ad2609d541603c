//! What the derived schema lacks before the API server should see it, and the
//! same schema as a check that needs no API server.
//!
//! | file | holds |
//! |---|---|
//! | `finish.rs` | the finishing: cleaning, facts, bounds, the root rule |
//! | `embedded.rs` | what embedded Kubernetes types keep in Go-made CRDs |
//! | `bounds.rs` | the size limit of every array, string and map |
//! | `values.rs` | what Kubernetes takes as the value of a field |
//! | `rules.rs` | rules about several fields at once |
//! | `fill.rs` | its defaults, filled in without an API server |
//! | `check.rs` | a LocustTest as JSON against the finished schema |

mod bounds;
mod check;
mod embedded;
mod fill;
mod finish;
pub mod rules;
#[cfg(test)]
mod tests;
pub mod values;

pub use check::{Problem, check, drop_nulls};
pub use fill::fill_defaults;
pub(crate) use finish::{finish, plain};
pub use rules::broken;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};

/// The schema of a list's items.
fn items(schema: &JSONSchemaProps) -> Option<&JSONSchemaProps> {
    match &schema.items {
        Some(JSONSchemaPropsOrArray::Schema(items)) => Some(items),
        Some(JSONSchemaPropsOrArray::Schemas(_)) | None => None,
    }
}

/// The schema of a map's values.
fn values(schema: &JSONSchemaProps) -> Option<&JSONSchemaProps> {
    match &schema.additional_properties {
        Some(JSONSchemaPropsOrBool::Schema(values)) => Some(values),
        Some(JSONSchemaPropsOrBool::Bool(_)) | None => None,
    }
}

/// Calls `visit` for a schema and everything below it. Paths read
/// `spec.volumes[].name` and `spec.master.labels{}`; the root's is empty.
fn walk(
    schema: &mut JSONSchemaProps,
    path: &str,
    visit: &mut impl FnMut(&str, &mut JSONSchemaProps),
) {
    visit(path, schema);
    for (name, property) in schema.properties.iter_mut().flatten() {
        let below = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        walk(property, &below, visit);
    }
    if let Some(JSONSchemaPropsOrArray::Schema(items)) = &mut schema.items {
        walk(items, &format!("{path}[]"), visit);
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &mut schema.additional_properties {
        walk(values, &format!("{path}{{}}"), visit);
    }
}

/// The schema at `path`, written as in [`walk`].
fn at<'schema>(
    schema: &'schema mut JSONSchemaProps,
    path: &str,
) -> Option<&'schema mut JSONSchemaProps> {
    let mut node = schema;
    for segment in path.split('.').filter(|segment| !segment.is_empty()) {
        let name = segment.trim_end_matches(['[', ']', '{', '}']);
        if !name.is_empty() {
            node = node.properties.as_mut()?.get_mut(name)?;
        }
        if segment.ends_with("[]") {
            let Some(JSONSchemaPropsOrArray::Schema(items)) = &mut node.items else {
                return None;
            };
            node = items;
        }
        if segment.ends_with("{}") {
            let Some(JSONSchemaPropsOrBool::Schema(values)) = &mut node.additional_properties
            else {
                return None;
            };
            node = values;
        }
    }
    Some(node)
}
