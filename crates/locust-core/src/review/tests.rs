//! Reviews as the API server sends them, and as nobody should.

mod generated;
mod golden;
mod judge;
mod nonsense;

use serde_json::{Value, json};

use super::{Answer, admit, convert};
use crate::convert::{ApiVersion, convert as convert_object};
use crate::settings::{Admission, Settings};
use judge::{relabel, settings};

#[track_caller]
fn review(answer: Answer) -> Value {
    match answer {
        Answer::Review(body) => serde_json::from_slice(&body).unwrap(),
        Answer::Malformed(why) => panic!("{why}"),
    }
}

fn conversion(objects: &[Value], desired: &str) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "ConversionReview",
        "request": {"uid": "u-1", "desiredAPIVersion": desired, "objects": objects},
    })
}

fn converted(asked: &Value) -> Value {
    let body = asked.to_string();
    review(convert(body.as_bytes(), &relabel))["response"].clone()
}

fn object(name: &str) -> Value {
    json!({
        "apiVersion": "locust.io/v1",
        "kind": "LocustTest",
        "metadata": {"name": name, "namespace": "ns"},
    })
}

#[test]
fn objects_come_back_in_their_order_with_the_uid_of_the_request() {
    let names: Vec<String> = (0..50).map(|i| format!("t{}", i * 7 % 50)).collect();
    let objects: Vec<Value> = names.iter().map(|name| object(name)).collect();
    let response = converted(&conversion(&objects, "locust.io/v2"));
    assert_eq!(response["uid"], "u-1");
    assert_eq!(response["result"], json!({"status": "Success"}));
    let got: Vec<&str> = response["convertedObjects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|object| object["metadata"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(got, names);
    assert_eq!(
        response["convertedObjects"][0]["apiVersion"],
        "locust.io/v2"
    );
}

#[test]
fn an_empty_list_is_answered_by_an_empty_list() {
    let response = converted(&conversion(&[], "locust.io/v2"));
    assert_eq!(response["convertedObjects"], json!([]));
    assert_eq!(response["result"]["status"], "Success");
}

#[test]
fn one_object_that_cannot_be_converted_fails_the_review_and_is_named() {
    let objects = [object("good"), object("bad"), object("fine")];
    let response = converted(&conversion(&objects, "locust.io/v2"));
    assert_eq!(
        response,
        json!({
            "uid": "u-1",
            "convertedObjects": [],
            "result": {
                "status": "Failed",
                "message": "LocustTest ns/bad cannot be converted to locust.io/v2: it is bad",
            },
        })
    );
}

#[test]
fn fields_may_come_in_any_order_and_others_beside_them() {
    let asked = r#"{"request":{"objects":[{"metadata":{"name":"a"}}],"more":[1,{}],"desiredAPIVersion":"locust.io/v2","uid":"\"x\""},"extra":null,"kind":"ConversionReview","apiVersion":"apiextensions.k8s.io/v1"}"#;
    let response = review(convert(asked.as_bytes(), &relabel))["response"].clone();
    assert_eq!(response["uid"], "\"x\"");
    assert_eq!(response["convertedObjects"][0]["metadata"]["name"], "a");
}

fn locust_test(spec: Value) -> Value {
    let mut object = json!({
        "apiVersion": "locust.io/v2",
        "kind": "LocustTest",
        "metadata": {"name": "demo", "namespace": "ns"},
        "spec": {
            "image": "locustio/locust:2.47.0",
            "master": {"command": "-f a.py --run-time 5m"},
            "worker": {"command": "-f a.py", "replicas": 2},
        },
    });
    if let Value::Object(fields) = spec {
        object["spec"].as_object_mut().unwrap().extend(fields);
    }
    object
}

fn admission(operation: &str, object: &Value, old: Option<&Value>) -> Value {
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {"uid": "u-2", "operation": operation, "object": object, "oldObject": old},
    })
}

fn admitted_as(settings: &Settings, asked: &Value) -> Value {
    let body = asked.to_string();
    review(admit(body.as_bytes(), settings, &relabel))["response"].clone()
}

fn admitted(asked: &Value) -> Value {
    admitted_as(&settings(), asked)
}

/// A spec that cannot be run.
fn broken() -> Value {
    locust_test(json!({"master": {"command": "it's"}}))
}

#[test]
fn check_39_what_cannot_be_run_is_refused_on_create_and_on_update_with_its_field() {
    let expected = json!({
        "uid": "u-2",
        "allowed": false,
        "status": {
            "status": "Failure",
            "code": 422,
            "reason": "Invalid",
            "message": "spec.master.command: the quote ' at character 3 is not closed: close it, or write \\' for the character itself",
        },
    });
    assert_eq!(admitted(&admission("CREATE", &broken(), None)), expected);
    let old = locust_test(json!({}));
    assert_eq!(
        admitted(&admission("UPDATE", &broken(), Some(&old))),
        expected
    );
}

#[test]
fn a_good_test_is_admitted_without_a_word() {
    let asked = admission("CREATE", &locust_test(json!({})), None);
    assert_eq!(admitted(&asked), json!({"uid": "u-2", "allowed": true}));
}

#[test]
fn deletions_statuses_and_edits_beside_the_spec_are_never_refused() {
    let allowed = json!({"uid": "u-2", "allowed": true});
    let broken = broken();
    let mut status = admission("UPDATE", &broken, None);
    status["request"]["subResource"] = "status".into();
    assert_eq!(admitted(&status), allowed);
    assert_eq!(
        admitted(&admission("DELETE", &Value::Null, Some(&broken))),
        allowed
    );
    assert_eq!(admitted(&admission("CONNECT", &broken, None)), allowed);
    let mut labelled = broken.clone();
    labelled["metadata"]["labels"] = json!({"a": "b"});
    assert_eq!(
        admitted(&admission("UPDATE", &labelled, Some(&broken))),
        allowed
    );
    let mut going = broken;
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
    assert_eq!(admitted(&admission("UPDATE", &going, None)), allowed);
}

#[test]
fn objects_of_another_version_are_judged_as_what_they_become() {
    let mut object = broken();
    object["apiVersion"] = "locust.io/v1".into();
    assert_eq!(
        admitted(&admission("CREATE", &object, None))["status"]["code"],
        422
    );
    object["metadata"]["name"] = "bad".into();
    let refused = admitted(&admission("CREATE", &object, None));
    assert_eq!(
        refused["status"]["message"],
        "the LocustTest cannot be read: it is bad"
    );
}

#[test]
fn a_test_that_does_not_fit_into_the_older_version_is_refused_with_its_size() {
    let long = "a".repeat(30_000);
    let variable = |i: u32| json!({"name": format!("V{i}"), "value": long});
    let variables: Vec<Value> = (0..10).map(variable).collect();
    let env = json!({"env": {"variables": variables}});
    let refused = admitted(&admission("CREATE", &locust_test(env), None));
    assert_eq!(refused["status"]["code"], 422);
    let message = refused["status"]["message"].as_str().unwrap();
    assert!(
        message.starts_with("spec: what locust.io/v1 cannot say of this spec would need 300"),
        "{message}"
    );
}

#[test]
fn only_where_it_is_asked_for_is_refused_what_the_go_operators_webhook_refuses() {
    let otel = locust_test(json!({
        "image": "locustio/locust-otel:2.47.0",
        "observability": {"openTelemetry": {"enabled": true}},
    }));
    let asked = admission("CREATE", &otel, None);
    assert_eq!(
        admitted(&asked)["status"]["message"],
        "observability.openTelemetry.endpoint is required when OpenTelemetry is enabled"
    );
    assert_eq!(admitted_as(&Settings::default(), &asked)["allowed"], true);
}

#[test]
fn what_is_probably_not_meant_is_a_warning() {
    let told = |spec| {
        let response = admitted(&admission("CREATE", &locust_test(spec), None));
        assert_eq!(response["allowed"], true);
        let warnings = response["warnings"].as_array().cloned().unwrap_or_default();
        let starts: Vec<String> = warnings
            .iter()
            .map(|warning| warning.as_str().unwrap().chars().take(64).collect())
            .collect();
        starts.join("|")
    };
    let of_master = |command: &str| told(json!({"master": {"command": command}}));
    assert_eq!(of_master("-f a.py -t 5m"), "");
    assert_eq!(
        of_master("-f a.py"),
        "spec.master.command: there is no --run-time, so the test never e"
    );
    assert_eq!(
        of_master("-t5m --headless"),
        "spec.master.command: --headless takes away the web API that the "
    );
    assert_eq!(
        of_master("-t5m --master-port=1 --autostart"),
        "spec.master.command: --master-port=1, --autostart: the operator "
    );
    assert_eq!(
        of_master("-t 5m -u 1"),
        "spec.worker.replicas: 2 workers share 1 users, so some have noth"
    );
    assert_eq!(of_master("-t 5m --users 2"), "");
    assert_eq!(
        told(json!({"master": {"command": "", "extraArgs": ["-t", "1s", "--autoquit=1"]}})),
        "spec.master.extraArgs: User-provided extraArgs override operator"
    );
    assert_eq!(
        told(
            json!({"observability": {"openTelemetry": {"enabled": true, "endpoint": "http://c"}}})
        ),
        "spec.image: no metrics and no traces will come: the image locust"
    );
    // A run time may come from elsewhere, and a person may end the run.
    let timed = json!({"master": {"command": ""}, "env": {"variables": [{"name": "LOCUST_RUN_TIME", "value": "1m"}]}});
    assert_eq!(told(timed), "");
    assert_eq!(
        told(json!({"master": {"command": "", "autostart": false}})),
        ""
    );
}
