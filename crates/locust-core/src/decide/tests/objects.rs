//! Pods and ends of Jobs, as Kubernetes would have them.

use jiff::Timestamp;
use k8s_openapi::api::batch::v1::{Job, JobCondition, JobStatus};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::locust::Sample;
use crate::polling::{Following, Heard, Master, Moment};

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

/// What a master says that says this at first.
pub(super) fn heard(state: &str, users: u32, requests: u32, workers: u32) -> Heard {
    let listed: Vec<_> = (0..workers)
        .map(|id| serde_json::json!({ "id": format!("demo-worker-{id}"), "state": state }))
        .collect();
    let answer = serde_json::json!({
        "state": state,
        "user_count": users,
        "stats": [{ "name": "Aggregated", "num_requests": requests }],
        "workers": listed,
    });
    let mut following = Following::new(&master(), Timestamp::UNIX_EPOCH);
    let moment = Moment {
        elapsed: std::time::Duration::ZERO,
        now: Timestamp::UNIX_EPOCH,
    };
    following.hear(
        moment,
        Ok(Sample::parse(answer.to_string().as_bytes()).unwrap()),
    );
    following.heard()
}

/// A master of the test `demo`.
pub(super) fn master() -> Master {
    Master {
        pod: "pod".to_owned(),
        address: ([10, 0, 0, 7], 8089).into(),
        base_path: String::new(),
        workers: "demo-worker-".to_owned(),
        image_version: None,
        run_time: None,
        users: None,
        wanted_workers: None,
        load_began: None,
        thresholds: Vec::new(),
        wants_report: false,
        report_room: usize::MAX,
        sidecar: None,
        order: None,
    }
}
