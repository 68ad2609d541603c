//! Settings from environment variables, with the names, defaults and rules of
//! the Go operator 2.3.0: an empty value counts as unset, a bad boolean or
//! number is a warning, a bad quantity or name ends the start.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::{Resources, Settings};

/// What the variables say.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// The settings, with defaults for all that is unset or bad.
    pub settings: Settings,
    /// What was bad and has a default, one line each.
    pub warnings: Vec<String>,
    /// What was bad and has none, one line each: the operator must not start.
    pub errors: Vec<String>,
}

/// Reads the settings. Variables that are not ours are ignored.
pub fn from_variables(variables: &BTreeMap<String, String>) -> Parsed {
    let mut reader = Reader {
        variables,
        warnings: Vec::new(),
        errors: Vec::new(),
    };
    let settings = reader.settings(Settings::default());
    Parsed {
        settings,
        warnings: reader.warnings,
        errors: reader.errors,
    }
}

/// Resource names, and how variables spell them.
const RESOURCES: [(&str, &str); 3] = [
    ("cpu", "CPU"),
    ("memory", "MEM"),
    ("ephemeral-storage", "EPHEMERAL"),
];

struct Reader<'a> {
    variables: &'a BTreeMap<String, String>,
    warnings: Vec<String>,
    errors: Vec<String>,
}

impl Reader<'_> {
    fn settings(&mut self, default: Settings) -> Settings {
        let Settings {
            job_ttl_seconds: _,
            mut resources,
            mut exporter,
            mut kafka,
            affinity_injection,
            tolerations_injection,
            default_runtime_class: _,
            pod_grace,
        } = default;
        self.resources("POD", &mut resources.both);
        self.resources("MASTER_POD", &mut resources.master);
        self.resources("WORKER_POD", &mut resources.worker);
        self.resources("METRICS_EXPORTER", &mut exporter.resources);
        self.text("METRICS_EXPORTER_IMAGE", &mut exporter.image);
        self.text(
            "METRICS_EXPORTER_IMAGE_PULL_POLICY",
            &mut exporter.pull_policy,
        );
        exporter.port = self.number("METRICS_EXPORTER_PORT", exporter.port);
        self.text("KAFKA_BOOTSTRAP_SERVERS", &mut kafka.bootstrap_servers);
        self.text(
            "KAFKA_SECURITY_PROTOCOL_CONFIG",
            &mut kafka.security_protocol,
        );
        self.text("KAFKA_SASL_MECHANISM", &mut kafka.sasl_mechanism);
        self.text("KAFKA_SASL_JAAS_CONFIG", &mut kafka.sasl_jaas_config);
        self.text("KAFKA_USERNAME", &mut kafka.username);
        self.text("KAFKA_PASSWORD", &mut kafka.password);
        kafka.security_enabled = self.boolean("KAFKA_SECURITY_ENABLED", kafka.security_enabled);
        Settings {
            job_ttl_seconds: self.optional_number("JOB_TTL_SECONDS_AFTER_FINISHED"),
            resources,
            exporter,
            kafka,
            affinity_injection: self.boolean("ENABLE_AFFINITY_CR_INJECTION", affinity_injection),
            tolerations_injection: self.boolean(
                "ENABLE_TAINT_TOLERATIONS_CR_INJECTION",
                tolerations_injection,
            ),
            default_runtime_class: self.runtime_class(),
            pod_grace,
        }
    }

    /// A variable's value, if it is set to something.
    fn value(&self, name: &str) -> Option<String> {
        self.variables
            .get(name)
            .filter(|value| !value.is_empty())
            .cloned()
    }

    fn text(&self, name: &str, into: &mut String) {
        if let Some(value) = self.value(name) {
            *into = value;
        }
    }

    fn resources(&mut self, prefix: &str, into: &mut Resources) {
        for (resource, spelled) in RESOURCES {
            for (side, list) in [("REQUEST", &mut into.requests), ("LIMIT", &mut into.limits)] {
                let name = format!("{prefix}_{spelled}_{side}");
                let Some(value) = self.value(&name) else {
                    continue;
                };
                if !is_quantity(&value) {
                    self.errors.push(format!(
                        "invalid value for {name}: \"{value}\" is not a valid Kubernetes quantity"
                    ));
                }
                list.insert(resource.to_owned(), Quantity(value));
            }
        }
    }

    fn boolean(&mut self, name: &str, default: bool) -> bool {
        match self.value(name).as_deref() {
            None => default,
            Some("1" | "t" | "T" | "true" | "TRUE" | "True") => true,
            Some("0" | "f" | "F" | "false" | "FALSE" | "False") => false,
            Some(other) => {
                self.warn(name, "boolean", other, &default.to_string());
                default
            }
        }
    }

    fn number(&mut self, name: &str, default: i32) -> i32 {
        match self.value(name) {
            None => default,
            Some(value) => value.parse().unwrap_or_else(|_| {
                self.warn(name, "number", &value, &default.to_string());
                default
            }),
        }
    }

    fn optional_number(&mut self, name: &str) -> Option<i32> {
        let value = self.value(name)?;
        let number = value.parse().ok();
        if number.is_none() {
            self.warn(name, "number", &value, "none");
        }
        number
    }

    fn runtime_class(&mut self) -> Option<String> {
        let name = "DEFAULT_RUNTIME_CLASS_NAME";
        let value = self.value(name)?;
        if !is_dns_subdomain(&value) {
            self.errors.push(format!(
                "invalid value for {name}: \"{value}\" is not a DNS-1123 subdomain"
            ));
        }
        Some(value)
    }

    fn warn(&mut self, name: &str, kind: &str, value: &str, default: &str) {
        self.warnings.push(format!(
            "env var {name} has unparseable {kind} value \"{value}\", using default: {default}"
        ));
    }
}

/// Whether Kubernetes takes the text as a quantity: a signed decimal number
/// with a binary, decimal or exponent suffix.
fn is_quantity(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let end = unsigned
        .find(|character: char| !character.is_ascii_digit() && character != '.')
        .unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at(end);
    let is_number = number.matches('.').count() <= 1
        && number.chars().any(|character| character.is_ascii_digit());
    let is_exponent = suffix.strip_prefix(['e', 'E']).is_some_and(|exponent| {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !digits.is_empty() && digits.chars().all(|character| character.is_ascii_digit())
    });
    const SUFFIXES: [&str; 16] = [
        "", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei",
    ];
    is_number && (is_exponent || SUFFIXES.contains(&suffix))
}

fn is_dns_subdomain(name: &str) -> bool {
    let is_edge = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_label = |label: &str| {
        let bytes = label.as_bytes();
        bytes.first().copied().is_some_and(is_edge)
            && bytes.last().copied().is_some_and(is_edge)
            && bytes.iter().all(|byte| is_edge(*byte) || *byte == b'-')
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests;
