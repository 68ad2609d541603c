//! Every kind of problem, by its exact words. That they are the API server's
//! is shown against a real one, in the operator's integration tests.

use serde_json::{Value, json};

use super::{check, drop_nulls};
use crate::latest::LocustTest;
use crate::schema::fill_defaults;

fn valid() -> Value {
    json!({
        "apiVersion": "locust.io/v2",
        "kind": "LocustTest",
        "metadata": { "name": "demo" },
        "spec": {
            "image": "locustio/locust",
            "master": { "command": "-f a.py" },
            "worker": { "command": "-f a.py", "replicas": 2 },
        },
    })
}

/// What is said of the valid object with `value` at `pointer`.
fn said_of(pointer: &str, value: Value) -> Vec<String> {
    let mut object = valid();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    object.pointer_mut(parent).unwrap()[name] = value;
    check(&object).iter().map(ToString::to_string).collect()
}

fn invalid(path: &str, value: &str, rule: &str) -> Vec<String> {
    vec![format!(
        "{path}: Invalid value: {value}: {path} in body {rule}"
    )]
}

#[test]
fn a_valid_object_has_no_problem() {
    assert_eq!(check(&valid()), []);
}

#[test]
fn fields_that_do_not_exist_are_named_by_their_path() {
    assert_eq!(said_of("/foo", json!(1)), ["foo: unknown field"]);
    assert_eq!(said_of("/spec/foo", json!(1)), ["spec.foo: unknown field"]);
    assert_eq!(
        said_of("/metadata/label", json!({})),
        ["metadata.label: unknown field"]
    );
    assert_eq!(
        said_of(
            "/spec/volumes",
            json!([{"name": "a"}, {"name": "b", "emptyDir": {"foo": 1}}])
        ),
        ["spec.volumes[1].emptyDir.foo: unknown field"]
    );
}

#[test]
fn missing_fields_are_required_values() {
    let mut object = valid();
    object["spec"]["worker"] = json!({});
    let said: Vec<_> = check(&object).iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "spec.worker.command: Required value",
            "spec.worker.replicas: Required value"
        ]
    );
    object = valid();
    object.as_object_mut().unwrap().remove("spec");
    assert_eq!(check(&object)[0].to_string(), "spec: Required value");
    assert_eq!(
        said_of("/metadata", json!({})),
        ["metadata.name: Required value: name or generateName is required"]
    );
}

#[test]
fn wrong_types_say_what_was_expected_and_found() {
    for (pointer, path, value, expected, found) in [
        (
            "/spec/worker/replicas",
            "spec.worker.replicas",
            json!("2"),
            "integer",
            "string",
        ),
        (
            "/spec/worker/replicas",
            "spec.worker.replicas",
            json!(2.5),
            "integer",
            "number",
        ),
        ("/spec/master", "spec.master", json!([]), "object", "array"),
        (
            "/spec/volumes",
            "spec.volumes",
            json!("x"),
            "array",
            "string",
        ),
        ("/spec/image", "spec.image", json!(7), "string", "integer"),
        (
            "/metadata/name",
            "metadata.name",
            json!(7),
            "string",
            "integer",
        ),
    ] {
        let rule = format!("must be of type {expected}: \"{found}\"");
        assert_eq!(
            said_of(pointer, value),
            invalid(path, &format!("\"{found}\""), &rule)
        );
    }
    let path = "spec.master.extraArgs[1]";
    assert_eq!(
        said_of("/spec/master/extraArgs", json!(["a", null])),
        invalid(path, "\"null\"", "must be of type string: \"null\"")
    );
    assert_eq!(
        check(&json!([]))[0].message,
        "a LocustTest is an object, and this is of type array"
    );
}

#[test]
fn numbers_outside_their_range_are_refused() {
    let path = "spec.worker.replicas";
    assert_eq!(
        said_of("/spec/worker/replicas", json!(0)),
        invalid(path, "0", "should be greater than or equal to 1")
    );
    assert_eq!(
        said_of("/spec/worker/replicas", json!(501)),
        invalid(path, "501", "should be less than or equal to 500")
    );
    assert_eq!(
        said_of(
            "/spec/master/autoquit",
            json!({"timeout": 3_000_000_000_i64})
        ),
        ["spec.master.autoquit.timeout: Invalid value: 3000000000: \
          Checked value must be of type integer with format int32"]
    );
}

#[test]
fn quantities_are_numbers_or_text_of_their_form() {
    let limits = |cpu: Value| said_of("/spec/master/resources", json!({"limits": {"cpu": cpu}}));
    for cpu in [json!(1), json!("500m"), json!("0.5"), json!("2Gi")] {
        assert!(limits(cpu).is_empty());
    }
    let path = "spec.master.resources.limits.cpu";
    let form = format!(
        "should match '{}'",
        super::super::embedded::QUANTITY_PATTERN
    );
    assert_eq!(limits(json!("abc")), invalid(path, "\"abc\"", &form));
    assert_eq!(
        limits(json!(0.5)),
        invalid(
            path,
            "\"number\"",
            "must be of type integer,string: \"number\""
        )
    );
}

#[test]
fn words_outside_a_closed_set_are_refused_with_the_set() {
    assert_eq!(
        said_of("/spec/imagePullPolicy", json!("Sometimes")),
        ["spec.imagePullPolicy: Unsupported value: \"Sometimes\": \
          supported values: \"Always\", \"IfNotPresent\", \"Never\""]
    );
}

#[test]
fn what_is_too_large_is_refused_with_the_limit() {
    assert_eq!(
        said_of("/spec/testFiles", json!({"configMapRef": "a".repeat(254)})),
        ["spec.testFiles.configMapRef: Too long: may not be more than 253 bytes"]
    );
    assert_eq!(
        said_of("/spec/imagePullSecrets", Value::from(vec![json!({}); 65])),
        ["spec.imagePullSecrets: Too many: 65: must have at most 64 items"]
    );
    let labels: serde_json::Map<_, _> = (0..65).map(|i| (format!("a{i}"), json!("b"))).collect();
    assert_eq!(
        said_of("/spec/master/labels", Value::Object(labels)),
        ["spec.master.labels: Too many: 65: must have at most 64 items"]
    );
}

#[test]
fn entries_of_a_keyed_list_may_not_repeat_their_key() {
    assert_eq!(
        said_of(
            "/spec/master/resources",
            json!({"claims": [{"name": "a"}, {"name": "b"}, {"name": "a"}]})
        ),
        ["spec.master.resources.claims[2]: Duplicate value: {\"name\":\"a\"}"]
    );
}

#[test]
fn names_that_kubernetes_or_the_jobs_cannot_have_are_refused() {
    assert!(said_of("/metadata/name", json!("n".repeat(56))).is_empty());
    assert_eq!(
        said_of("/metadata/name", json!("n".repeat(57))),
        [format!(
            "metadata.name: name {:?} is too long: generated Job names would exceed \
             63 characters (max CR name length is 56)",
            "n".repeat(57)
        )]
    );
    for name in ["Bad", "a_b", "-a", "a-", "a..b", ""] {
        let said = said_of("/metadata/name", json!(name));
        assert!(
            said[0].contains("a lowercase RFC 1123 subdomain must consist of"),
            "{name}: {said:?}"
        );
    }
    assert!(said_of("/metadata/name", json!("team-a.load")).is_empty());
}

#[test]
fn nulls_count_as_absent_fields() {
    assert!(said_of("/spec/env", Value::Null).is_empty());
    assert!(said_of("/spec/imagePullPolicy", Value::Null).is_empty());
    assert_eq!(
        said_of("/spec/image", Value::Null),
        ["spec.image: Required value"]
    );
}

#[test]
fn an_object_without_problems_can_be_read() {
    let mut object = valid();
    object["spec"]["imagePullPolicy"] = Value::Null;
    object["spec"]["master"]["labels"] = json!({"a": null, "b": "c"});
    object["spec"]["imagePullSecrets"] = json!([{}]);
    assert_eq!(check(&object), []);
    drop_nulls(&mut object);
    let read: LocustTest = serde_json::from_value(object).unwrap();
    assert_eq!(read.spec.master.labels.unwrap().len(), 1);
}

#[test]
fn what_the_api_server_adds_to_an_object_is_no_problem() {
    let mut object = valid();
    object["status"] = json!({"phase": "Running"});
    object["metadata"] = json!({
        "name": "demo",
        "uid": "6c1d",
        "creationTimestamp": "2025-01-01T00:00:00Z",
        "generation": 3,
        "managedFields": [{"manager": "kubectl", "fieldsV1": {"f:spec": {}}}],
    });
    assert_eq!(check(&object), []);
}

#[test]
fn an_object_of_v1_is_judged_as_such() {
    let mut old = json!({
        "apiVersion": "locust.io/v1",
        "kind": "LocustTest",
        "metadata": { "name": "demo" },
        "spec": { "image": "i", "masterCommandSeed": "", "workerCommandSeed": "" },
    });
    assert_eq!(check(&old), []);
    fill_defaults(&mut old);
    assert_eq!(old["spec"]["workerReplicas"], 1);
    old["spec"]["workerReplicas"] = json!(501);
    old["spec"]["master"] = json!({});
    old["spec"]["tolerations"] = json!([{ "key": "k", "operator": "Lt" }]);
    let said: Vec<_> = check(&old).iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "spec.master: unknown field",
            "spec.tolerations[0].effect: Required value",
            "spec.tolerations[0].operator: Unsupported value: \"Lt\": supported values: \"Exists\", \"Equal\"",
            "spec.workerReplicas: Invalid value: 501: spec.workerReplicas in body should be less than or equal to 500",
        ]
    );
}

#[test]
fn defaults_are_those_of_the_schema() {
    let mut object = valid();
    object["spec"]["testFiles"] = json!({ "srcMountPath": "/s" });
    object["spec"]["volumeMounts"] = json!([{ "name": "v", "mountPath": "/v" }]);
    fill_defaults(&mut object);
    let spec = &object["spec"];
    assert_eq!(spec["imagePullPolicy"], "IfNotPresent");
    assert_eq!(
        spec["master"],
        json!({ "command": "-f a.py", "autostart": true })
    );
    let files = json!({ "srcMountPath": "/s", "libMountPath": "/opt/locust/lib" });
    assert_eq!(spec["testFiles"], files);
    assert_eq!(spec["volumeMounts"][0]["target"], "both");
    assert_eq!(object.get("status"), None);
}
