//! The ConfigMap with the full results of a run.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube_core::Resource as _;
use locust_api::latest::{ConfigMapPolicy, LocustTest};
use locust_api::names::{
    LABEL_MANAGED_BY, LABEL_RESULTS, LABEL_TEST_NAME, MANAGED_BY, results_name,
};

use super::owner;
use crate::report::{Content, Report};

/// The ConfigMap with a report, which goes with its test, or stays. `None`: it
/// is not wanted.
pub fn results(test: &LocustTest, report: &Report) -> Option<ConfigMap> {
    let owner_references = match results_policy(test) {
        ConfigMapPolicy::None => return None,
        ConfigMapPolicy::Retain => None,
        ConfigMapPolicy::Delete => {
            let uid = test.metadata.uid.clone().unwrap_or_default();
            Some(vec![owner(test_name(test), &uid)])
        }
    };
    let labels = [
        (LABEL_MANAGED_BY, MANAGED_BY),
        (LABEL_TEST_NAME, test_name(test)),
        (LABEL_RESULTS, test_name(test)),
    ];
    let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let (mut texts, mut binaries) = (BTreeMap::new(), BTreeMap::new());
    for file in report.files() {
        match &file.content {
            Content::Text(text) => {
                texts.insert(file.name.to_owned(), text.clone());
            }
            Content::Bytes(bytes) => {
                binaries.insert(file.name.to_owned(), ByteString(bytes.clone()));
            }
        }
    }
    Some(ConfigMap {
        metadata: ObjectMeta {
            name: Some(results_name(test_name(test))),
            namespace: test.meta().namespace.clone(),
            labels: Some(BTreeMap::from(labels)),
            owner_references,
            ..Default::default()
        },
        data: Some(texts),
        binary_data: Some(binaries),
        immutable: None,
    })
}

/// What is to become of the full results of a test.
pub fn results_policy(test: &LocustTest) -> ConfigMapPolicy {
    test.spec
        .results
        .as_ref()
        .and_then(|results| results.config_map)
        .unwrap_or(ConfigMapPolicy::Delete)
}

fn test_name(test: &LocustTest) -> &str {
    test.metadata.name.as_deref().unwrap_or_default()
}
