//! A stand-in for the kubelet, where there is no node: it says of pods what a
//! kubelet would say.

use anyhow::Result;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};

use crate::tests_of::until;

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
    let what = format!("{count} pods of Job {job} that are not yet {phase}");
    let pods = until(&what, async || {
        let mut pods = api
            .list(&ListParams::default().labels(&selector))
            .await?
            .items;
        pods.retain(|pod| pod_phase(pod) != Some(phase));
        Ok((pods.len() >= count).then_some(pods))
    })
    .await?;
    for pod in pods.into_iter().take(count) {
        let patch = Patch::Merge(status(job, phase));
        api.patch_status(&pod.name_any(), &PatchParams::default(), &patch)
            .await?;
    }
    Ok(())
}

/// Waits for the pod of a Job, and says where it is.
pub(crate) async fn locate(
    client: &Client,
    namespace: &str,
    job: &str,
    address: std::net::Ipv4Addr,
) -> Result<()> {
    let api: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let selector = format!("batch.kubernetes.io/job-name={job}");
    let pod = until(&format!("the pod of Job {job}"), async || {
        let params = ListParams::default().labels(&selector);
        Ok(api.list(&params).await?.items.into_iter().next())
    })
    .await?;
    let status = json!({ "podIP": address, "podIPs": [{ "ip": address }] });
    let patch = Patch::Merge(json!({ "status": status }));
    api.patch_status(&pod.name_any(), &PatchParams::default(), &patch)
        .await?;
    Ok(())
}

fn pod_phase(pod: &Pod) -> Option<&str> {
    pod.status.as_ref()?.phase.as_deref()
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
