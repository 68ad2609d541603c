//! Before the first watch: is there a CRD, and may the operator read? Until
//! both are so it waits, not ready, and says which is missing.

use std::time::Duration;

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Pod, Service};
use kube::api::ListParams;
use kube::{Api, Client, Resource};
use locust_api::names::{LABEL_MANAGED_BY, MANAGED_BY};
use serde::de::DeserializeOwned;

use super::answer::{code, message};
use super::known::Known;
use super::readiness::Readiness;
use super::scope::Scope;

/// How often a missing CRD or permission is looked for again.
const RETRY: Duration = Duration::from_secs(1);

/// Waits until everything that the operator watches can be listed.
pub(super) async fn wait(client: &Client, scope: &Scope, readiness: &Readiness) {
    let ours = ListParams::default()
        .limit(1)
        .labels(&format!("{LABEL_MANAGED_BY}={MANAGED_BY}"));
    let any = ListParams::default().limit(1);
    tokio::join!(
        listable::<Known>(client, scope, readiness, &any),
        listable::<Job>(client, scope, readiness, &ours),
        listable::<Service>(client, scope, readiness, &ours),
        listable::<Pod>(client, scope, readiness, &ours),
    );
}

async fn listable<K>(client: &Client, scope: &Scope, readiness: &Readiness, which: &ListParams)
where
    K: Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>
        + Clone
        + std::fmt::Debug
        + DeserializeOwned,
{
    let api: Api<K> = scope.api(client);
    let what = format!("{} in {scope}", K::plural(&()));
    readiness.wait_for(&what, "not yet listed");
    while let Err(error) = api.list(which).await {
        let why = explain::<K>(&error);
        if readiness.wait_for(&what, &why) {
            tracing::warn!(%what, %why, "waiting");
        }
        tokio::time::sleep(RETRY).await;
    }
    readiness.has(&what);
}

fn explain<K: Resource<DynamicType = ()>>(error: &kube::Error) -> String {
    let plural = K::plural(&());
    match code(error) {
        Some(404) => format!(
            "the cluster does not serve {plural} of {}: install the CRD, `locust-operator crd | kubectl apply -f -`",
            K::api_version(&())
        ),
        Some(403) => format!(
            "no permission: {}; grant get, list and watch on {plural}",
            message(error)
        ),
        Some(_) => message(error),
        None => format!("the API server cannot be asked: {}", message(error)),
    }
}
