//! When there is something to migrate, and when it must not be tried.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, CustomResourceDefinitionStatus, WebhookClientConfig,
};
use locust_api::crd::{converting, crd};

use super::rules::{Definition, Next};

fn next(crd: &CustomResourceDefinition) -> Next {
    let definition = serde_json::to_string(crd).unwrap();
    super::next(&serde_json::from_str::<Definition>(&definition).unwrap())
}

fn storing(mut crd: CustomResourceDefinition, versions: &[&str]) -> CustomResourceDefinition {
    crd.status = Some(CustomResourceDefinitionStatus {
        stored_versions: Some(versions.iter().map(|&version| version.to_owned()).collect()),
        ..CustomResourceDefinitionStatus::default()
    });
    crd
}

#[test]
fn only_other_versions_are_migrated_and_only_where_a_webhook_converts() {
    let converting = || converting(WebhookClientConfig::default());
    assert_eq!(next(&converting()), Next::Nothing);
    assert_eq!(next(&storing(converting(), &["v2"])), Next::Nothing);
    assert_eq!(next(&storing(converting(), &["v1", "v2"])), Next::Rewrite);
    assert_eq!(next(&storing(crd(), &["v2"])), Next::Nothing);
    let unreadable = next(&storing(crd(), &["v1", "v2"]));
    assert_eq!(unreadable, Next::Unreadable("v1".to_owned()));
}
