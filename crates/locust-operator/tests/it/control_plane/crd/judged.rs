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
        ("/spec/observability", json!({"metricsExporter": "Off"})),
        (
            "/spec/observability",
            json!({"metricsExporter": "Disabled"}),
        ),
        ("/spec", json!(null)),
    ]
}

/// Values that `schema/values.rs` refuses, and one of each that it takes.
fn values() -> Vec<(&'static str, Value)> {
    let term = |key: &str, operator: &str| json!({"matchExpressions": [{"key": key, "operator": operator, "values": ["1"]}]});
    let node = |operator: &str| {
        json!({"affinity": {"nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term("a", operator)]},
            "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 101, "preference": term("a", operator)}],
        }}})
    };
    let pod = |operator: &str| {
        json!({"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
            {"topologyKey": "", "labelSelector": term("a", operator)}
        ]}}})
    };
    vec![
        ("/spec/image", json!("")),
        ("/spec/scheduling", node("In")),
        ("/spec/scheduling", node("Near")),
        ("/spec/scheduling", pod("In")),
        ("/spec/scheduling", pod("Gt")),
        (
            "/spec/scheduling",
            json!({"tolerations": [{"operator": "Maybe", "effect": "Never"}, {"operator": "", "effect": ""}]}),
        ),
        (
            "/spec/env",
            json!({"variables": [{"name": "a=b"}, {"name": "a b.c-d"}, {"name": ""}]}),
        ),
        (
            "/spec/env",
            json!({"variables": [
                {"name": "A", "valueFrom": {"secretKeyRef": {"name": "A_b", "key": "a/b"}}},
                {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "a.b", "key": "..a"}}},
                {"name": "C", "valueFrom": {"fieldRef": {"apiVersion": "v2", "fieldPath": "metadata.name"}}},
            ]}),
        ),
        (
            "/spec/env",
            json!({"configMapRefs": [{"name": "", "prefix": "a="}], "secretRefs": [{"name": "a.b", "prefix": ""}]}),
        ),
        (
            "/spec/volumeMounts",
            json!([
                {"name": "secret-a", "mountPath": "", "subPath": "/a"},
                {"name": "secret-a", "mountPath": "/b", "subPath": "a/../b", "mountPropagation": "Up"},
                {"name": "secret-a", "mountPath": "/c", "subPath": "..a/.b/c..", "recursiveReadOnly": "Yes"},
            ]),
        ),
        (
            "/spec/security",
            json!({"podSecurityContext": {
                "runAsUser": -1, "fsGroup": 2_147_483_648_i64, "supplementalGroups": [0, -1],
                "seccompProfile": {"type": "None"}, "fsGroupChangePolicy": "Never",
                "sysctls": [{"name": "Kernel", "value": ""}, {"name": "net.ipv4/a_b", "value": ""}],
            }}),
        ),
        (
            "/spec/security",
            json!({"containerSecurityContext": {"procMount": "Open", "appArmorProfile": {"type": ""}}}),
        ),
    ]
}

/// Specs that break each rule of `schema/rules.rs`, and ones that just do not.
fn ruled() -> Vec<(&'static str, Value)> {
    let secrets = |mounts: Value| ("/spec/env", json!({"secretMounts": mounts}));
    let files = |more: Value| {
        let mut spec = valid("demo")["spec"].clone();
        let more = more.as_object().cloned().unwrap_or_default();
        spec.as_object_mut().expect("a spec").extend(more);
        ("/spec", spec)
    };
    let long = "s".repeat(57);
    vec![
        secrets(json!([{"name": "t", "mountPath": "/a"}, {"name": "t", "mountPath": "/b"}])),
        secrets(json!([{"name": "t", "mountPath": "/a"}, {"name": "u", "mountPath": "/a"}])),
        secrets(json!([{"name": "t", "mountPath": "/a"}, {"name": "u", "mountPath": "/a/b"}])),
        secrets(json!([{"name": "my.tls", "mountPath": "/a"}])),
        secrets(json!([{"name": long, "mountPath": "/a"}])),
        secrets(json!([{"name": "s".repeat(56), "mountPath": "/a"}])),
        secrets(json!([{"name": "", "mountPath": "/a"}])),
        files(json!({
            "volumes": [{"name": "v", "emptyDir": {}}, {"name": "w", "emptyDir": {}}],
            "volumeMounts": [
                {"name": "v", "mountPath": "/a"}, {"name": "w", "mountPath": "/a", "target": "worker"},
            ],
        })),
        files(json!({
            "volumes": [{"name": "v", "emptyDir": {}}, {"name": "w", "emptyDir": {}}],
            "volumeMounts": [
                {"name": "v", "mountPath": "/a", "target": "master"},
                {"name": "w", "mountPath": "/a", "target": "worker"},
            ],
        })),
        files(json!({
            "env": {"secretMounts": [{"name": "t", "mountPath": "/a"}]},
            "volumes": [{"name": "v", "emptyDir": {}}],
            "volumeMounts": [{"name": "v", "mountPath": "/a"}],
        })),
        files(json!({
            "testFiles": {"configMapRef": "c", "libConfigMapRef": "l"},
            "env": {"secretMounts": [{"name": "t", "mountPath": "/opt/locust/lib"}]},
            "volumes": [{"name": "v", "emptyDir": {}}],
            "volumeMounts": [{"name": "v", "mountPath": "/lotest/src"}],
        })),
        files(json!({
            "testFiles": {"configMapRef": "c", "libConfigMapRef": "l", "srcMountPath": "/s", "libMountPath": ""},
            "env": {"secretMounts": [{"name": "t", "mountPath": "/s"}]},
            "volumes": [{"name": "v", "emptyDir": {}}],
            "volumeMounts": [{"name": "v", "mountPath": "/opt/locust/lib"}],
        })),
        files(json!({
            "volumes": [{"name": "v", "emptyDir": {}}],
            "volumeMounts": [{"name": "v", "mountPath": "/lotest/src"}, {"name": "v", "mountPath": "/opt/locust/lib"}],
        })),
        files(
            json!({"testFiles": {"configMapRef": "c", "libConfigMapRef": "l", "srcMountPath": "/x", "libMountPath": "/x"}}),
        ),
        files(
            json!({"testFiles": {"configMapRef": "c", "srcMountPath": "/x", "libMountPath": "/x"}}),
        ),
        files(json!({
            "volumes": [{"name": "v", "emptyDir": {}}, {"name": "v", "emptyDir": {}}],
            "volumeMounts": [{"name": "v", "mountPath": "/a"}],
        })),
        files(json!({"volumes": [{"name": "v", "emptyDir": {}}, {"name": "v", "emptyDir": {}}]})),
        files(json!({
            "testFiles": {"libConfigMapRef": "l"},
            "env": {"secretMounts": [{"name": "x", "mountPath": "/x"}]},
            "volumes": [{"name": "locust-lib", "emptyDir": {}}, {"name": "secret-x", "emptyDir": {}}],
            "volumeMounts": [{"name": "locust-lib", "mountPath": "/a"}, {"name": "secret-x", "mountPath": "/b"}],
        })),
        files(json!({
            "volumes": [{"name": "locust-lib", "emptyDir": {}}, {"name": "secret-x", "emptyDir": {}}],
            "volumeMounts": [{"name": "locust-lib", "mountPath": "/a"}, {"name": "secret-x", "mountPath": "/b"}],
        })),
        (
            "/spec/volumeMounts",
            json!([{"name": "ghost", "mountPath": "/g"}]),
        ),
        (
            "/spec/volumeMounts",
            json!([
                {"name": "locust-lib", "mountPath": "/a"}, {"name": "secret-x", "mountPath": "/b"},
                {"name": "demo-master", "mountPath": "/c"}, {"name": "demo-worker", "mountPath": "/d"},
            ]),
        ),
    ]
}

#[tokio::test]
async fn the_check_without_a_server_says_what_the_api_server_says() -> Result<()> {
    let control_plane = ControlPlane::shared().await?;
    install(&control_plane).await?;
    let namespace = control_plane.namespace("crd").await?;
    let client = control_plane.client().await?;
    let cases = judged_alike().into_iter().chain(values()).chain(ruled());
    for (pointer, value) in cases {
        let mut object = valid("demo");
        *object.pointer_mut(pointer).unwrap_or(&mut Value::Null) = Value::Null;
        let (parent, name) = pointer.rsplit_once('/').context("a pointer")?;
        object.pointer_mut(parent).context("its parent")?[name] = value.clone();
        let mut expected = schema::check(&object);
        let answer = create(&client, namespace.name(), &object).await;
        let mut said = problems(answer);
        expected.sort();
        said.sort();
        assert_eq!(
            said, expected,
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
