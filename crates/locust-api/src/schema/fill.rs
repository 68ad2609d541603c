//! The defaults of the schema, filled in as an API server does.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{JSON, JSONSchemaProps};
use serde_json::Value;

use super::{items, values};
use crate::crd::schema_of_version;

/// Fills the defaults of its version into the spec of `locust_test`. An object
/// of another version is left as it is.
pub fn fill_defaults(locust_test: &mut Value) {
    let version = locust_test.get("apiVersion").and_then(Value::as_str);
    let Some(schema) = version.and_then(schema_of_version) else {
        return;
    };
    let properties = schema.properties.as_ref();
    let schema = properties.and_then(|properties| properties.get("spec"));
    if let (Some(schema), Some(spec)) = (schema, locust_test.get_mut("spec")) {
        fill(spec, schema);
    }
}

fn fill(value: &mut Value, schema: &JSONSchemaProps) {
    match value {
        Value::Object(fields) => {
            for (name, property) in schema.properties.iter().flatten() {
                if let Some(JSON(default)) = &property.default
                    && !fields.contains_key(name)
                {
                    fields.insert(name.clone(), default.clone());
                }
                if let Some(field) = fields.get_mut(name) {
                    fill(field, property);
                }
            }
            if let Some(schema) = values(schema) {
                fields.values_mut().for_each(|value| fill(value, schema));
            }
        }
        Value::Array(list) => {
            if let Some(schema) = items(schema) {
                list.iter_mut().for_each(|entry| fill(entry, schema));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
