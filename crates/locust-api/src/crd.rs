//! The CustomResourceDefinition `locusttests.locust.io`.

use std::sync::LazyLock;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube_core::CustomResourceExt;

use crate::schema;

/// The CRD as the API server gets it.
pub fn crd() -> CustomResourceDefinition {
    let mut crd = crate::v2::LocustTest::crd();
    crd.spec.names.list_kind = Some(format!("{}List", crd.spec.names.kind));
    schema::finish(&mut crd);
    crd
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
