//! Kafka's variables, with credentials as literals and from a Secret.

use super::*;

/// `NAME=value`, or `NAME<secret/key (optional)`.
fn shown(variables: &[EnvVar]) -> Vec<String> {
    let reference = |variable: &EnvVar| {
        let key = variable.value_from.as_ref()?.secret_key_ref.as_ref()?;
        let SecretKeySelector {
            name,
            key,
            optional,
        } = key;
        Some(format!("{name}/{key} {optional:?}"))
    };
    variables
        .iter()
        .map(|variable| match reference(variable) {
            Some(reference) => format!("{}<{reference}", variable.name),
            None => format!(
                "{}={}",
                variable.name,
                variable.value.as_deref().unwrap_or_default()
            ),
        })
        .collect()
}

fn kafka(credentials: KafkaCredentials) -> Kafka {
    Kafka {
        bootstrap_servers: "kafka:9093".to_owned(),
        security_enabled: true,
        security_protocol: "SASL_SSL".to_owned(),
        sasl_mechanism: "PLAIN".to_owned(),
        credentials,
    }
}

#[test]
fn credentials_of_a_secret_are_references_in_the_same_places() {
    let secret = KafkaSecret {
        name: "kafka-user".to_owned(),
        sasl_jaas_config_key: Some("jaas".to_owned()),
        username_key: "user".to_owned(),
        password_key: "pass".to_owned(),
    };
    let variables = kafka_variables(&kafka(KafkaCredentials::Secret(secret)));
    assert_eq!(
        shown(&variables),
        [
            "KAFKA_BOOTSTRAP_SERVERS=kafka:9093",
            "KAFKA_SECURITY_ENABLED=true",
            "KAFKA_SECURITY_PROTOCOL_CONFIG=SASL_SSL",
            "KAFKA_SASL_MECHANISM=PLAIN",
            "KAFKA_SASL_JAAS_CONFIG<kafka-user/jaas Some(false)",
            "KAFKA_USERNAME<kafka-user/user Some(false)",
            "KAFKA_PASSWORD<kafka-user/pass Some(false)",
        ]
    );
}

#[test]
fn a_secret_without_jaas_leaves_that_variable_empty() {
    let secret = KafkaSecret {
        name: "kafka-user".to_owned(),
        sasl_jaas_config_key: None,
        username_key: "user".to_owned(),
        password_key: "pass".to_owned(),
    };
    let variables = kafka_variables(&kafka(KafkaCredentials::Secret(secret)));
    assert_eq!(
        shown(variables.get(4..5).unwrap()),
        ["KAFKA_SASL_JAAS_CONFIG="]
    );
}

#[test]
fn literal_credentials_are_values_in_the_order_of_the_go_operator() {
    let literal = KafkaLiteral {
        sasl_jaas_config: "module".to_owned(),
        username: "alice".to_owned(),
        password: "secret".to_owned(),
    };
    let variables = kafka_variables(&kafka(KafkaCredentials::Literal(literal)));
    assert_eq!(
        shown(variables.get(4..).unwrap()),
        [
            "KAFKA_SASL_JAAS_CONFIG=module",
            "KAFKA_USERNAME=alice",
            "KAFKA_PASSWORD=secret",
        ]
    );
}
