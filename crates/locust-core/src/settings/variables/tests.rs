//! Tests of reading settings from variables.

use locust_api::names::Role;

use super::formats::is_quantity;
use super::*;
use crate::build::resources;

fn read(variables: &[(&str, &str)]) -> Parsed {
    let variables = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    from_variables(&variables)
}

#[test]
fn nothing_set_means_the_defaults_and_so_do_empty_values() {
    let nothing = read(&[]);
    assert_eq!(nothing.settings, Settings::default());
    assert_eq!(
        read(&[("POD_CPU_LIMIT", ""), ("KAFKA_USERNAME", "")]),
        nothing
    );
}

#[test]
fn a_bad_boolean_or_number_is_a_warning_and_keeps_the_default() {
    let parsed = read(&[
        ("ENABLE_AFFINITY_CR_INJECTION", "yes"),
        ("METRICS_EXPORTER_PORT", "ninety"),
        ("JOB_TTL_SECONDS_AFTER_FINISHED", "2.592e+06"),
    ]);
    assert_eq!(parsed.settings, Settings::default());
    assert_eq!(
        parsed.warnings,
        [
            "WARNING: env var METRICS_EXPORTER_PORT has unparseable int32 value \"ninety\", using default 9646",
            "WARNING: env var JOB_TTL_SECONDS_AFTER_FINISHED has unparseable int32 value \"2.592e+06\", ignoring",
            "WARNING: env var ENABLE_AFFINITY_CR_INJECTION has unparseable boolean value \"yes\", using default false",
        ]
    );
    assert_eq!(parsed.refusal(), None);
}

#[test]
fn booleans_and_numbers_are_those_of_go() {
    for word in ["1", "t", "T", "true", "TRUE", "True"] {
        let parsed = read(&[("KAFKA_SECURITY_ENABLED", word)]);
        assert!(parsed.settings.kafka.security_enabled, "{word}");
    }
    for word in ["0", "f", "F", "false", "FALSE", "False"] {
        let parsed = read(&[("KAFKA_SECURITY_ENABLED", word)]);
        assert!(!parsed.settings.kafka.security_enabled, "{word}");
        assert_eq!(parsed.warnings, [""; 0], "{word}");
    }
    let ttl = |value| {
        read(&[("JOB_TTL_SECONDS_AFTER_FINISHED", value)])
            .settings
            .job_ttl_seconds
    };
    assert_eq!(ttl("-5"), Some(-5));
    assert_eq!(ttl("+5"), Some(5));
    assert_eq!(ttl("2147483647"), Some(i32::MAX));
    assert_eq!(ttl("2147483648"), None);
}

#[test]
fn all_bad_quantities_and_names_are_told_at_once() {
    let parsed = read(&[
        ("POD_CPU_REQUEST", "garbage"),
        ("WORKER_POD_MEM_LIMIT", "1 Gi"),
        ("METRICS_EXPORTER_EPHEMERAL_REQUEST", "none"),
        ("DEFAULT_RUNTIME_CLASS_NAME", "gVisor_Sandbox"),
        ("KAFKA_CREDENTIALS_SECRET", "-kafka"),
        ("KAFKA_USERNAME_KEY", "user name"),
    ]);
    let lines = [
        "invalid operator configuration: resource validation failed:",
        "  - invalid value for POD_CPU_REQUEST: \"garbage\" is not a valid Kubernetes quantity",
        "  - invalid value for WORKER_POD_MEM_LIMIT: \"1 Gi\" is not a valid Kubernetes quantity",
        "  - invalid value for METRICS_EXPORTER_EPHEMERAL_REQUEST: \"none\" is not a valid Kubernetes quantity",
        "  - invalid value for DEFAULT_RUNTIME_CLASS_NAME: \"gVisor_Sandbox\" is not a DNS-1123 subdomain",
        "  - invalid value for KAFKA_CREDENTIALS_SECRET: \"-kafka\" is not a DNS-1123 subdomain",
        "  - invalid value for KAFKA_USERNAME_KEY: \"user name\" is not a key of a Secret",
    ];
    assert_eq!(parsed.refusal().unwrap(), lines.join("\n"));
}

#[test]
fn a_bad_name_alone_is_not_called_a_resource() {
    let long = "a".repeat(254);
    for name in ["-gvisor", "gvisor ", "g_visor", "gVisor", long.as_str()] {
        let refusal = read(&[("DEFAULT_RUNTIME_CLASS_NAME", name)]).refusal();
        let expected = format!(
            "invalid operator configuration:\n  - invalid value for DEFAULT_RUNTIME_CLASS_NAME: \"{name}\" is not a DNS-1123 subdomain"
        );
        assert_eq!(refusal, Some(expected));
    }
}

#[test]
fn none_takes_a_limit_away_and_no_request() {
    let parsed = read(&[
        ("POD_CPU_LIMIT", "none"),
        ("WORKER_POD_MEM_LIMIT", "none"),
        ("METRICS_EXPORTER_CPU_LIMIT", "none"),
    ]);
    assert_eq!(parsed.refusal(), None);
    let limits = |resources: k8s_openapi::api::core::v1::ResourceRequirements| {
        let limits = resources.limits.unwrap_or_default();
        limits.into_keys().collect::<Vec<_>>()
    };
    let locust = |role| limits(resources::locust(None, role, &parsed.settings.resources));
    assert_eq!(locust(Role::Master), ["ephemeral-storage", "memory"]);
    assert_eq!(locust(Role::Worker), ["ephemeral-storage"]);
    let exporter = resources::requirements(&parsed.settings.exporter.resources);
    assert_eq!(limits(exporter), ["ephemeral-storage", "memory"]);
}

#[test]
fn a_role_may_have_a_limit_where_both_have_none() {
    let parsed = read(&[("POD_CPU_LIMIT", "none"), ("MASTER_POD_CPU_LIMIT", "2")]);
    let resources = |role| {
        let resources = resources::locust(None, role, &parsed.settings.resources);
        resources.limits.unwrap_or_default().get("cpu").cloned()
    };
    assert_eq!(resources(Role::Master), Some(Quantity("2".to_owned())));
    assert_eq!(resources(Role::Worker), None);
}

#[test]
fn credentials_as_plain_text_are_taken_with_one_warning() {
    let parsed = read(&[("KAFKA_USERNAME", "alice"), ("KAFKA_PASSWORD", "hush")]);
    let literal = KafkaLiteral {
        sasl_jaas_config: String::new(),
        username: "alice".to_owned(),
        password: "hush".to_owned(),
    };
    assert_eq!(
        parsed.settings.kafka.credentials,
        KafkaCredentials::Literal(literal)
    );
    assert_eq!(
        parsed.warnings,
        [
            "KAFKA_USERNAME, KAFKA_PASSWORD given as plain text, which stands in every Job of every test: put it into a Secret and name that in KAFKA_CREDENTIALS_SECRET"
        ]
    );
}

#[test]
fn a_secret_takes_the_place_of_plain_text() {
    let parsed = read(&[
        ("KAFKA_CREDENTIALS_SECRET", "kafka-user"),
        ("KAFKA_PASSWORD_KEY", "pass"),
        ("KAFKA_SASL_JAAS_CONFIG_KEY", "none"),
        ("KAFKA_PASSWORD", "hush"),
    ]);
    let secret = KafkaSecret {
        name: "kafka-user".to_owned(),
        sasl_jaas_config_key: None,
        username_key: "username".to_owned(),
        password_key: "pass".to_owned(),
    };
    assert_eq!(
        parsed.settings.kafka.credentials,
        KafkaCredentials::Secret(secret)
    );
    assert_eq!(
        parsed.warnings,
        [
            "KAFKA_PASSWORD given but not used, the Secret kafka-user of KAFKA_CREDENTIALS_SECRET is: remove the plain text"
        ]
    );
}

#[test]
fn keys_without_their_secret_are_said_to_have_no_effect() {
    let parsed = read(&[("KAFKA_USERNAME_KEY", "user")]);
    assert_eq!(parsed.settings, Settings::default());
    assert_eq!(
        parsed.warnings,
        [
            "the names of Kafka's keys have no effect: set KAFKA_CREDENTIALS_SECRET to the Secret that has them"
        ]
    );
}

/// Every variable of the Go operator is here, with its default, and ours.
#[test]
fn names_and_defaults_are_those_of_the_go_operator() {
    let table: Vec<String> = variables()
        .iter()
        .filter(|variable| !variable.name.contains("_POD_"))
        .map(|variable| format!("{}={}", variable.name, variable.default()))
        .collect();
    assert_eq!(
        table,
        [
            "POD_CPU_REQUEST=250m",
            "POD_CPU_LIMIT=1",
            "POD_MEM_REQUEST=128Mi",
            "POD_MEM_LIMIT=1Gi",
            "POD_EPHEMERAL_REQUEST=30M",
            "POD_EPHEMERAL_LIMIT=50M",
            "METRICS_EXPORTER_CPU_REQUEST=250m",
            "METRICS_EXPORTER_CPU_LIMIT=1",
            "METRICS_EXPORTER_MEM_REQUEST=128Mi",
            "METRICS_EXPORTER_MEM_LIMIT=1Gi",
            "METRICS_EXPORTER_EPHEMERAL_REQUEST=30M",
            "METRICS_EXPORTER_EPHEMERAL_LIMIT=50M",
            "METRICS_EXPORTER_ENABLED=true",
            "METRICS_EXPORTER_IMAGE=containersol/locust_exporter:v0.5.0",
            "METRICS_EXPORTER_IMAGE_PULL_POLICY=Always",
            "METRICS_EXPORTER_PORT=9646",
            "JOB_TTL_SECONDS_AFTER_FINISHED=",
            "ENABLE_AFFINITY_CR_INJECTION=false",
            "ENABLE_TAINT_TOLERATIONS_CR_INJECTION=false",
            "DEFAULT_RUNTIME_CLASS_NAME=",
            concat!(
                "RESULTS_IMAGE=lotest/locust-k8s-operator:",
                env!("CARGO_PKG_VERSION")
            ),
            "KAFKA_BOOTSTRAP_SERVERS=localhost:9092",
            "KAFKA_SECURITY_ENABLED=false",
            "KAFKA_SECURITY_PROTOCOL_CONFIG=SASL_PLAINTEXT",
            "KAFKA_SASL_MECHANISM=SCRAM-SHA-512",
            "KAFKA_SASL_JAAS_CONFIG=",
            "KAFKA_USERNAME=",
            "KAFKA_PASSWORD=",
            "KAFKA_CREDENTIALS_SECRET=",
            "KAFKA_USERNAME_KEY=username",
            "KAFKA_PASSWORD_KEY=password",
            "KAFKA_SASL_JAAS_CONFIG_KEY=sasl-jaas-config",
        ]
    );
    let of_roles: Vec<Variable> = variables()
        .into_iter()
        .filter(|variable| variable.name.contains("_POD_"))
        .collect();
    assert_eq!(of_roles.len(), 12);
    assert!(
        of_roles
            .iter()
            .all(|variable| variable.default().is_empty())
    );
}

/// A value in the wrong place would be seen: each variable changes the
/// settings, and no two change them alike.
#[test]
fn every_variable_has_a_place_of_its_own() {
    let secret = ("KAFKA_CREDENTIALS_SECRET", "kafka");
    let mut seen: Vec<(String, Settings)> = Vec::new();
    for variable in variables() {
        let value = match variable.kind() {
            "boolean" if variable.default() == "true" => "false",
            "boolean" => "true",
            "number" | "quantity" | "quantity or `none`" => "7",
            _ => "seven",
        };
        let name = variable.name.as_str();
        let settings = match name.ends_with("_KEY") {
            true => read(&[secret, (name, value)]).settings,
            false => read(&[(name, value)]).settings,
        };
        assert_ne!(settings, Settings::default(), "{name}");
        for (other, others) in &seen {
            assert_ne!(&settings, others, "{name} and {other}");
        }
        seen.push((variable.name, settings));
    }
}

#[test]
fn a_value_of_a_role_stands_beside_that_for_both() {
    let parsed = read(&[
        ("MASTER_POD_CPU_REQUEST", "500m"),
        ("JOB_TTL_SECONDS_AFTER_FINISHED", "0"),
    ]);
    let master = &parsed.settings.resources.master;
    assert_eq!(
        master.requests.get("cpu"),
        Some(&Quantity("500m".to_owned()))
    );
    assert_eq!(
        parsed.settings.resources.both,
        Settings::default().resources.both
    );
    assert_eq!(parsed.settings.job_ttl_seconds, Some(0));
}

#[test]
fn quantities_are_those_of_kubernetes() {
    for good in [
        "1", "0.5", ".5", "1.", "100m", "1Gi", "30M", "1e3", "1E-3", "-1", "+2Ki", "5E",
    ] {
        assert!(is_quantity(good), "{good}");
    }
    for bad in [
        "", ".", "1 Gi", "1gi", "1.2.3", "e3", "1e", "0x1", "1KiB", "m",
    ] {
        assert!(!is_quantity(bad), "{bad}");
    }
}
