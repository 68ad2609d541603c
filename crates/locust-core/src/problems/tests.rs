//! Each kind of problem by its words. That they are what Kubernetes refuses is
//! shown against a real one, in the operator's integration tests.

use locust_api::latest::LocustTest;
use serde_json::{Value, json};

use super::{in_one_line, problems, warnings};
use crate::settings::Settings;

fn test(change: Value) -> LocustTest {
    let mut object = json!({
        "apiVersion": "locust.io/v2",
        "kind": "LocustTest",
        "metadata": { "name": "demo" },
        "spec": {
            "image": "locust",
            "master": { "command": "" },
            "worker": { "command": "", "replicas": 2 },
        },
    });
    merge(&mut object["spec"], change);
    serde_json::from_value(object).unwrap()
}

fn merge(into: &mut Value, change: Value) {
    if let (true, Value::Object(fields)) = (into.is_object(), &change) {
        for (name, value) in fields {
            merge(&mut into[name], value.clone());
        }
        return;
    }
    *into = change;
}

fn open() -> Settings {
    Settings {
        affinity_injection: true,
        tolerations_injection: true,
        ..Settings::default()
    }
}

#[track_caller]
fn said(change: Value, expected: &[&str]) {
    let found = problems(&test(change), &open());
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}\n{expected}");
    }
}

#[test]
fn a_plain_test_has_no_problem() {
    said(json!({}), &[]);
}

#[test]
fn a_name_stored_before_its_rule_is_a_problem() {
    let mut long = test(json!({}));
    long.metadata.name = Some("n".repeat(57));
    let found = problems(&long, &Settings::default());
    assert_eq!(found[0].field, "metadata.name");
}

#[test]
fn mounts_are_judged_as_each_pod_will_have_them() {
    let volume = |name: &str| json!({"name": name, "emptyDir": {}});
    said(
        json!({
            "testFiles": {"configMapRef": "c"},
            "volumes": [volume("demo-worker")],
            "volumeMounts": [{"name": "demo-worker", "mountPath": "/a", "target": "master"}],
        }),
        &[],
    );
    said(
        json!({
            "testFiles": {"configMapRef": "c"},
            "volumes": [volume("demo-worker")],
            "volumeMounts": [{"name": "demo-worker", "mountPath": "/a", "target": "worker"}],
        }),
        &["spec.volumes: volume name \"demo-worker\" conflicts with operator-generated name"],
    );
    said(
        json!({
            "testFiles": {"configMapRef": "c"},
            "volumes": [volume("v"), volume("w")],
            "volumeMounts": [
                {"name": "v", "mountPath": "/lotest"},
                {"name": "w", "mountPath": "/lotest/src2"},
                {"name": "w", "mountPath": "/lotest/src/a.py", "subPath": "a.py"},
            ],
        }),
        &[],
    );
    said(
        json!({
            "env": {"secretMounts": [{"name": "t", "mountPath": "/t"}, {"name": "u", "mountPath": "/t/./u/"}]},
        }),
        &["spec.env.secretMounts[1].mountPath: \"/t/./u/\" lies inside \"/t\""],
    );
}

#[test]
fn volumes_that_no_mount_names_are_not_looked_at() {
    said(json!({"volumes": [{"name": "A_b"}, {"name": "A_b"}]}), &[]);
    said(
        json!({"volumes": [{"name": "A_b"}], "volumeMounts": [{"name": "A_b", "mountPath": "/a"}]}),
        &[
            "spec.volumes[0].name: must have 1 to 63",
            "spec.volumes[0]: has no source",
        ],
    );
}

#[test]
fn affinity_and_tolerations_count_only_where_they_reach_the_pods() {
    let wrong = json!({"scheduling": {"tolerations": [{"operator": "Equal"}]}});
    said(
        wrong.clone(),
        &["spec.scheduling.tolerations[0].operator: must be Exists without a key"],
    );
    assert_eq!(problems(&test(wrong), &Settings::default()), []);
}

#[test]
fn the_operators_own_settings_are_named_as_such() {
    let mut settings = Settings {
        job_ttl_seconds: Some(-5),
        ..Settings::default()
    };
    settings.exporter.port = 8089;
    let found = problems(&test(json!({})), &settings);
    assert_eq!(
        in_one_line(&found),
        "operator setting JOB_TTL_SECONDS_AFTER_FINISHED: -5 is below 0: the operator's administrator has to change it; \
         operator setting METRICS_EXPORTER_PORT: 8089 is no port that the exporter can have: the operator's administrator has to change it"
    );
    settings.job_ttl_seconds = None;
    let without = json!({"observability": {"metricsExporter": "Disabled"}});
    assert_eq!(problems(&test(without), &settings), []);
}

#[test]
fn many_problems_are_counted_in_one_line() {
    let labels: Value = (0..7)
        .map(|index| (format!("a{index}"), json!(" ")))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let found = problems(&test(json!({"worker": {"labels": labels}})), &open());
    assert!(in_one_line(&found).ends_with("; and 2 more"));
}

#[test]
fn a_label_that_the_operator_replaces_may_have_any_value() {
    let labels = json!({"performance-test-pod-name": "a b", "managed-by": "/c"});
    assert_eq!(
        problems(&test(json!({"master": {"labels": labels}})), &open()),
        []
    );
    said(
        json!({"worker": {"labels": {"app": "a b"}}}),
        &[
            "spec.worker.labels.app: \"a b\" must be empty or at most 63 letters, digits, dashes, underscores and dots, with a letter or digit at both ends",
        ],
    );
}

#[test]
fn a_divisor_is_a_unit_or_zero() {
    let with = |divisor: &str| {
        let source = json!({"resource": "limits.memory", "divisor": divisor});
        json!({"env": {"variables": [{"name": "A", "valueFrom": {"resourceFieldRef": source}}]}})
    };
    for good in ["0", "-0", "0e3", "1.0", "1000m", "1024Ki", "1E"] {
        assert_eq!(problems(&test(with(good)), &open()), [], "{good}");
    }
    for bad in ["+1", "-1", "1e3", "2", "1048576", "1m"] {
        assert_ne!(problems(&test(with(bad)), &open()), [], "{bad}");
    }
}

#[test]
fn what_works_and_may_not_be_meant_is_a_warning() {
    let odd = json!({
        "master": {"extraArgs": ["--users=1", "--master", "--autoquit=5", "--masters"]},
        "worker": {"extraArgs": ["--otel"]},
        "env": {"variables": [{"name": "A"}, {"name": "A"}, {"name": "A"}]},
        "volumes": [{"name": "v", "emptyDir": {}}],
        "volumeMounts": [{"name": "v", "mountPath": "/a"}, {"name": "v", "mountPath": "/a/b"}, {"name": "v", "mountPath": "/ab"}],
    });
    let test = test(odd);
    assert_eq!(problems(&test, &open()), []);
    let said: Vec<String> = warnings(&test).iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "spec.master.extraArgs: User-provided extraArgs override operator-managed flags: --master, --autoquit=5 (user value takes precedence)",
            "spec.worker.extraArgs: User-provided extraArgs override operator-managed flags: --otel (user value takes precedence)",
            "spec.env.variables[1].name: A is set twice: the later value counts",
            "spec.volumeMounts[0].mountPath: \"/a/b\" is mounted inside \"/a\"",
        ]
    );
}

#[test]
fn an_iscsi_volume_with_an_initiator_has_a_short_portal() {
    let volume = |portal: &str, initiator: Value| {
        json!({
            "volumes": [{ "name": "disk", "iscsi": {
                "targetPortal": portal, "iqn": "iqn.2001-04.com.example:a", "lun": 0,
                "initiatorName": initiator,
            } }],
            "volumeMounts": [{ "name": "disk", "mountPath": "/disk" }],
        })
    };
    let (most, more) = ("a".repeat(59), "a".repeat(60));
    let initiator = json!("iqn.2001-04.com.example:b");
    said(volume(&most, initiator.clone()), &[]);
    said(volume(&more, Value::Null), &[]);
    said(
        volume(&more, initiator),
        &["spec.volumes[0].iscsi.targetPortal: must be shorter"],
    );
}

#[test]
fn places_for_results_are_judged_before_a_run() {
    let s3 = |change: Value| {
        let mut place = json!({ "bucket": "archive", "credentialsSecret": "keys" });
        merge(&mut place, change);
        json!({ "results": { "s3": place } })
    };
    for good in [
        json!({}),
        json!({ "prefix": "a/b-c_d.e=f/", "region": "eu-central-1" }),
        json!({ "endpoint": "http://[::1]:9000/" }),
        json!({ "endpoint": "https://minio.example.com:9000" }),
    ] {
        said(s3(good), &[]);
    }
    for (field, wrong) in [
        ("bucket", "a"),
        ("bucket", "a_b"),
        ("prefix", "../b"),
        ("prefix", "a//b"),
        ("prefix", "a b"),
        ("endpoint", "minio:9000"),
        ("endpoint", "https://minio/a"),
        ("endpoint", "https://u:p@minio"),
        ("region", "eu central"),
        ("credentialsSecret", "Keys"),
        ("caBundle", "no certificate"),
    ] {
        let blamed = format!("spec.results.s3.{field}: must ");
        said(s3(json!({ field: wrong })), &[&blamed]);
    }
    let claim = |place: Value| json!({ "results": { "persistentVolumeClaim": place } });
    said(
        claim(json!({ "claimName": "c", "directory": "/a" })),
        &["spec.results.persistentVolumeClaim.directory: must "],
    );
    said(
        claim(json!({ "claimName": "C" })),
        &["spec.results.persistentVolumeClaim.claimName: must "],
    );
    let mut taken = claim(json!({ "claimName": "c" }));
    taken["volumes"] = json!([{ "name": "locust-results", "emptyDir": {} }]);
    said(taken, &["spec.volumes: volume name "]);
}

#[test]
fn a_start_policy_without_a_deadline_is_warned_of() {
    let warned = |change: Value| warnings(&test(change)).len();
    assert_eq!(warned(json!({ "startPolicy": "StartAnyway" })), 1);
    let whole = json!({ "startPolicy": "StartAnyway", "startDeadlineSeconds": 5 });
    assert_eq!(warned(whole), 0);
}
