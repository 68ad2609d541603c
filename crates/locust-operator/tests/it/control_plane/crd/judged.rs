//! What the API server refuses by the CRD, and that `schema::check` says the
//! same without it.

use anyhow::{Context, Result};
use kube::Client;
use kube::core::Status;
use locust_api::schema::{self, Problem};
use serde_json::{Value, json};
use testkit::ControlPlane;

use super::{install, send, valid};

/// Objects that `schema::check` and the API server judge in the same words.
fn judged_alike() -> Vec<(&'static str, Value)> {
    let many_labels: serde_json::Map<_, _> =
        (0..65).map(|i| (format!("a{i}"), json!("b"))).collect();
    vec![
        ("/spec/worker/replicas", json!(0)),
        ("/spec/worker/replicas", json!(1)),
        ("/spec/worker/replicas", json!(500)),
        ("/spec/worker/replicas", json!(501)),
        ("/spec/worker/replicas", json!("2")),
        ("/spec/worker/replicas", json!(null)),
        ("/spec/image", json!(null)),
        ("/spec/image", json!(7)),
        ("/spec/imagePullPolicy", json!("Sometimes")),
        ("/spec/imagePullPolicy", json!(null)),
        ("/spec/imagePullSecrets", json!([{}])),
        ("/spec/imagePullSecrets", json!([null])),
        (
            "/spec/imagePullSecrets",
            Value::from(vec![json!({"name": "a"}); 65]),
        ),
        ("/spec/master", json!([])),
        ("/spec/master", json!({})),
        ("/spec/master/labels", Value::Object(many_labels)),
        ("/spec/master/labels", json!({"a.b/c": 3})),
        ("/spec/master/labels", json!({"a": null})),
        ("/spec/master/autoquit", json!({"timeout": -1})),
        ("/spec/master/resources", json!({"limits": {"cpu": "abc"}})),
        (
            "/spec/master/resources",
            json!({"limits": {"cpu": 1, "memory": "64Mi"}}),
        ),
        (
            "/spec/master/resources",
            json!({"claims": [{"name": "a"}, {"name": "a"}]}),
        ),
        ("/spec/testFiles", json!({"configMapRef": "a".repeat(254)})),
        ("/spec/testFiles", json!({"configMapRef": "é".repeat(200)})),
        ("/spec/scheduling", json!({"runtimeClassName": "A_b"})),
        ("/spec/scheduling", json!({"runtimeClassName": ""})),
        ("/spec/env", json!(null)),
        ("/spec/env", json!({"variables": [{"value": "a"}]})),
        ("/spec/env", json!({"secretMounts": [{"name": "a"}]})),
        ("/spec/volumes", json!("x")),
        ("/spec/volumeMounts", json!([{}])),
        (
            "/spec/volumeMounts",
            json!([{"name": "a", "mountPath": "/a", "target": "all"}]),
        ),
        (
            "/spec/observability",
            json!({"openTelemetry": {"protocol": "http"}}),
        ),
        ("/spec", json!(null)),
    ]
}

#[tokio::test]
async fn the_check_without_a_server_says_what_the_api_server_says() -> Result<()> {
    let control_plane = ControlPlane::shared().await?;
    install(&control_plane).await?;
    let namespace = control_plane.namespace("crd").await?;
    let client = control_plane.client().await?;
    for (pointer, value) in judged_alike() {
        let mut object = valid("demo");
        *object.pointer_mut(pointer).unwrap_or(&mut Value::Null) = Value::Null;
        let (parent, name) = pointer.rsplit_once('/').context("a pointer")?;
        object.pointer_mut(parent).context("its parent")?[name] = value.clone();
        let expected = schema::check(&object);
        let answer = create(&client, namespace.name(), &object).await;
        assert_eq!(
            problems(answer),
            expected,
            "{pointer} = {value}: API server left, schema::check right"
        );
    }
    namespace.finish().await
}

async fn create(client: &Client, namespace: &str, object: &Value) -> Result<Value, Status> {
    let path = format!(
        "/apis/locust.io/v2/namespaces/{namespace}/locusttests?dryRun=All&fieldValidation=Strict"
    );
    send(client, "POST", &path, object).await
}

/// What the API server names, without its remark that it stopped there.
fn problems(answer: Result<Value, Status>) -> Vec<Problem> {
    let causes = answer.err().and_then(|status| status.details);
    causes
        .into_iter()
        .flat_map(|details| details.causes)
        .filter(|cause| cause.field != "<nil>")
        .map(|cause| Problem {
            path: cause.field,
            message: cause.message,
        })
        .collect()
}

#[tokio::test]
async fn fields_that_do_not_exist_are_refused_where_strict_validation_is_asked_for() -> Result<()> {
    let control_plane = ControlPlane::shared().await?;
    install(&control_plane).await?;
    let namespace = control_plane.namespace("crd").await?;
    let client = control_plane.client().await?;
    let mut object = valid("demo");
    object["spec"]["workers"] = json!({});
    object["spec"]["volumes"] = json!([{
        "name": "scratch",
        "ephemeral": {"volumeClaimTemplate": {
            "metadata": {"labels": {}},
            "spec": {"storageClass": "fast"},
        }},
    }]);
    let status = create(&client, namespace.name(), &object)
        .await
        .expect_err("unknown fields were accepted");
    let found = schema::check(&object);
    assert_eq!(found.len(), 3, "{found:?}");
    for problem in found {
        assert_eq!(problem.message, "unknown field");
        let named = format!("unknown field {:?}", problem.path);
        assert!(status.message.contains(&named), "{}", status.message);
    }
    namespace.finish().await
}

#[tokio::test]
async fn a_name_that_leaves_no_room_for_the_jobs_is_refused() -> Result<()> {
    let control_plane = ControlPlane::shared().await?;
    install(&control_plane).await?;
    let namespace = control_plane.namespace("crd").await?;
    let client = control_plane.client().await?;
    for (length, problem) in [(56, None), (57, Some("max CR name length is 56"))] {
        let object = valid(&"n".repeat(length));
        let answer = create(&client, namespace.name(), &object).await;
        let said = answer.err().map(|status| status.message);
        match (said, problem) {
            (None, None) => {}
            (Some(said), Some(problem)) => assert!(said.contains(problem), "{said}"),
            (said, _) => panic!("{length} characters: {said:?}"),
        }
    }
    namespace.finish().await
}
