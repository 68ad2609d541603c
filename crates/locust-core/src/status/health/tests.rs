//! What is read off pods and events, value by value.

mod causes;
mod events;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use locust_api::condition::Reason;
use serde_json::{Value, json};

use super::{Prospect, Trouble, next_change, summary, troubles};
use crate::observed::{Child, Observed};

/// A test of two workers with test files, its Jobs and these pods, seen at
/// 01:00:00.
fn observed(pods: Vec<Pod>) -> Observed {
    let test: Value = json!({
        "apiVersion": "locust.io/v2",
        "kind": "LocustTest",
        "metadata": { "name": "demo", "namespace": "n", "uid": "test", "generation": 1 },
        "spec": {
            "image": "locust",
            "master": { "command": "" },
            "worker": { "command": "", "replicas": 2 },
            "testFiles": { "configMapRef": "files" },
        },
    });
    let test = serde_json::from_value(test).unwrap();
    let job = |role: &str, parallelism: i32| {
        let job = json!({
            "metadata": {
                "name": format!("demo-{role}"),
                "uid": format!("{role}-job"),
                "ownerReferences": [{ "apiVersion": "", "kind": "LocustTest", "name": "demo", "uid": "test", "controller": true }],
            },
            "spec": { "parallelism": parallelism, "template": {} },
            "status": { "startTime": "1970-01-01T00:59:00Z" },
        });
        Child::classify(Some(serde_json::from_value(job).unwrap()), &test)
    };
    Observed {
        now: at("01:00:00"),
        service: Child::Absent,
        master_job: job("master", 1),
        worker_job: job("worker", 2),
        pods,
        notices: Vec::new(),
        refused: None,
        storing: None,
        heard: None,
        test,
    }
}

fn at(time: &str) -> Timestamp {
    format!("1970-01-01T{time}Z").parse().unwrap()
}

/// A scheduled pod of a role with this status on top.
fn pod(name: &str, role: &str, status: &Value) -> Pod {
    let mut pod = json!({
        "metadata": {
            "name": name,
            "uid": name,
            "creationTimestamp": "1970-01-01T00:59:00Z",
            "ownerReferences": [{ "apiVersion": "batch/v1", "kind": "Job", "name": "j", "uid": format!("{role}-job"), "controller": true }],
        },
        "status": {
            "phase": "Pending",
            "conditions": [{ "type": "PodScheduled", "status": "True", "lastTransitionTime": "1970-01-01T00:59:00Z" }],
        },
    });
    for (field, value) in status.as_object().unwrap() {
        pod["status"][field] = value.clone();
    }
    serde_json::from_value(pod).unwrap()
}

/// A container's status.
fn container(name: &str, state: &Value) -> Value {
    json!({ "name": name, "ready": false, "restartCount": 0, "image": "", "imageID": "", "state": state })
}

fn waiting(reason: &str, message: &str) -> Value {
    let state = json!({ "waiting": { "reason": reason, "message": message } });
    json!({ "containerStatuses": [container("demo-worker", &state)] })
}

fn running(since: &str) -> Value {
    let state = json!({ "running": { "startedAt": format!("1970-01-01T{since}Z") } });
    json!({ "phase": "Running", "containerStatuses": [container("demo-worker", &state)] })
}

fn ended(code: i32, reason: &str, at: &str) -> Value {
    let state = json!({ "terminated": { "exitCode": code, "reason": reason, "finishedAt": format!("1970-01-01T{at}Z") } });
    json!({ "phase": "Failed", "containerStatuses": [container("demo-worker", &state)] })
}

/// The other worker and the master, which are well.
fn others() -> [Pod; 2] {
    [
        pod("master", "master", &running("00:59:10")),
        pod("other", "worker", &running("00:59:10")),
    ]
}

fn found(status: &Value) -> Vec<Trouble> {
    let mut pods = vec![pod("w", "worker", status)];
    pods.extend(others());
    troubles(&observed(pods))
}

fn told(troubles: &[Trouble]) -> String {
    summary(troubles).map_or_else(String::new, |summary| {
        format!("{}{}", summary.line, summary.promise)
    })
}

#[test]
fn each_waiting_reason_of_a_container_is_told_in_the_kubelets_words() {
    let cases = [
        ("ErrImagePull", "no such host", "ImagePullError"),
        (
            "ImagePullBackOff",
            "Back-off pulling image \"x:1\"",
            "ImagePullError",
        ),
        ("ErrImageNeverPull", "not present", "ImagePullError"),
        ("InvalidImageName", "couldn't parse", "ImagePullError"),
        (
            "CreateContainerConfigError",
            "runs as root",
            "ConfigurationError",
        ),
        ("CreateContainerError", "no profile", "StartError"),
        ("RunContainerError", "no locust", "StartError"),
    ];
    for (waits, message, reason) in cases {
        assert_eq!(
            told(&found(&waiting(waits, message))),
            format!("{reason}: 1 pod(s) affected [w]: {message}"),
            "{waits}"
        );
    }
    for waits in ["ContainerCreating", "PodInitializing"] {
        assert_eq!(told(&found(&waiting(waits, ""))), "", "{waits}");
    }
}

#[test]
fn a_back_off_says_the_same_as_the_error_before_it() {
    let cause = "failed to pull and unpack image \"x:1\": no such host";
    let backing_off = format!("Back-off pulling image \"x:1\": ErrImagePull: {cause}");
    assert_eq!(
        told(&found(&waiting("ImagePullBackOff", &backing_off))),
        told(&found(&waiting("ErrImagePull", cause)))
    );
}

#[test]
fn only_a_name_that_is_none_can_never_be_pulled() {
    let prospect = |reason: &str| found(&waiting(reason, ""))[0].prospect.clone();
    assert_eq!(prospect("InvalidImageName"), Prospect::Final);
    for reason in ["ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull"] {
        assert_eq!(prospect(reason), Prospect::Heals(None), "{reason}");
    }
}

#[test]
fn what_is_missing_is_named_and_the_remedy_is_about_it() {
    let cases = [
        (
            "configmap \"files\" not found",
            "ConfigMap not found (expected: files). configmap \"files\" not found. Create the ConfigMap and the pods will restart automatically.",
        ),
        (
            "configmap \"env\" not found",
            "configmap \"env\" not found. Create the ConfigMap and the pods will restart automatically.",
        ),
        (
            "secret \"token\" not found",
            "secret \"token\" not found. Create the Secret and the pods will restart automatically.",
        ),
        (
            "couldn't find key user in ConfigMap n/env",
            "couldn't find key user in ConfigMap n/env. Add the key to the ConfigMap and the pods will restart automatically.",
        ),
        (
            "couldn't find key user in Secret n/token",
            "couldn't find key user in Secret n/token. Add the key to the Secret and the pods will restart automatically.",
        ),
        (
            "container has runAsNonRoot and image will run as root",
            "container has runAsNonRoot and image will run as root",
        ),
    ];
    for (message, expected) in cases {
        assert_eq!(
            told(&found(&waiting("CreateContainerConfigError", message))),
            format!("ConfigurationError: 1 pod(s) affected [w]: {expected}")
        );
    }
}

#[test]
fn the_scheduler_is_quoted_and_a_gate_is_no_failure_to_be() {
    let unscheduled = |reason: &str| {
        json!({ "conditions": [{
            "type": "PodScheduled", "status": "False", "reason": reason, "message": "0/1 nodes are available",
        }] })
    };
    let troubles = found(&unscheduled("Unschedulable"));
    assert_eq!(
        told(&troubles),
        "SchedulingError: 1 pod(s) affected [w]: 0/1 nodes are available"
    );
    assert_eq!(troubles[0].prospect, Prospect::Heals(None));
    assert_eq!(
        found(&unscheduled("SchedulingGated"))[0].prospect,
        Prospect::Held
    );
}

#[test]
fn the_first_reason_of_the_table_names_the_condition_and_only_its_pods_are_counted() {
    let mut pods = vec![
        pod("a", "worker", &waiting("ErrImagePull", "no such host")),
        pod(
            "b",
            "worker",
            &waiting("CreateContainerConfigError", "broken"),
        ),
        pod(
            "c",
            "worker",
            &waiting("CreateContainerConfigError", "broken"),
        ),
    ];
    pods.extend(others());
    assert_eq!(
        told(&troubles(&observed(pods))),
        "ConfigurationError: 2 pod(s) affected [b, c]: broken"
    );
}

#[test]
fn many_pods_are_counted_and_the_first_ten_named() {
    let pods = (0..12)
        .map(|number| {
            pod(
                &format!("w{number:02}"),
                "worker",
                &waiting("ErrImagePull", "no"),
            )
        })
        .collect();
    let told = told(&troubles(&observed(pods)));
    assert!(
        told.starts_with("ImagePullError: 12 pod(s) affected [w00, w01, "),
        "{told}"
    );
    assert!(told.ends_with("w09 and 2 more]: no"), "{told}");
}

#[test]
fn a_lost_worker_is_told_with_what_ended_it_until_its_replacement_is_steady() {
    let disrupted = json!({
        "phase": "Failed",
        "conditions": [{ "type": "DisruptionTarget", "status": "True", "message": "Eviction API: evicting" }],
    });
    let by_kubelet = json!({ "phase": "Failed", "reason": "Evicted", "message": "Pod ephemeral local storage usage exceeds 50M. " });
    let refused = json!({ "phase": "Failed", "reason": "OutOfcpu", "message": "no room" });
    let cases = [
        (
            ended(137, "OOMKilled", "00:59:59"),
            "OOMKilled: 1 pod(s) affected [w]: Container demo-worker was killed because it reached its memory limit",
        ),
        (
            ended(1, "Error", "00:59:50"),
            "CrashLoopBackOff: 1 pod(s) affected [w]: Container demo-worker exited with code 1: Error",
        ),
        (
            disrupted,
            "Evicted: 1 pod(s) affected [w]: Eviction API: evicting",
        ),
        (
            by_kubelet,
            "Evicted: 1 pod(s) affected [w]: Pod ephemeral local storage usage exceeds 50M.",
        ),
        (
            refused,
            "SchedulingError: 1 pod(s) affected [w]: the node refused the pod: OutOfcpu: no room",
        ),
    ];
    for (status, expected) in cases {
        assert_eq!(told(&found(&status)), expected);
        for (start, expected) in [("00:59:55", expected), ("00:59:49", "")] {
            let mut pods = vec![
                pod("w", "worker", &status),
                pod("new", "worker", &running(start)),
            ];
            pods.extend(others());
            assert_eq!(
                told(&troubles(&observed(pods))),
                expected,
                "running since {start}"
            );
        }
    }
}

#[test]
fn workers_that_leave_with_an_error_may_be_doing_so_with_their_master() {
    let just_now = ended(1, "Error", "00:59:58");
    assert_eq!(found(&just_now), []);
    let mut pods = vec![pod("w", "worker", &just_now)];
    pods.extend(others());
    let wait = next_change(&observed(pods)).unwrap();
    assert_eq!(wait.as_secs(), 2, "then it is told");
}

#[test]
fn an_init_container_that_failed_is_no_crash_of_locust() {
    let failed = json!({ "terminated": { "exitCode": 3, "reason": "Error" } });
    let status = json!({
        "phase": "Failed",
        "initContainerStatuses": [container("setup", &failed)],
        "containerStatuses": [container("demo-worker", &json!({ "waiting": { "reason": "PodInitializing" } }))],
    });
    assert_eq!(
        told(&found(&status)),
        "InitializationError: 1 pod(s) affected [w]: Container setup exited with code 3: Error"
    );
}

#[test]
fn a_sidecar_may_end_once_and_is_told_of_while_it_does_so_again_and_again() {
    let sidecar = |state: Value, restarts: i32| {
        let mut status = container("exporter", &state);
        status["restartCount"] = json!(restarts);
        status["lastState"] = json!({ "terminated": { "exitCode": 2, "reason": "Error" } });
        json!({ "initContainerStatuses": [status] })
    };
    let told_of =
        "CrashLoopBackOff: 1 pod(s) affected [w]: Container exporter exited with code 2: Error";
    let since = |start: &str| json!({ "running": { "startedAt": format!("1970-01-01T{start}Z") } });
    let ended = json!({ "terminated": { "exitCode": 2, "reason": "Error" } });
    let backing_off =
        json!({ "waiting": { "reason": "CrashLoopBackOff", "message": "back-off 10s" } });
    assert_eq!(told(&found(&sidecar(ended.clone(), 0))), "");
    assert_eq!(told(&found(&sidecar(backing_off, 1))), told_of);
    assert_eq!(told(&found(&sidecar(since("00:59:59"), 2))), told_of);
    assert_eq!(told(&found(&sidecar(ended, 2))), told_of);
    assert_eq!(told(&found(&sidecar(since("00:59:40"), 2))), "");
}

#[test]
fn every_reason_about_pods_has_a_priority() {
    for reason in Reason::ALL {
        let trouble = Trouble {
            who: "w".to_owned(),
            pods: 1,
            reason: *reason,
            message: String::new(),
            prospect: Prospect::Heals(None),
            since: at("01:00:00"),
        };
        let is_of_pods = reason
            .types()
            .iter()
            .any(|type_| type_.as_str() == "PodsHealthy");
        assert_eq!(summary(&[trouble]).is_some(), is_of_pods, "{reason:?}");
    }
}
