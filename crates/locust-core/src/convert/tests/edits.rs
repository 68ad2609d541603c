//! An edit of the v1 view wins over what was kept of v2, field by field, and
//! takes nothing else.

use serde_json::{Value, json};

use crate::convert::{ApiVersion, convert};

/// A v2 object of which v1 can say little.
fn rich() -> Value {
    json!({
        "apiVersion": "locust.io/v2",
        "kind": "LocustTest",
        "metadata": { "name": "rich", "annotations": { "a": "1" } },
        "spec": {
            "image": "locust:1",
            "imagePullPolicy": "Always",
            "imagePullSecrets": [{ "name": "one" }, {}],
            "master": {
                "command": "-f a.py",
                "autostart": false,
                "extraArgs": ["--csv=r"],
                "labels": { "team": "a" },
            },
            "worker": { "command": "-f a.py", "replicas": 3, "labels": {} },
            "testFiles": { "configMapRef": "c", "srcMountPath": "/s" },
            "scheduling": {
                "nodeSelector": { "disk": "ssd" },
                "runtimeClassName": "",
                "affinity": {
                    "podAntiAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": [
                        { "topologyKey": "zone" },
                    ] },
                    "nodeAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": {
                        "nodeSelectorTerms": [
                            { "matchExpressions": [
                                { "key": "pool", "operator": "In", "values": ["load", "spot"] },
                                { "key": "gpu", "operator": "DoesNotExist" },
                                { "key": "zone", "operator": "In", "values": ["a"] },
                            ] },
                            { "matchFields": [
                                { "key": "metadata.name", "operator": "In", "values": ["n1"] },
                            ] },
                        ],
                    } },
                },
                "tolerations": [
                    { "key": "spot", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 30 },
                    { "operator": "Exists" },
                    { "key": "load", "value": "yes", "effect": "NoSchedule" },
                ],
            },
            "env": { "variables": [{ "name": "A", "value": "1" }] },
        },
        "status": { "phase": "Running", "run": { "id": "u" } },
    })
}

const TERMS: &str = "/spec/scheduling/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";
const LABELS: &str = "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution";

fn v1(object: &Value) -> Value {
    convert(object.clone(), ApiVersion::V1).unwrap()
}

fn v2(object: &Value) -> Value {
    convert(object.clone(), ApiVersion::V2).unwrap()
}

/// Puts `value` at `pointer`, or takes away what is there.
fn put(object: &mut Value, pointer: &str, value: Value) {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = object.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    parent.remove(name);
    if !value.is_null() {
        parent.insert(name.to_owned(), value);
    }
}

/// The rich object after these edits of its v1 view, which has to show them.
fn edited(edits: &[(&str, Value)]) -> Value {
    let mut view = v1(&rich());
    for (pointer, value) in edits {
        put(&mut view, pointer, value.clone());
    }
    let edited = v2(&view);
    let mut shown = v1(&edited);
    for object in [&mut view, &mut shown] {
        let annotations = object["metadata"]["annotations"].as_object_mut().unwrap();
        annotations.remove("locust.io/conversion-data");
    }
    assert_eq!(shown, view, "v1 does not show what it was told");
    edited
}

/// The rich object with `value` at `pointer`.
fn with(pointer: &str, value: Value) -> Value {
    let mut object = rich();
    put(&mut object, pointer, value);
    object
}

#[test]
fn a_view_shows_what_v1_can_say() {
    let spec = v1(&rich())["spec"].clone();
    let expected = json!({
        "image": "locust:1",
        "imagePullPolicy": "Always",
        "imagePullSecrets": ["one", ""],
        "masterCommandSeed": "-f a.py",
        "workerCommandSeed": "-f a.py",
        "workerReplicas": 3,
        "labels": { "master": { "team": "a" } },
        "configMap": "c",
        "affinity": { "nodeAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": {
            "pool": "load", "zone": "a",
        } } },
        "tolerations": [
            { "key": "spot", "operator": "Exists", "effect": "NoExecute" },
            { "key": "load", "operator": "Equal", "value": "yes", "effect": "NoSchedule" },
        ],
    });
    assert_eq!(spec, expected);
}

#[test]
fn what_an_edit_does_not_touch_stays_as_it_is() {
    assert_eq!(edited(&[]), rich());
    let seven = edited(&[("/spec/workerReplicas", json!(7))]);
    assert_eq!(seven, with("/spec/worker/replicas", json!(7)));
    let image = edited(&[("/spec/image", json!("locust:2"))]);
    assert_eq!(image, with("/spec/image", json!("locust:2")));
    let policy = edited(&[("/spec/imagePullPolicy", Value::Null)]);
    assert_eq!(policy, with("/spec/imagePullPolicy", Value::Null));
    let labels = edited(&[("/spec/labels/worker", json!({ "b": "" }))]);
    assert_eq!(labels, with("/spec/worker/labels", json!({ "b": "" })));
    let unlabelled = edited(&[("/spec/labels", Value::Null)]);
    assert_eq!(unlabelled, with("/spec/master/labels", Value::Null));
    let files = edited(&[("/spec/configMap", json!("other"))]);
    assert_eq!(files, with("/spec/testFiles/configMapRef", json!("other")));
    let secrets = edited(&[("/spec/imagePullSecrets", json!(["", "two"]))]);
    assert_eq!(
        secrets,
        with("/spec/imagePullSecrets", json!([{}, { "name": "two" }]))
    );
}

#[test]
fn an_edit_of_one_label_of_the_affinity_leaves_the_other_expressions() {
    let zone = edited(&[(&format!("{LABELS}/zone"), json!("b"))]);
    let term = json!([{ "matchExpressions": [
        { "key": "pool", "operator": "In", "values": ["load", "spot"] },
        { "key": "gpu", "operator": "DoesNotExist" },
        { "key": "zone", "operator": "In", "values": ["b"] },
    ] }]);
    assert_eq!(zone, with(TERMS, term));
    // A label that has a hidden expression is said anew.
    let gpu = edited(&[
        (&format!("{LABELS}/gpu"), json!("1")),
        (&format!("{LABELS}/zone"), Value::Null),
    ]);
    let term = json!([{ "matchExpressions": [
        { "key": "pool", "operator": "In", "values": ["load", "spot"] },
        { "key": "gpu", "operator": "In", "values": ["1"] },
    ] }]);
    assert_eq!(gpu, with(TERMS, term));
}

#[test]
fn an_affinity_that_is_taken_away_leaves_what_v1_could_not_see() {
    let gone = edited(&[("/spec/affinity", Value::Null)]);
    let hidden = json!([{ "matchExpressions": [{ "key": "gpu", "operator": "DoesNotExist" }] }]);
    assert_eq!(gone, with(TERMS, hidden));

    let only = json!([{ "matchExpressions": [{ "key": "pool", "operator": "In", "values": ["a", "b"] }] }]);
    let mut view = v1(&with(TERMS, only));
    put(&mut view, "/spec/affinity", Value::Null);
    assert_eq!(
        v2(&view),
        with("/spec/scheduling/affinity/nodeAffinity", Value::Null)
    );
}

#[test]
fn labels_are_asked_for_beside_what_v1_could_not_see() {
    let hidden = json!([
        { "matchExpressions": [{ "key": "gpu", "operator": "Exists" }] },
        { "matchFields": [{ "key": "metadata.name", "operator": "In", "values": ["n1"] }] },
    ]);
    let mut view = v1(&with(TERMS, hidden));
    assert_eq!(view["spec"].get("affinity"), None);
    let wanted = json!({ "nodeAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": { "a": "1" } } });
    put(&mut view, "/spec/affinity", wanted.clone());
    let a = json!({ "key": "a", "operator": "In", "values": ["1"] });
    let terms = json!([
        { "matchExpressions": [{ "key": "gpu", "operator": "Exists" }, a] },
        { "matchExpressions": [a], "matchFields": [{ "key": "metadata.name", "operator": "In", "values": ["n1"] }] },
    ]);
    let edited = v2(&view);
    assert_eq!(edited, with(TERMS, terms));
    assert_eq!(v1(&edited)["spec"]["affinity"], wanted);
}

#[test]
fn an_edit_of_one_toleration_leaves_the_others() {
    let edit = json!([
        { "key": "load", "operator": "Exists", "effect": "NoSchedule" },
        { "key": "new", "operator": "Exists", "effect": "NoSchedule" },
        { "key": "spot", "operator": "Exists", "effect": "NoExecute" },
    ]);
    let expected = json!([
        { "key": "load", "operator": "Exists", "effect": "NoSchedule" },
        { "key": "new", "operator": "Exists", "effect": "NoSchedule" },
        { "key": "spot", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 30 },
        { "operator": "Exists" },
    ]);
    let list = "/spec/scheduling/tolerations";
    assert_eq!(edited(&[("/spec/tolerations", edit)]), with(list, expected));
    // How long it is tolerated is a matter of that effect alone.
    let edit = json!([{ "key": "spot", "operator": "Exists", "effect": "NoSchedule" }]);
    let expected = json!([{ "key": "spot", "operator": "Exists", "effect": "NoSchedule" }, { "operator": "Exists" }]);
    assert_eq!(edited(&[("/spec/tolerations", edit)]), with(list, expected));
    let gone = edited(&[("/spec/tolerations", Value::Null)]);
    assert_eq!(gone, with(list, json!([{ "operator": "Exists" }])));
}

#[test]
fn a_v1_object_without_the_annotation_means_what_it_says() {
    let mut view = v1(&rich());
    put(&mut view, "/metadata/annotations", Value::Null);
    let plain = v2(&view);
    assert_eq!(plain["spec"].get("env"), None);
    assert_eq!(
        plain["spec"]["master"]["autoquit"],
        json!({ "enabled": true, "timeout": 60 })
    );
    assert_eq!(
        plain["status"],
        rich()["status"],
        "the status is not v1's to lose"
    );
}

#[test]
fn alternatives_are_not_shown_as_one_requirement() {
    let has = |key: &str, values: Value| json!({ "key": key, "operator": "In", "values": values });
    let terms = json!([
        { "matchExpressions": [{ "key": "gpu", "operator": "Exists" }] },
        { "matchExpressions": [has("a", json!(["1", "2"])), has("b", json!([]))] },
        { "matchExpressions": [has("c", json!(["3"]))] },
    ]);
    let object = with(TERMS, terms);
    let view = v1(&object);
    assert_eq!(view.pointer(LABELS), Some(&json!({ "a": "1" })));
    assert_eq!(v2(&view), object);
    // An edit is about the alternative that was shown.
    let mut edited = view;
    put(&mut edited, &format!("{LABELS}/c"), json!("4"));
    let term = json!([{ "matchExpressions": [
        has("a", json!(["1", "2"])), has("b", json!([])), has("c", json!(["4"])),
    ] }]);
    assert_eq!(v2(&edited), with(TERMS, term));
}
