//! Settings from environment variables, with the names, defaults and rules of
//! the Go operator 2.3.0: an empty value counts as unset, a bad boolean or
//! number is a warning, a bad quantity or name ends the start.

mod formats;
mod table;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::{KafkaCredentials, KafkaLiteral, KafkaSecret, Limit, Resources, Settings};
use table::{Place, Side};

pub use table::{Group, Variable, variables};

/// Says of a limit that there is none, and of a key that it is not used.
const NONE: &str = "none";

/// What the variables say.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// The settings, with defaults for all that is unset or bad.
    pub settings: Settings,
    /// What has no effect or is unwise, one line each.
    pub warnings: Vec<String>,
    /// What was bad and has no default: the operator must not start.
    pub errors: Vec<BadValue>,
}

/// A value that ends the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadValue {
    name: String,
    value: String,
    expected: Expected,
}

/// What a value should have been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Quantity,
    DnsSubdomain,
    SecretKey,
}

impl std::fmt::Display for BadValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            name,
            value,
            expected,
        } = self;
        let expected = match expected {
            Expected::Quantity => "a valid Kubernetes quantity",
            Expected::DnsSubdomain => "a DNS-1123 subdomain",
            Expected::SecretKey => "a key of a Secret",
        };
        write!(f, "invalid value for {name}: {value:?} is not {expected}")
    }
}

impl Parsed {
    /// Why the operator must not start: all that is bad, one line each below
    /// the first.
    pub fn refusal(&self) -> Option<String> {
        if self.errors.is_empty() {
            return None;
        }
        let has_quantity = self
            .errors
            .iter()
            .any(|bad| bad.expected == Expected::Quantity);
        let mut text = "invalid operator configuration:".to_owned();
        if has_quantity {
            text.push_str(" resource validation failed:");
        }
        for bad in &self.errors {
            text.push_str(&format!("\n  - {bad}"));
        }
        Some(text)
    }
}

/// Reads the settings. Variables that are not ours are ignored.
pub fn from_variables(given: &BTreeMap<String, String>) -> Parsed {
    let mut draft = Draft::default();
    let mut told = Told::default();
    for variable in variables() {
        if let Some(value) = given.get(&variable.name).filter(|value| !value.is_empty()) {
            put(&mut draft, &variable, value, &mut told);
        }
    }
    let settings = draft.finish(&mut told.warnings);
    let Told { warnings, errors } = told;
    Parsed {
        settings,
        warnings,
        errors,
    }
}

#[derive(Default)]
struct Told {
    warnings: Vec<String>,
    errors: Vec<BadValue>,
}

/// Settings while they are read, with both ways to give Kafka's credentials.
#[derive(Clone, Default)]
struct Draft {
    settings: Settings,
    kafka_literal: KafkaLiteral,
    kafka_secret: Option<String>,
    kafka_keys: Keys,
}

/// Keys of the Secret with Kafka's credentials.
#[derive(Clone, PartialEq, Eq)]
struct Keys {
    sasl_jaas_config: String,
    username: String,
    password: String,
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            sasl_jaas_config: "sasl-jaas-config".to_owned(),
            username: "username".to_owned(),
            password: "password".to_owned(),
        }
    }
}

impl Draft {
    fn finish(self, warnings: &mut Vec<String>) -> Settings {
        let Self {
            mut settings,
            kafka_literal,
            kafka_secret,
            kafka_keys,
        } = self;
        let literals = named(&kafka_literal);
        settings.kafka.credentials = match kafka_secret {
            None => {
                if !literals.is_empty() {
                    warnings.push(format!(
                        "{literals} given as plain text, which stands in every Job of every test: put it into a Secret and name that in KAFKA_CREDENTIALS_SECRET"
                    ));
                }
                if kafka_keys != Keys::default() {
                    warnings.push(
                        "the names of Kafka's keys have no effect: set KAFKA_CREDENTIALS_SECRET to the Secret that has them".to_owned(),
                    );
                }
                KafkaCredentials::Literal(kafka_literal)
            }
            Some(name) => {
                if !literals.is_empty() {
                    warnings.push(format!(
                        "{literals} given but not used, the Secret {name} of KAFKA_CREDENTIALS_SECRET is: remove the plain text"
                    ));
                }
                let Keys {
                    sasl_jaas_config,
                    username,
                    password,
                } = kafka_keys;
                KafkaCredentials::Secret(KafkaSecret {
                    name,
                    sasl_jaas_config_key: Some(sasl_jaas_config).filter(|key| key != NONE),
                    username_key: username,
                    password_key: password,
                })
            }
        };
        settings
    }
}

/// The variables that give these credentials: "KAFKA_USERNAME, KAFKA_PASSWORD".
fn named(literal: &KafkaLiteral) -> String {
    let KafkaLiteral {
        sasl_jaas_config,
        username,
        password,
    } = literal;
    let given = [
        ("KAFKA_SASL_JAAS_CONFIG", sasl_jaas_config),
        ("KAFKA_USERNAME", username),
        ("KAFKA_PASSWORD", password),
    ];
    let names: Vec<&str> = given
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, _)| name)
        .collect();
    names.join(", ")
}

/// Puts a value into its place.
fn put(draft: &mut Draft, variable: &Variable, value: &str, told: &mut Told) {
    let name = &variable.name;
    let unparseable = |kind: &str, instead: &str| {
        format!("WARNING: env var {name} has unparseable {kind} value {value:?}, {instead}")
    };
    let bad = |expected| BadValue {
        name: name.clone(),
        value: value.to_owned(),
        expected,
    };
    match variable.place {
        Place::Quantity { of, side, resource } => {
            if !put_quantity(of(&mut draft.settings), side, resource, value) {
                told.errors.push(bad(Expected::Quantity));
            }
        }
        Place::Text(of) => value.clone_into(of(draft)),
        Place::Boolean(of) => {
            let into = of(draft);
            match formats::boolean(value) {
                Some(boolean) => *into = boolean,
                None => told
                    .warnings
                    .push(unparseable("boolean", &format!("using default {into}"))),
            }
        }
        Place::Number(of) => {
            let into = of(draft);
            match value.parse() {
                Ok(number) => *into = number,
                Err(_) => told
                    .warnings
                    .push(unparseable("int32", &format!("using default {into}"))),
            }
        }
        Place::OptionalNumber(of) => match value.parse() {
            Ok(number) => *of(draft) = Some(number),
            Err(_) => told.warnings.push(unparseable("int32", "ignoring")),
        },
        Place::Name(of) => {
            if !formats::is_dns_subdomain(value) {
                told.errors.push(bad(Expected::DnsSubdomain));
            }
            *of(draft) = Some(value.to_owned());
        }
        Place::Key(of) => {
            if !formats::is_secret_key(value) {
                told.errors.push(bad(Expected::SecretKey));
            }
            value.clone_into(of(draft));
        }
    }
}

/// Returns whether Kubernetes will take the value.
fn put_quantity(into: &mut Resources, side: Side, resource: &str, value: &str) -> bool {
    let resource = resource.to_owned();
    let quantity = Quantity(value.to_owned());
    match side {
        Side::Request => drop(into.requests.insert(resource, quantity)),
        Side::Limit if value == NONE => {
            into.limits.insert(resource, Limit::Unlimited);
            return true;
        }
        Side::Limit => drop(into.limits.insert(resource, Limit::At(quantity))),
    }
    formats::is_quantity(value)
}
