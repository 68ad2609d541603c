//! Tests of what is remembered, and of what counts as a change.

use k8s_openapi::api::core::v1::Pod;
use serde_json::json;

use super::*;

fn pod(name: &str, job: &str, phase: &str) -> Text<Pod> {
    serde_json::from_value(json!({
        "metadata": {
            "name": name,
            "namespace": "n",
            "resourceVersion": phase,
            "ownerReferences": [
                { "apiVersion": "v1", "kind": "Node", "name": "x", "uid": "not-the-controller" },
                { "apiVersion": "batch/v1", "kind": "Job", "name": job, "uid": job, "controller": true },
            ],
        },
        "status": { "phase": phase },
    }))
    .unwrap()
}

/// Filled with pods of the Jobs `a` and `b`.
fn filled() -> Children<Pod> {
    let pods = Children::by_controller();
    let first = [
        Event::Init,
        Event::InitApply(pod("a-2", "a", "Running")),
        Event::InitApply(pod("a-1", "a", "Running")),
        Event::InitApply(pod("b-1", "b", "Running")),
        Event::InitDone,
    ];
    for event in first {
        assert_eq!(pods.absorb(event), [], "the first listing is no change");
    }
    pods
}

fn names(pods: &[Pod]) -> Vec<String> {
    pods.iter().map(ResourceExt::name_any).collect()
}

#[test]
fn pods_are_found_by_their_job() {
    let pods = filled();
    assert_eq!(names(&pods.controlled_by("a")), ["a-1", "a-2"]);
    assert_eq!(names(&pods.controlled_by("b")), ["b-1"]);
    assert_eq!(names(&pods.controlled_by("not-the-controller")), [""; 0]);

    pods.absorb(Event::Apply(pod("a-2", "b", "Running")));
    pods.absorb(Event::Delete(pod("b-1", "b", "Running")));
    assert_eq!(names(&pods.controlled_by("a")), ["a-1"]);
    assert_eq!(names(&pods.controlled_by("b")), ["a-2"]);
    pods.absorb(Event::Delete(pod("a-2", "b", "Running")));
    assert_eq!(pods.controlled_by("b"), []);
    assert!(!pods.read().by_controller.contains_key("b"));
    assert!(pods.get("n", "a-2").is_none());
    assert!(pods.get("n", "a-1").is_some());
}

#[test]
fn only_a_change_of_what_is_looked_at_is_told() {
    let pods = filled();
    let mut same = pod("a-1", "a", "Running");
    same.meta_mut().resource_version = Some("newer".to_owned());
    assert_eq!(pods.absorb(Event::Apply(same)), []);
    let ended = pod("a-1", "a", "Succeeded");
    assert_eq!(names(&pods.absorb(Event::Apply(ended))), ["a-1"]);
    let phase = pods.get("n", "a-1").unwrap().status.unwrap().phase.unwrap();
    assert_eq!(phase, "Succeeded");
}

#[test]
fn a_new_listing_tells_what_came_changed_and_went_meanwhile() {
    let pods = filled();
    let again = [
        Event::Init,
        Event::InitApply(pod("a-1", "a", "Running")),
        Event::InitApply(pod("a-2", "a", "Failed")),
        Event::InitApply(pod("a-3", "a", "Running")),
        Event::InitDone,
    ];
    let told: Vec<Pod> = again
        .into_iter()
        .flat_map(|event| pods.absorb(event))
        .collect();
    assert_eq!(names(&told), ["a-2", "a-3", "b-1"]);
    assert_eq!(names(&pods.controlled_by("a")), ["a-1", "a-2", "a-3"]);
    assert_eq!(pods.controlled_by("b"), []);
}

#[tokio::test(start_paused = true)]
async fn it_is_filled_once_everything_was_listed() {
    let pods = Children::<Pod>::by_name();
    let second = std::time::Duration::from_secs(1);
    pods.absorb(Event::Init);
    pods.absorb(Event::InitApply(pod("a-1", "a", "Running")));
    assert!(tokio::time::timeout(second, pods.filled()).await.is_err());
    pods.absorb(Event::InitDone);
    assert!(tokio::time::timeout(second, pods.filled()).await.is_ok());
}
