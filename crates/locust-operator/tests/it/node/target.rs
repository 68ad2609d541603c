//! The HTTP target that tests load, as a pod of the operator's own image. Its
//! counters are the truth.

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::{Pod, Service};
use kube::Api;
use kube::api::PostParams;
use serde_json::{Value, json};

use super::World;
use crate::tests_of::until;

/// A target behind the Service `target` of its namespace.
pub(crate) struct Target {
    address: String,
}

/// What the target has counted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) answered: u64,
    pub(crate) failures: u64,
}

impl Target {
    /// Starts a target with these arguments.
    pub(crate) async fn start(world: &World, arguments: &[&str]) -> Result<Self> {
        let image = operator_image(world).await?;
        let mut args = vec!["target", "--listen", "0.0.0.0:8080"];
        args.extend(arguments);
        let pod: Pod = serde_json::from_value(json!({
            "metadata": { "name": "target", "labels": { "app": "target" } },
            "spec": { "containers": [{ "name": "target", "image": image, "args": args }] },
        }))?;
        let service: Service = serde_json::from_value(json!({
            "metadata": { "name": "target" },
            "spec": { "selector": { "app": "target" }, "ports": [{ "port": 80, "targetPort": 8080 }] },
        }))?;
        let namespace = world.namespace.name();
        let pods: Api<Pod> = Api::namespaced(world.client.clone(), namespace);
        pods.create(&PostParams::default(), &pod).await?;
        Api::<Service>::namespaced(world.client.clone(), namespace)
            .create(&PostParams::default(), &service)
            .await?;
        let ip = until("the target's address", async || {
            let pod = pods.get("target").await?;
            Ok(pod.status.and_then(|status| status.pod_ip))
        })
        .await?;
        let target = Self {
            address: format!("http://{ip}:8080"),
        };
        until("the target to answer", async || {
            Ok(target.counts(world).await.ok())
        })
        .await?;
        Ok(target)
    }

    /// What it has counted so far.
    pub(crate) async fn counts(&self, world: &World) -> Result<Counts> {
        let (_, body) = world
            .node
            .http_get(&format!("{}/-/stats", self.address))
            .await?;
        let stats: Value = serde_json::from_str(&body)?;
        let count = |name: &str| {
            stats
                .get(name)
                .and_then(Value::as_u64)
                .with_context(|| format!("{name} in {body}"))
        };
        Ok(Counts {
            answered: count("answered")?,
            failures: count("failures")?,
        })
    }
}

/// The image that the deployed operator runs.
async fn operator_image(world: &World) -> Result<String> {
    use k8s_openapi::api::apps::v1::Deployment;
    let deployments: Api<Deployment> =
        Api::namespaced(world.client.clone(), super::SYSTEM_NAMESPACE);
    let deployment = deployments.get(super::DEPLOYMENT).await?;
    deployment
        .spec
        .and_then(|spec| spec.template.spec)
        .and_then(|spec| spec.containers.into_iter().next()?.image)
        .context("the operator's image")
}
