//! Pods and ends of Jobs, as Kubernetes would have them.

use jiff::Timestamp;
use k8s_openapi::api::batch::v1::{Job, JobCondition, JobStatus};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

pub(super) fn pod(container: &str, job: &str, state: &serde_json::Value) -> Pod {
    serde_json::from_value(serde_json::json!({
        "metadata": { "ownerReferences": [
            { "apiVersion": "batch/v1", "kind": "Job", "name": "w", "uid": job, "controller": true },
        ] },
        "status": { "containerStatuses": [{
            "name": container,
            "ready": true,
            "restartCount": 0,
            "image": "",
            "imageID": "",
            "state": state,
        }] },
    }))
    .unwrap()
}

pub(super) fn finish(job: &mut Job, condition: &str, now: Timestamp) {
    let status = job.status.get_or_insert_with(JobStatus::default);
    if status.conditions.is_some() {
        return;
    }
    status.ready = Some(0);
    if condition == "Complete" {
        status.succeeded = Some(1);
    }
    status.conditions = Some(vec![JobCondition {
        type_: condition.to_owned(),
        status: "True".to_owned(),
        last_transition_time: Some(Time(now)),
        ..Default::default()
    }]);
}

/// The master's pod, as far as its Job tells.
pub(super) fn master_pod(job: &Job) -> Option<Pod> {
    let status = job.status.as_ref()?;
    let uid = job.metadata.uid.as_deref()?;
    let exit = |code: i32| serde_json::json!({ "terminated": { "exitCode": code, "finishedAt": "1970-01-01T01:00:00Z" } });
    let ended = status.conditions.iter().flatten().next();
    let state = match ended.map(|condition| condition.type_.as_str()) {
        Some("Complete") => exit(0),
        Some(_) => exit(1),
        None => serde_json::json!({ "running": {} }),
    };
    Some(pod("demo-master", uid, &state))
}
