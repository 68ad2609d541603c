//! Tests on a real API server with the real Job controller, and no node.

mod acceptance;
mod bad_input;
mod conformance;
mod conversion;
mod cost;
mod crd;
mod deletions;
mod election;
mod lifecycle;
mod live;
mod namespaced;
mod obstacles;
mod random;
mod time_to_live;
mod unable;
mod undecodable;
mod waiting;
mod webhooks;

use std::path::PathBuf;

use anyhow::Result;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{PartialObjectMeta, PostParams};
use kube::{Api, Client};
use locust_api::latest::LocustTest;
use serde_json::Value;
use testkit::{ControlPlane, Namespace};

use crate::tests_of::until;

/// A namespace on the shared control plane, with the CRD in place.
pub(crate) struct World {
    pub(crate) control_plane: ControlPlane,
    pub(crate) client: Client,
    pub(crate) namespace: Namespace,
}

impl World {
    pub(crate) async fn new(prefix: &str) -> Result<Self> {
        let control_plane = ControlPlane::shared().await?;
        let client = control_plane.client().await?;
        install_crd(&client).await?;
        let namespace = control_plane.namespace(prefix).await?;
        Ok(Self {
            control_plane,
            client,
            namespace,
        })
    }

    /// An administrator's kubeconfig for an operator.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.control_plane.kubeconfig()
    }
}

/// Installs the CRD, unless another test did, and waits until it is served.
pub(crate) async fn install_crd(client: &Client) -> Result<()> {
    install(client, &locust_api::crd::manifest()).await
}

/// Installs a CRD for LocustTests and waits until it is served.
async fn install(client: &Client, crd: &Value) -> Result<()> {
    let crds: Api<CustomResourceDefinition> = Api::all(client.clone());
    let crd = serde_json::from_value(crd.clone())?;
    match crds.create(&PostParams::default(), &crd).await {
        Err(kube::Error::Api(status)) if status.code == 409 => {}
        other => drop(other?),
    }
    let tests = Api::<PartialObjectMeta<LocustTest>>::all(client.clone());
    until("the CRD to be served", async || {
        Ok(tests
            .list_metadata(&Default::default())
            .await
            .ok()
            .map(drop))
    })
    .await
}
