//! Checks of the objects and their pods.

use serde_json::{Value, json};

use super::{args, at, built, built_with, locust, names, pod};

/// Deviation: the Service has labels and a last port for the web UI.
#[test]
fn check_02_the_service_selects_the_master() {
    let service = built(&json!({})).service;
    assert_eq!(
        at(&service, "/spec/selector"),
        &json!({ "performance-test-pod-name": "t-master" })
    );
    assert_eq!(
        names(at(&service, "/spec/ports")),
        ["port5557", "port5558", "prometheus-metrics", "web"]
    );
    assert_eq!(at(&service, "/spec/ports/2/port"), 9646);
    assert_eq!(at(&service, "/spec/ports/3/port"), 8089);
}

#[test]
fn check_03_the_exporters_port_is_the_same_everywhere() {
    let built = built_with(&json!({}), &[("METRICS_EXPORTER_PORT", "9000")]);
    assert_eq!(at(&built.service, "/spec/ports/2/port"), 9000);
    let exporter = pod(&built.master, "/initContainers/0");
    assert_eq!(at(exporter, "/ports/0/containerPort"), 9000);
    assert_eq!(at(exporter, "/env/1/value"), ":9000");
    let annotations = at(&built.master, "/spec/template/metadata/annotations");
    assert_eq!(at(annotations, "/prometheus.io~1port"), "9000");
}

#[test]
fn check_04_every_child_has_one_owner() {
    let built = built(&json!({}));
    for child in [&built.service, &built.master, &built.worker] {
        assert_eq!(
            at(child, "/metadata/ownerReferences"),
            &json!([{
                "apiVersion": "locust.io/v2",
                "kind": "LocustTest",
                "name": "t",
                "uid": "u",
                "controller": true,
                "blockOwnerDeletion": true,
            }])
        );
    }
}

/// Deviation: the workers' Job survives the crash of single workers.
#[test]
fn check_05_jobs_are_run_once() {
    let built = built(&json!({}));
    for (job, parallelism, backoff) in [(&built.master, 1, 0), (&built.worker, 3, 6)] {
        assert_eq!(at(job, "/spec/parallelism"), parallelism);
        assert_eq!(at(job, "/spec/backoffLimit"), backoff);
        assert!(at(job, "/spec/completions").is_null());
        assert_eq!(pod(job, "/restartPolicy"), "Never");
    }
}

#[test]
fn check_17_the_exporter_is_a_hardened_sidecar_of_the_master_alone() {
    let built = built(&json!({}));
    let exporter = pod(&built.master, "/initContainers/0");
    assert_eq!(at(exporter, "/name"), "locust-metrics-exporter");
    assert_eq!(at(exporter, "/restartPolicy"), "Always");
    assert_eq!(
        at(exporter, "/securityContext"),
        &json!({
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "capabilities": { "drop": ["ALL"] },
        })
    );
    assert_eq!(
        at(exporter, "/env"),
        &json!([
            { "name": "LOCUST_EXPORTER_URI", "value": "http://localhost:8089" },
            { "name": "LOCUST_EXPORTER_WEB_LISTEN_ADDRESS", "value": ":9646" },
        ])
    );
    assert!(pod(&built.worker, "/initContainers").is_null());
}

#[test]
fn check_18_pods_are_labelled() {
    let built = built(&json!({}));
    for (job, name) in [(&built.master, "t-master"), (&built.worker, "t-worker")] {
        assert_eq!(
            at(job, "/spec/template/metadata/labels"),
            &json!({
                "app": "t",
                "performance-test-name": "t",
                "performance-test-pod-name": name,
                "managed-by": "locust-k8s-operator",
            })
        );
    }
}

#[test]
fn check_19_labels_that_objects_find_each_other_by_are_protected() {
    let labels = json!({ "managed-by": "me", "performance-test-pod-name": "x", "team": "a" });
    let built = built(&json!({ "spec": { "worker": { "labels": labels } } }));
    let labels = at(&built.worker, "/spec/template/metadata/labels");
    assert_eq!(at(labels, "/team"), "a");
    assert_eq!(at(labels, "/managed-by"), "locust-k8s-operator");
    assert_eq!(at(labels, "/performance-test-pod-name"), "t-worker");
}

#[test]
fn check_20_a_users_annotation_wins() {
    let annotations = json!({ "prometheus.io/scrape": "false" });
    let built = built(&json!({ "spec": { "master": { "annotations": annotations } } }));
    let annotations = at(&built.master, "/spec/template/metadata/annotations");
    assert_eq!(at(annotations, "/prometheus.io~1scrape"), "false");
    assert_eq!(at(annotations, "/prometheus.io~1path"), "/metrics");
}

#[test]
fn check_21_dots_in_a_name_become_dashes_in_those_of_objects() {
    let built = built(&json!({ "metadata": { "name": "team-a.load.test" } }));
    assert_eq!(
        at(&built.service, "/metadata/name"),
        "team-a-load-test-master"
    );
    assert_eq!(
        at(&built.worker, "/metadata/name"),
        "team-a-load-test-worker"
    );
    let host = "--master-host=team-a-load-test-master";
    assert!(args(&built.worker).contains(&host));
    let labels = at(&built.worker, "/spec/template/metadata/labels");
    assert_eq!(at(labels, "/app"), "team-a.load.test");
}

#[test]
fn check_23_a_tests_variables_come_after_the_operators() {
    let env = json!({
        "variables": [
            { "name": "PLAIN", "value": "1" },
            { "name": "REF", "valueFrom": { "secretKeyRef": { "name": "s", "key": "k" } } },
        ],
        "configMapRefs": [{ "name": "c", "prefix": "C_" }],
        "secretRefs": [{ "name": "s" }],
    });
    let built = built(&json!({ "spec": { "env": env } }));
    for job in built.both() {
        let names = names(locust(job, "/env"));
        assert!(names.first().unwrap().starts_with("KAFKA_"));
        let [.., plain, reference] = names.as_slice() else {
            panic!("{names:?}");
        };
        assert_eq!([*plain, *reference], ["PLAIN", "REF"]);
        assert_eq!(
            locust(job, "/envFrom"),
            &json!([
                { "configMapRef": { "name": "c" }, "prefix": "C_" },
                { "secretRef": { "name": "s" } },
            ])
        );
    }
}

#[test]
fn check_24_a_secret_mount_is_read_only_unless_it_is_not() {
    let mounts = json!([
        { "name": "tls-certs", "mountPath": "/etc/certs" },
        { "name": "free", "mountPath": "/free", "readOnly": false },
    ]);
    let built = built(&json!({ "spec": { "env": { "secretMounts": mounts } } }));
    for job in built.both() {
        let volumes = pod(job, "/volumes");
        assert_eq!(at(volumes, "/1/name"), "secret-tls-certs");
        assert_eq!(at(volumes, "/1/secret/secretName"), "tls-certs");
        let mounts = locust(job, "/volumeMounts");
        assert_eq!(
            at(mounts, "/1"),
            &json!({ "name": "secret-tls-certs", "mountPath": "/etc/certs", "readOnly": true })
        );
        assert_eq!(
            at(mounts, "/2"),
            &json!({ "name": "secret-free", "mountPath": "/free" })
        );
    }
}

#[test]
fn check_25_libraries_are_mounted_where_the_test_says() {
    let mounts = |files: Value| {
        let built = built(&json!({ "spec": { "testFiles": files } }));
        let mounts = locust(&built.worker, "/volumeMounts")
            .as_array()
            .unwrap()
            .clone();
        let mounts = mounts.iter().map(|mount| {
            let text = |path| at(mount, path).as_str().unwrap().to_owned();
            (text("/name"), text("/mountPath"))
        });
        mounts.collect::<Vec<_>>()
    };
    let pair = |name: &str, path: &str| (name.to_owned(), path.to_owned());
    assert_eq!(
        mounts(json!({ "libConfigMapRef": "lib" })),
        [
            pair("t-worker", "/lotest/src"),
            pair("locust-lib", "/opt/locust/lib")
        ]
    );
    assert_eq!(
        mounts(
            json!({ "libConfigMapRef": "lib", "libMountPath": "/lib2", "srcMountPath": "/src2" })
        ),
        [pair("t-worker", "/src2"), pair("locust-lib", "/lib2")]
    );
}

#[test]
fn check_26_without_files_there_are_no_volumes() {
    let built = built(&json!({ "spec": { "testFiles": null } }));
    for job in built.both() {
        assert!(pod(job, "/volumes").is_null());
        assert!(locust(job, "/volumeMounts").is_null());
    }
}

#[test]
fn check_27_a_role_has_only_the_volumes_it_mounts() {
    let volume = |name: &str| json!({ "name": name, "emptyDir": {} });
    let patch = json!({ "spec": {
        "testFiles": null,
        "volumes": [volume("m"), volume("w"), volume("b"), volume("unused")],
        "volumeMounts": [
            { "name": "m", "mountPath": "/m", "target": "master" },
            { "name": "w", "mountPath": "/w", "target": "worker" },
            { "name": "b", "mountPath": "/b", "target": "both" },
            { "name": "b", "mountPath": "/b2" },
        ],
    } });
    let built = built(&patch);
    assert_eq!(names(pod(&built.master, "/volumes")), ["m", "b"]);
    assert_eq!(names(pod(&built.worker, "/volumes")), ["w", "b"]);
    assert_eq!(
        names(locust(&built.master, "/volumeMounts")),
        ["m", "b", "b"]
    );
    assert_eq!(
        names(locust(&built.worker, "/volumeMounts")),
        ["w", "b", "b"]
    );
    assert!(!built.master.to_string().contains("target"));
}

#[test]
fn check_31_scheduling_is_gated_but_for_the_node_selector() {
    let scheduling = json!({
        "affinity": { "nodeAffinity": { "preferredDuringSchedulingIgnoredDuringExecution": [] } },
        "tolerations": [{ "key": "spot", "operator": "Exists" }],
        "nodeSelector": { "disk": "ssd" },
    });
    let patch = json!({ "spec": { "scheduling": scheduling } });
    let on = [
        ("ENABLE_AFFINITY_CR_INJECTION", "true"),
        ("ENABLE_TAINT_TOLERATIONS_CR_INJECTION", "true"),
    ];
    for job in built(&patch).both() {
        assert!(pod(job, "/affinity").is_null());
        assert!(pod(job, "/tolerations").is_null());
        assert_eq!(pod(job, "/nodeSelector/disk"), "ssd");
    }
    for job in built_with(&patch, &on).both() {
        assert!(pod(job, "/affinity/nodeAffinity").is_object());
        assert_eq!(pod(job, "/tolerations/0/key"), "spot");
        assert_eq!(pod(job, "/nodeSelector/disk"), "ssd");
    }
}

#[test]
fn check_32_a_runtime_class_is_the_tests_or_the_operators_or_none() {
    let class = |given: Option<&str>, default: &str| {
        let patch = match given {
            Some(given) => json!({ "spec": { "scheduling": { "runtimeClassName": given } } }),
            None => json!({}),
        };
        let built = built_with(&patch, &[("DEFAULT_RUNTIME_CLASS_NAME", default)]);
        built
            .both()
            .map(|job| pod(job, "/runtimeClassName").clone())
    };
    assert_eq!(class(Some("gvisor"), "kata"), ["gvisor", "gvisor"]);
    assert_eq!(class(None, "kata"), ["kata", "kata"]);
    assert_eq!(class(Some(""), "kata"), [Value::Null, Value::Null]);
    assert_eq!(class(None, ""), [Value::Null, Value::Null]);
}

#[test]
fn check_33_security_contexts_replace_the_default() {
    let default = json!({ "seccompProfile": { "type": "RuntimeDefault" } });
    let plain = built(&json!({}));
    assert_eq!(pod(&plain.worker, "/securityContext"), &default);
    assert!(locust(&plain.worker, "/securityContext").is_null());

    let own = json!({ "podSecurityContext": { "runAsUser": 7 } });
    let replaced = built(&json!({ "spec": { "security": own } }));
    assert_eq!(
        pod(&replaced.master, "/securityContext"),
        &json!({ "runAsUser": 7 })
    );

    let own = json!({ "containerSecurityContext": { "runAsNonRoot": true } });
    let container = built(&json!({ "spec": { "security": own } }));
    assert_eq!(pod(&container.master, "/securityContext"), &default);
    assert_eq!(
        locust(&container.master, "/securityContext/runAsNonRoot"),
        true
    );
    let exporter = pod(&container.master, "/initContainers/0/securityContext");
    assert!(at(exporter, "/runAsNonRoot").is_null());
}

#[test]
fn check_36_pull_secrets_keep_their_order() {
    let patch = json!({ "spec": { "imagePullSecrets": [{ "name": "b" }, { "name": "a" }] } });
    for job in built(&patch).both() {
        assert_eq!(names(pod(job, "/imagePullSecrets")), ["b", "a"]);
        assert_eq!(locust(job, "/imagePullPolicy"), "IfNotPresent");
    }
}
