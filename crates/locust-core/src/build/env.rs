//! The environment of the Locust containers, the same for both roles.

use k8s_openapi::api::core::v1::{
    ConfigMapEnvSource, EnvFromSource, EnvVar, EnvVarSource, SecretEnvSource, SecretKeySelector,
};
use locust_api::latest::{ConfigMapEnv, Env, OpenTelemetry, SecretEnv};

use crate::resolve::Telemetry;
use crate::settings::{Kafka, KafkaCredentials, KafkaLiteral, KafkaSecret};

/// Single variables: Kafka's, then OpenTelemetry's, then the user's. Kubernetes
/// takes the last of equal names, so the user's win.
pub fn variables(kafka: &Kafka, telemetry: Telemetry<'_>, env: Option<&Env>) -> Vec<EnvVar> {
    let mut variables = kafka_variables(kafka);
    if let Some(telemetry) = telemetry {
        variables.extend(telemetry_variables(telemetry));
    }
    if let Some(own) = env.and_then(|env| env.variables.as_ref()) {
        variables.extend(own.iter().cloned());
    }
    variables
}

/// ConfigMaps, then Secrets, whose keys become variables.
pub fn sources(env: Option<&Env>) -> Vec<EnvFromSource> {
    let config_maps = env
        .and_then(|env| env.config_map_refs.as_deref())
        .unwrap_or_default()
        .iter()
        .map(|ConfigMapEnv { name, prefix }| EnvFromSource {
            config_map_ref: Some(ConfigMapEnvSource {
                name: name.clone(),
                optional: None,
            }),
            prefix: prefix.clone(),
            ..Default::default()
        });
    let secrets = env
        .and_then(|env| env.secret_refs.as_deref())
        .unwrap_or_default()
        .iter()
        .map(|SecretEnv { name, prefix }| EnvFromSource {
            secret_ref: Some(SecretEnvSource {
                name: name.clone(),
                optional: None,
            }),
            prefix: prefix.clone(),
            ..Default::default()
        });
    config_maps.chain(secrets).collect()
}

/// The seven that every container gets, in the order of the Go operator.
fn kafka_variables(kafka: &Kafka) -> Vec<EnvVar> {
    let Kafka {
        bootstrap_servers,
        security_enabled,
        security_protocol,
        sasl_mechanism,
        credentials,
    } = kafka;
    let mut variables = vec![
        variable("KAFKA_BOOTSTRAP_SERVERS", bootstrap_servers),
        variable("KAFKA_SECURITY_ENABLED", &security_enabled.to_string()),
        variable("KAFKA_SECURITY_PROTOCOL_CONFIG", security_protocol),
        variable("KAFKA_SASL_MECHANISM", sasl_mechanism),
    ];
    variables.extend(credential_variables(credentials));
    variables
}

fn credential_variables(credentials: &KafkaCredentials) -> [EnvVar; 3] {
    match credentials {
        KafkaCredentials::Literal(KafkaLiteral {
            sasl_jaas_config,
            username,
            password,
        }) => [
            variable("KAFKA_SASL_JAAS_CONFIG", sasl_jaas_config),
            variable("KAFKA_USERNAME", username),
            variable("KAFKA_PASSWORD", password),
        ],
        KafkaCredentials::Secret(KafkaSecret {
            name,
            sasl_jaas_config_key,
            username_key,
            password_key,
        }) => [
            match sasl_jaas_config_key {
                Some(key) => secret_variable("KAFKA_SASL_JAAS_CONFIG", name, key),
                None => variable("KAFKA_SASL_JAAS_CONFIG", ""),
            },
            secret_variable("KAFKA_USERNAME", name, username_key),
            secret_variable("KAFKA_PASSWORD", name, password_key),
        ],
    }
}

fn telemetry_variables(telemetry: &OpenTelemetry) -> Vec<EnvVar> {
    let OpenTelemetry {
        enabled: _,
        endpoint,
        protocol,
        insecure,
        extra_env_vars,
    } = telemetry;
    let mut variables = vec![
        variable("OTEL_TRACES_EXPORTER", "otlp"),
        variable("OTEL_METRICS_EXPORTER", "otlp"),
    ];
    if let Some(endpoint) = endpoint.as_deref().filter(|endpoint| !endpoint.is_empty()) {
        variables.push(variable("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint));
    }
    variables.push(variable("OTEL_EXPORTER_OTLP_PROTOCOL", protocol.as_str()));
    if *insecure {
        variables.push(variable("OTEL_EXPORTER_OTLP_INSECURE", "true"));
    }
    variables.extend(
        extra_env_vars
            .iter()
            .flatten()
            .map(|(name, value)| variable(name, value)),
    );
    variables
}

pub(super) fn variable(name: &str, value: &str) -> EnvVar {
    EnvVar {
        name: name.to_owned(),
        value: Some(value.to_owned()),
        value_from: None,
    }
}

/// Not optional: a pod without its credentials would load the target wrongly,
/// so that it rather does not start, and says which key it misses.
fn secret_variable(name: &str, secret: &str, key: &str) -> EnvVar {
    EnvVar {
        name: name.to_owned(),
        value: None,
        value_from: Some(EnvVarSource {
            secret_key_ref: Some(SecretKeySelector {
                name: secret.to_owned(),
                key: key.to_owned(),
                optional: Some(false),
            }),
            ..Default::default()
        }),
    }
}

#[cfg(test)]
mod tests;
