//! Tests on a real API server with the real Job controller, and no node.

mod conformance;
mod crd;
mod lifecycle;
mod obstacles;
mod waiting;

use std::path::PathBuf;

use anyhow::Result;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::PostParams;
use kube::{Api, Client};
use testkit::{ControlPlane, Namespace};

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
    let crds: Api<CustomResourceDefinition> = Api::all(client.clone());
    let crd = locust_api::crd::crd();
    match crds.create(&PostParams::default(), &crd).await {
        Err(kube::Error::Api(status)) if status.code == 409 => {}
        other => drop(other?),
    }
    let tests = Api::<locust_api::latest::LocustTest>::all(client.clone());
    let deadline = tokio::time::Instant::now() + crate::tests_of::PATIENCE;
    while let Err(error) = tests.list(&Default::default()).await {
        anyhow::ensure!(
            tokio::time::Instant::now() < deadline,
            "the CRD is not served: {error}"
        );
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    Ok(())
}
