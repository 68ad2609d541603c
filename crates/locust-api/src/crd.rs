//! The CustomResourceDefinition `locusttests.locust.io`.

use std::sync::LazyLock;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube_core::CustomResourceExt;
use serde_json::Value;

use crate::schema;

/// The CRD as the API server gets it.
pub fn crd() -> CustomResourceDefinition {
    let mut crd = crate::v2::LocustTest::crd();
    crd.spec.names.list_kind = Some(format!("{}List", crd.spec.names.kind));
    schema::finish(&mut crd);
    crd
}

/// The CRD as it is written to files: without the empty fields of the Rust
/// type, and with whole numbers as such, since `1.0` is not what the API server
/// gives back.
pub fn manifest() -> Value {
    let mut manifest = serde_json::to_value(crd()).unwrap_or_default();
    whole_numbers(&mut manifest);
    manifest
}

fn whole_numbers(value: &mut Value) {
    match value {
        Value::Number(number) => {
            let text = number.to_string();
            let whole = text.strip_suffix(".0").and_then(|text| text.parse().ok());
            if let Some(whole) = whole {
                *number = whole;
            }
        }
        Value::Array(list) => list.iter_mut().for_each(whole_numbers),
        Value::Object(fields) => fields.values_mut().for_each(whole_numbers),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// The finished schema of the stored version.
pub(crate) static STORED_SCHEMA: LazyLock<JSONSchemaProps> = LazyLock::new(|| {
    let stored = crd()
        .spec
        .versions
        .into_iter()
        .find(|version| version.storage);
    stored
        .and_then(|version| version.schema?.open_api_v3_schema)
        .unwrap_or_default()
});

/// The schema of `metadata`, which a CRD takes for granted.
pub(crate) static METADATA_SCHEMA: LazyLock<JSONSchemaProps> =
    LazyLock::new(schema::plain::<ObjectMeta>);
