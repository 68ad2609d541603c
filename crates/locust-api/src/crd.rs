//! The CustomResourceDefinition `locusttests.locust.io`.

use std::sync::LazyLock;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceConversion, CustomResourceDefinition, CustomResourceDefinitionVersion,
    JSONSchemaProps, WebhookClientConfig, WebhookConversion,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube_core::CustomResourceExt;
use serde_json::Value;

use crate::schema;

/// The CRD as the API server gets it where nothing converts: v1 is not served.
/// It is there all the same, because an API server may have stored it once.
pub fn crd() -> CustomResourceDefinition {
    let mut crd = crate::v2::LocustTest::crd();
    crd.spec
        .versions
        .extend(crate::v1::LocustTest::crd().spec.versions);
    crd.spec.names.list_kind = Some(format!("{}List", crd.spec.names.kind));
    schema::finish(&mut crd);
    crd
}

/// The CRD where a webhook converts: v1 is served. `client_config` says where
/// the webhook is, as in `spec.conversion.webhook.clientConfig`.
///
/// The two go together. Served without conversion, v1 would be accepted and
/// all that it says pruned; converted without being served it would be there
/// for nothing.
pub fn converting(client_config: WebhookClientConfig) -> CustomResourceDefinition {
    let mut crd = crd();
    for version in &mut crd.spec.versions {
        version.served = true;
    }
    crd.spec.conversion = Some(CustomResourceConversion {
        strategy: "Webhook".to_owned(),
        webhook: Some(WebhookConversion {
            client_config: Some(client_config),
            // The versions of ConversionReview, not those of LocustTest.
            conversion_review_versions: vec!["v1".to_owned()],
        }),
    });
    crd
}

/// The CRD as it is written to files: without the empty fields of the Rust
/// type, and with whole numbers as such, since `1.0` is not what the API server
/// gives back.
pub fn manifest() -> Value {
    to_manifest(&crd())
}

/// A CRD as it is written to files.
pub fn to_manifest(crd: &CustomResourceDefinition) -> Value {
    let mut manifest = serde_json::to_value(crd).unwrap_or_default();
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
pub(crate) static STORED_SCHEMA: LazyLock<JSONSchemaProps> =
    LazyLock::new(|| schema_of(|version| version.storage));

/// The finished schema of the version before it.
pub(crate) static V1_SCHEMA: LazyLock<JSONSchemaProps> =
    LazyLock::new(|| schema_of(|version| version.name == "v1"));

/// The finished schema of what an `apiVersion` names.
pub(crate) fn schema_of_version(api_version: &str) -> Option<&'static JSONSchemaProps> {
    match api_version {
        "locust.io/v1" => Some(&V1_SCHEMA),
        "locust.io/v2" => Some(&STORED_SCHEMA),
        _ => None,
    }
}

fn schema_of(is_it: impl Fn(&CustomResourceDefinitionVersion) -> bool) -> JSONSchemaProps {
    let version = crd().spec.versions.into_iter().find(is_it);
    version
        .and_then(|version| version.schema?.open_api_v3_schema)
        .unwrap_or_default()
}

/// The schema of `metadata`, which a CRD takes for granted.
pub(crate) static METADATA_SCHEMA: LazyLock<JSONSchemaProps> =
    LazyLock::new(schema::plain::<ObjectMeta>);
