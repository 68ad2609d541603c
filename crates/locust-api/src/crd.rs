//! The CustomResourceDefinition `locusttests.locust.io`.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube_core::CustomResourceExt;

/// The CRD as the API server gets it.
pub fn crd() -> CustomResourceDefinition {
    crate::v2::LocustTest::crd()
}
