//! Tests on a real node: real kubelet, real containers, real Locust.
//!
//! `cargo xtask test node` builds the images, starts the node and deploys the
//! operator from `config/`; these tests attach to it.

mod deletion;
mod endings;
mod installed;
mod losses;
mod storage;
mod target;
mod troubles;
mod undeployed;
mod verdicts;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::{ListParams, ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Api, Client, ResourceExt};
use serde_json::json;
use testkit::{Namespace, Node};

use crate::tests_of::{Tests, until};

/// Where `config/default` puts the operator.
const SYSTEM_NAMESPACE: &str = "locust-k8s-operator-system";
const DEPLOYMENT: &str = "locust-k8s-operator-controller-manager";
/// Who the deployed operator is to the API server.
const OPERATOR_USER: &str =
    "system:serviceaccount:locust-k8s-operator-system:locust-k8s-operator-controller-manager";

/// A namespace on the shared node.
pub(crate) struct World {
    pub(crate) node: Node,
    pub(crate) client: Client,
    pub(crate) namespace: Namespace,
    pub(crate) tests: Tests,
}

impl World {
    /// A namespace, with so many operators deployed in the cluster.
    pub(crate) async fn new(prefix: &str, operators: i32) -> Result<Self> {
        let dir = std::env::var(testkit::node::SHARED_VARIABLE)
            .context("these tests need a node with images: run `cargo xtask test node`")?;
        let node = Node::attach(Path::new(&dir))?;
        let client = node.client().await?;
        scale_operator(&client, operators).await?;
        let namespace = node.namespace(prefix).await?;
        let tests = Tests::new(client.clone(), namespace.name());
        Ok(Self {
            node,
            client,
            namespace,
            tests,
        })
    }

    /// A ConfigMap with a locustfile.
    pub(crate) async fn locustfile(&self, name: &str, text: &str) -> Result<()> {
        let config_map = ConfigMap {
            metadata: ObjectMeta {
                name: Some(name.to_owned()),
                ..ObjectMeta::default()
            },
            data: Some(BTreeMap::from([(
                "locustfile.py".to_owned(),
                text.to_owned(),
            )])),
            ..ConfigMap::default()
        };
        Api::<ConfigMap>::namespaced(self.client.clone(), self.namespace.name())
            .create(&PostParams::default(), &config_map)
            .await?;
        Ok(())
    }

    /// Pods of a role that have a running container.
    pub(crate) async fn running_pods(&self) -> Result<Vec<Pod>> {
        let api: Api<Pod> = Api::namespaced(self.client.clone(), self.namespace.name());
        let params = ListParams::default().labels("managed-by=locust-k8s-operator");
        let pods = api.list(&params).await?.items;
        Ok(pods.into_iter().filter(is_running).collect())
    }

    /// Writes of the deployed operator in this namespace: about events, and all
    /// others.
    pub(crate) fn operator_writes(&self) -> Result<(usize, Vec<String>)> {
        let log = self.node.audit_log()?;
        let (events, others): (Vec<_>, Vec<_>) = log
            .iter()
            .filter(|entry| entry.user == OPERATOR_USER && entry.namespace == self.namespace.name())
            .partition(|entry| entry.resource == "events");
        let others = others
            .into_iter()
            .map(|entry| {
                format!(
                    "{} {}/{} {} {}",
                    entry.verb, entry.resource, entry.subresource, entry.name, entry.code
                )
            })
            .collect();
        Ok((events.len(), others))
    }
}

fn is_running(pod: &Pod) -> bool {
    let statuses = pod
        .status
        .iter()
        .flat_map(|status| status.container_statuses.iter().flatten());
    statuses
        .filter_map(|status| status.state.as_ref())
        .any(|state| state.running.is_some())
}

/// Brings the deployed operator to a number of replicas and waits for it.
async fn scale_operator(client: &Client, replicas: i32) -> Result<()> {
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), SYSTEM_NAMESPACE);
    let patch = Patch::Merge(json!({ "spec": { "replicas": replicas } }));
    deployments
        .patch(DEPLOYMENT, &PatchParams::default(), &patch)
        .await
        .context("scale the deployed operator")?;
    let pods: Api<Pod> = Api::namespaced(client.clone(), SYSTEM_NAMESPACE);
    until("the operator's pods", async || {
        let pods = pods.list(&ListParams::default()).await?.items;
        let ready = pods.iter().filter(|pod| is_ready(pod)).count();
        let expected = usize::try_from(replicas)?;
        Ok((pods.len() == expected && ready == expected).then_some(()))
    })
    .await
}

fn is_ready(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_none()
        && pod
            .status
            .iter()
            .flat_map(|status| status.conditions.iter().flatten())
            .any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

/// Address of the pod of the master of a test.
async fn master_address(world: &World, test: &str) -> Result<String> {
    let api: Api<Pod> = Api::namespaced(world.client.clone(), world.namespace.name());
    let selector = format!("batch.kubernetes.io/job-name={test}-master");
    until("the master's address", async || {
        let pods = api
            .list(&ListParams::default().labels(&selector))
            .await?
            .items;
        ensure!(pods.len() <= 1, "{} master pods", pods.len());
        Ok(pods
            .first()
            .and_then(|pod| pod.status.as_ref()?.pod_ip.clone()))
    })
    .await
}

fn names(pods: &[Pod]) -> Vec<String> {
    pods.iter().map(ResourceExt::name_any).collect()
}
