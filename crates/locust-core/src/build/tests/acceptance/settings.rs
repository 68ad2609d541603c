//! Checks of what the operator's variables do to objects.

use serde_json::{Value, json};

use super::{at, built, built_with, locust, names, pod};
use crate::settings::from_variables;

#[test]
fn check_22_kafkas_variables_are_first_and_in_order() {
    let variables = [
        ("KAFKA_BOOTSTRAP_SERVERS", "broker:9092"),
        ("KAFKA_SECURITY_ENABLED", "true"),
        ("KAFKA_SECURITY_PROTOCOL_CONFIG", "SASL_SSL"),
        ("KAFKA_SASL_MECHANISM", "PLAIN"),
        ("KAFKA_SASL_JAAS_CONFIG", "jaas"),
        ("KAFKA_USERNAME", "user"),
        ("KAFKA_PASSWORD", "word"),
    ];
    let built = built_with(&json!({}), &variables);
    let expected: Vec<Value> = variables
        .iter()
        .map(|(name, value)| json!({ "name": name, "value": value }))
        .collect();
    for job in built.both() {
        let env = locust(job, "/env").as_array().unwrap();
        assert_eq!(env.get(..7).unwrap(), expected);
    }
}

fn quantities(cpu: &str, memory: &str, storage: &str) -> Value {
    json!({ "cpu": cpu, "memory": memory, "ephemeral-storage": storage })
}

#[test]
fn check_28_resources_have_defaults() {
    for job in built(&json!({})).both() {
        let resources = locust(job, "/resources");
        assert_eq!(
            at(resources, "/requests"),
            &quantities("250m", "128Mi", "30M")
        );
        assert_eq!(at(resources, "/limits"), &quantities("1", "1Gi", "50M"));
    }
}

#[test]
fn check_29_a_role_is_given_one_value_and_keeps_the_others() {
    let built = built_with(&json!({}), &[("MASTER_POD_CPU_REQUEST", "500m")]);
    assert_eq!(
        locust(&built.master, "/resources/requests"),
        &quantities("500m", "128Mi", "30M")
    );
    assert_eq!(
        locust(&built.worker, "/resources/requests"),
        &quantities("250m", "128Mi", "30M")
    );
}

#[test]
fn check_30_a_tests_resources_are_taken_as_they_are() {
    let resources = json!({ "requests": { "cpu": "2", "memory": "2Gi" } });
    let patch = json!({ "spec": { "master": { "resources": resources } } });
    let built = built_with(&patch, &[("MASTER_POD_CPU_REQUEST", "500m")]);
    assert_eq!(locust(&built.master, "/resources"), &resources);
    assert_eq!(
        locust(&built.worker, "/resources/requests"),
        &quantities("250m", "128Mi", "30M")
    );
}

#[test]
fn check_34_the_time_to_live_of_jobs() {
    let ttl = |value: &str| {
        let built = built_with(&json!({}), &[("JOB_TTL_SECONDS_AFTER_FINISHED", value)]);
        let both = built.both();
        both.map(|job| at(job, "/spec/ttlSecondsAfterFinished").clone())
    };
    assert_eq!(ttl("3600"), [json!(3600), json!(3600)]);
    assert_eq!(ttl("0"), [json!(0), json!(0)]);
    assert_eq!(ttl(""), [Value::Null, Value::Null]);
    assert_eq!(ttl("x"), [Value::Null, Value::Null]);
    let bad = [("JOB_TTL_SECONDS_AFTER_FINISHED", "x")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(from_variables(&bad.into()).warnings.len(), 1);
}

#[test]
fn check_35_all_bad_variables_are_named() {
    let bad = [
        ("POD_CPU_REQUEST", "garbage"),
        ("WORKER_POD_MEM_LIMIT", "much"),
        ("DEFAULT_RUNTIME_CLASS_NAME", "gVisor_Sandbox"),
    ];
    let variables = bad.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let errors = from_variables(&variables.into()).errors;
    for (name, _) in bad {
        let told = errors.iter().any(|error| error.to_string().contains(name));
        assert!(told, "{name} is not in {errors:?}");
    }
}

/// Whether the exporter runs beside the master. All that belongs to it is there
/// or none of it is.
fn has_exporter(observability: &Value, enabled: &str) -> bool {
    let patch = json!({ "spec": { "observability": observability } });
    let built = built_with(&patch, &[("METRICS_EXPORTER_ENABLED", enabled)]);
    let ports = names(at(&built.service, "/spec/ports"));
    let parts = [
        !pod(&built.master, "/initContainers").is_null(),
        !at(&built.master, "/spec/template/metadata/annotations").is_null(),
        ports.contains(&"prometheus-metrics"),
    ];
    assert!(
        parts == [true; 3] || parts == [false; 3],
        "{observability} {enabled}: {parts:?}"
    );
    parts == [true; 3]
}

#[test]
fn the_exporter_is_switched_off_by_a_test_or_by_the_operator_and_a_tests_word_counts() {
    let telemetry = json!({ "enabled": true, "endpoint": "http://c:4317" });
    let with = |word: &str| json!({ "metricsExporter": word });
    for (observability, by_default, when_off) in [
        (json!(null), true, false),
        (
            json!({ "openTelemetry": { "enabled": false } }),
            true,
            false,
        ),
        (json!({ "openTelemetry": telemetry }), false, false),
        (with("Enabled"), true, true),
        (with("Disabled"), false, false),
        (
            json!({ "openTelemetry": telemetry, "metricsExporter": "Enabled" }),
            true,
            true,
        ),
    ] {
        for (enabled, expected) in [("", by_default), ("true", by_default), ("false", when_off)] {
            assert_eq!(
                has_exporter(&observability, enabled),
                expected,
                "{observability} {enabled}"
            );
        }
    }
}
