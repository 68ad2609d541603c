//! What events add, and when they are asked for.

use k8s_openapi::api::core::v1::Pod;
use serde_json::json;

use super::{at, observed, others, pod, running, told, waiting};
use crate::observed::{Notice, Observed};
use crate::status::health::{next_change, questions, troubles};

fn notice(about: &str, reason: &str, message: &str, time: &str) -> Notice {
    Notice {
        about: about.to_owned(),
        reason: reason.to_owned(),
        message: message.to_owned(),
        at: at(time),
    }
}

/// A worker that has waited for its containers since a time.
fn stuck(name: &str, since: &str) -> Pod {
    let mut status = waiting("ContainerCreating", "");
    status["conditions"] = json!([
        { "type": "PodScheduled", "status": "True", "lastTransitionTime": format!("1970-01-01T{since}Z") },
        { "type": "PodReadyToStartContainers", "status": "False" },
    ]);
    pod(name, "worker", &status)
}

fn about(observed: &Observed) -> Vec<String> {
    questions(observed).map_or_else(Vec::new, |questions| questions.about)
}

fn with_others(worker: Pod) -> Observed {
    let mut pods = vec![worker];
    pods.extend(others());
    observed(pods)
}

#[test]
fn a_start_that_goes_well_asks_nothing() {
    assert_eq!(
        about(&with_others(pod("w", "worker", &running("00:59:10")))),
        [""; 0]
    );
    assert_eq!(
        about(&with_others(stuck("w", "00:59:58"))),
        [""; 0],
        "not yet"
    );
    let mut pulling = waiting("ContainerCreating", "");
    pulling["conditions"] = json!([
        { "type": "PodScheduled", "status": "True", "lastTransitionTime": "1970-01-01T00:59:00Z" },
        { "type": "PodReadyToStartContainers", "status": "True" },
    ]);
    assert_eq!(
        about(&with_others(pod("w", "worker", &pulling))),
        [""; 0],
        "pulls its image"
    );
    let told = waiting("ErrImagePull", "no such host");
    assert_eq!(
        about(&with_others(pod("w", "worker", &told))),
        [""; 0],
        "says it itself"
    );
}

#[test]
fn a_pod_that_waits_is_asked_about_ever_less_often() {
    let asked = |since: &str| {
        let observed = with_others(stuck("w", since));
        assert_eq!(about(&observed), ["w"]);
        let patience = questions(&observed).unwrap().patience;
        assert_eq!(next_change(&observed), Some(patience));
        patience.as_secs()
    };
    assert_eq!(asked("00:59:57"), 2);
    assert_eq!(asked("00:59:40"), 10);
    assert_eq!(asked("00:50:00"), 30);
    let soon = next_change(&with_others(stuck("w", "00:59:58"))).unwrap();
    assert_eq!(soon.as_secs(), 1, "from three seconds on");
}

#[test]
fn of_many_pods_a_sample_is_asked_and_speaks_for_the_others() {
    let pods = (0..50).map(|number| stuck(&format!("w{number:02}"), "00:59:30"));
    let mut observed = observed(pods.chain(others()).collect());
    assert_eq!(about(&observed), ["w00", "w01", "w02"]);
    observed.notices = vec![notice(
        "w00",
        "FailedMount",
        "hostPath type check failed",
        "00:59:40",
    )];
    let told = told(&troubles(&observed));
    assert!(
        told.starts_with("MountError: 50 pod(s) affected [w00, "),
        "{told}"
    );
}

#[test]
fn the_latest_event_says_what_a_pod_waits_for() {
    let mut observed = with_others(stuck("w", "00:59:30"));
    observed.notices = vec![
        notice(
            "w",
            "FailedCreatePodSandBox",
            "no runtime for \"x\"",
            "00:59:40",
        ),
        notice(
            "w",
            "FailedMount",
            "MountVolume.SetUp failed for volume \"v\" : secret \"s\" not found",
            "00:59:35",
        ),
        notice("w", "Unhealthy", "of no interest", "00:59:50"),
        notice("somebody", "FailedMount", "else", "00:59:50"),
    ];
    assert_eq!(
        told(&troubles(&observed)),
        "SandboxError: 1 pod(s) affected [w]: no runtime for \"x\""
    );
    observed.notices.remove(0);
    assert_eq!(
        told(&troubles(&observed)),
        "ConfigurationError: 1 pod(s) affected [w]: MountVolume.SetUp failed for volume \"v\" : secret \"s\" not found. Create the Secret and the pods will restart automatically."
    );
}

#[test]
fn events_of_a_pod_that_has_begun_are_history() {
    let mut observed = with_others(pod("w", "worker", &running("00:59:58")));
    observed.notices = vec![notice("w", "FailedMount", "old", "00:59:40")];
    assert_eq!(troubles(&observed), []);
}

#[test]
fn a_job_that_gets_no_pods_is_told_with_the_words_that_refuse_them() {
    let mut observed = observed(vec![others()[0].clone()]);
    assert_eq!(about(&observed), ["worker-job"]);
    observed.notices = vec![notice(
        "worker-job",
        "FailedCreate",
        "Error creating: pods \"demo-worker-x7x2k\" is forbidden: exceeded quota: q, requested: pods=1",
        "00:59:59",
    )];
    assert_eq!(
        told(&troubles(&observed)),
        "PodCreationError: 2 pod(s) affected [Job demo-worker]: exceeded quota: q, requested: pods=1"
    );
}

#[test]
fn a_job_that_is_suspended_or_done_wants_no_pods() {
    let with = |change: fn(&mut k8s_openapi::api::batch::v1::Job)| {
        let mut observed = observed(vec![others()[0].clone()]);
        if let crate::observed::Child::Ours(job) = &mut observed.worker_job {
            change(job);
        }
        about(&observed)
    };
    assert_eq!(with(|_| {}), ["worker-job"]);
    assert_eq!(
        with(|job| job.spec.as_mut().unwrap().suspend = Some(true)),
        [""; 0]
    );
    assert_eq!(
        with(|job| job.status.as_mut().unwrap().succeeded = Some(1)),
        [""; 0]
    );
}

#[test]
fn a_job_whose_pod_has_just_succeeded_wants_no_more() {
    let succeeded = pod("w", "worker", &json!({ "phase": "Succeeded" }));
    let mut observed = with_others(succeeded);
    observed.now = at("01:10:00");
    assert_eq!(
        about(&observed),
        [""; 0],
        "its status says so a little later"
    );
}

#[test]
fn a_refusal_from_before_the_newest_pod_is_history() {
    let mut observed = observed(others().to_vec());
    observed.notices = vec![notice("worker-job", "FailedCreate", "old", "00:58:59")];
    assert_eq!(troubles(&observed), []);
}
