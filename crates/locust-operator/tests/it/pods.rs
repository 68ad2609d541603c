//! A stand-in for the kubelet, where there is no node: it says of pods what a
//! kubelet would say.

use std::time::Duration;

use anyhow::{Result, bail};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::tests_of::PATIENCE;

/// Waits for `count` pods of a generated Job that are not yet in `phase`, and
/// puts them there.
pub(crate) async fn put(
    client: &Client,
    namespace: &str,
    job: &str,
    count: usize,
    phase: &str,
) -> Result<()> {
    let api: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let selector = format!("batch.kubernetes.io/job-name={job}");
    let deadline = Instant::now() + PATIENCE;
    loop {
        let pods = api
            .list(&ListParams::default().labels(&selector))
            .await?
            .items;
        let others: Vec<&Pod> = pods
            .iter()
            .filter(|pod| {
                pod.status
                    .as_ref()
                    .and_then(|status| status.phase.as_deref())
                    != Some(phase)
            })
            .collect();
        if others.len() >= count {
            for pod in others.into_iter().take(count) {
                let patch = Patch::Merge(status(job, phase));
                api.patch_status(&pod.name_any(), &PatchParams::default(), &patch)
                    .await?;
            }
            return Ok(());
        }
        if Instant::now() > deadline {
            bail!(
                "Job {job} has {} pods not yet {phase}, expected {count}",
                others.len()
            );
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn status(container: &str, phase: &str) -> Value {
    let ready = if phase == "Running" { "True" } else { "False" };
    let now = jiff::Timestamp::now().to_string();
    let state = match phase {
        "Running" => json!({ "running": { "startedAt": now } }),
        "Succeeded" => {
            json!({ "terminated": { "exitCode": 0, "reason": "Completed", "finishedAt": now } })
        }
        _ => json!({ "terminated": {
            "exitCode": 1,
            "reason": "Error",
            "finishedAt": now,
            "message": "Traceback (most recent call last):\n  File \"locustfile.py\", line 1\nModuleNotFoundError: No module named 'nope'\n",
        } }),
    };
    json!({ "status": {
        "phase": phase,
        "conditions": [{ "type": "Ready", "status": ready, "lastTransitionTime": now }],
        "containerStatuses": [{
            "name": container,
            "ready": phase == "Running",
            "restartCount": 0,
            "image": "x",
            "imageID": "x",
            "state": state,
        }],
    } })
}
