//! Security contexts with either set of defaults.

use locust_api::latest::LocustTest;
use serde_json::{Value, json};

use super::*;
use crate::build::{master_job, worker_job};
use crate::settings::Settings;

fn security(pod: &Value, container: &Value) -> Security {
    let group = json!({ "podSecurityContext": pod, "containerSecurityContext": container });
    serde_json::from_value(group).unwrap()
}

/// Both contexts as they are written.
fn contexts(resolved: &ResolvedSecurity) -> [Value; 2] {
    [
        serde_json::to_value(&resolved.pod).unwrap(),
        serde_json::to_value(&resolved.container).unwrap(),
    ]
}

/// The specs of a master's and a worker's pod of a test without a `security`
/// group.
fn pod_specs(pod_defaults: PodDefaults) -> [Value; 2] {
    let test: LocustTest = serde_json::from_value(json!({
        "metadata": { "name": "t", "namespace": "n", "uid": "u" },
        "spec": {
            "image": "locustio/locust:2.47.0",
            "master": { "command": "-f x.py" },
            "worker": { "command": "-f x.py", "replicas": 1 },
        },
    }))
    .unwrap();
    let settings = Settings {
        pod_defaults,
        ..Settings::default()
    };
    let resolved = crate::resolve::resolve(&test, &settings);
    [master_job(&resolved), worker_job(&resolved)].map(|job| {
        let job = serde_json::to_value(job).unwrap();
        job.pointer("/spec/template/spec").unwrap().clone()
    })
}

/// Everything in a pod's spec that has to do with security.
fn secured(spec: &Value) -> Value {
    let container = |list: &str| spec.pointer(&format!("/{list}/0/securityContext")).cloned();
    json!({
        "pod": spec.get("securityContext"),
        "token": spec.get("automountServiceAccountToken"),
        "links": spec.get("enableServiceLinks"),
        "locust": container("containers"),
        "exporter": container("initContainers"),
    })
}

#[test]
fn hardened_pods_of_both_roles_have_all_that_restricted_asks_for() {
    let [master, worker] = pod_specs(PodDefaults::Hardened);
    let exporter = json!({
        "allowPrivilegeEscalation": false,
        "capabilities": { "drop": ["ALL"] },
        "readOnlyRootFilesystem": true,
    });
    let mut expected = json!({
        "pod": {
            "runAsNonRoot": true,
            "runAsUser": 1000,
            "seccompProfile": { "type": "RuntimeDefault" },
        },
        "token": false,
        "links": false,
        "locust": { "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] } },
        "exporter": exporter,
    });
    assert_eq!(secured(&master), expected);
    *expected.pointer_mut("/exporter").unwrap() = Value::Null;
    assert_eq!(secured(&worker), expected);
}

#[test]
fn pods_with_the_go_operators_defaults_have_its_seccomp_profile_and_no_more() {
    let [_, worker] = pod_specs(PodDefaults::Upstream);
    let expected = json!({
        "pod": { "seccompProfile": { "type": "RuntimeDefault" } },
        "token": null,
        "links": null,
        "locust": null,
        "exporter": null,
    });
    assert_eq!(secured(&worker), expected);
}

#[test]
fn a_tests_own_context_replaces_the_go_operators_default() {
    let own = security(&json!({ "fsGroup": 7 }), &Value::Null);
    let resolved = resolve(Some(&own), PodDefaults::Upstream);
    assert_eq!(contexts(&resolved), [json!({ "fsGroup": 7 }), Value::Null]);
}

#[test]
fn hardening_leaves_alone_what_a_test_says() {
    let own = security(
        &json!({
            "runAsNonRoot": false,
            "runAsUser": 4711,
            "fsGroup": 7,
            "seccompProfile": { "type": "Unconfined" },
        }),
        &json!({
            "allowPrivilegeEscalation": true,
            "readOnlyRootFilesystem": true,
            "capabilities": { "drop": ["CHOWN"] },
        }),
    );
    let resolved = resolve(Some(&own), PodDefaults::Hardened);
    let own = serde_json::to_value(own).unwrap();
    let [pod, container] = contexts(&resolved);
    assert_eq!(Some(&pod), own.get("podSecurityContext"));
    assert_eq!(Some(&container), own.get("containerSecurityContext"));
}

#[test]
fn hardening_fills_the_gaps_of_what_a_test_says() {
    let own = security(
        &json!({ "fsGroup": 7 }),
        &json!({ "capabilities": { "add": ["NET_BIND_SERVICE"] } }),
    );
    assert_eq!(
        contexts(&resolve(Some(&own), PodDefaults::Hardened)),
        [
            json!({
                "fsGroup": 7,
                "runAsNonRoot": true,
                "runAsUser": 1000,
                "seccompProfile": { "type": "RuntimeDefault" },
            }),
            json!({
                "allowPrivilegeEscalation": false,
                "capabilities": { "add": ["NET_BIND_SERVICE"], "drop": ["ALL"] },
            }),
        ]
    );
}

#[test]
fn hardening_makes_no_context_that_kubernetes_would_refuse() {
    let root = security(&json!({ "runAsUser": 0 }), &Value::Null);
    let [pod, _] = contexts(&resolve(Some(&root), PodDefaults::Hardened));
    assert_eq!(pod.get("runAsNonRoot"), None);
    let container_root = security(&Value::Null, &json!({ "runAsUser": 0 }));
    let [pod, _] = contexts(&resolve(Some(&container_root), PodDefaults::Hardened));
    assert_eq!(pod.get("runAsNonRoot"), None);
    for mighty in [
        json!({ "privileged": true }),
        json!({ "capabilities": { "add": ["SYS_ADMIN"] } }),
        json!({ "capabilities": { "add": ["CAP_SYS_ADMIN"] } }),
    ] {
        let own = security(&Value::Null, &mighty);
        let [_, container] = contexts(&resolve(Some(&own), PodDefaults::Hardened));
        assert_eq!(container.get("allowPrivilegeEscalation"), None, "{mighty}");
    }
}
