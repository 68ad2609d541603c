//! Operator-wide settings as plain data. The operator crate reads them from
//! its environment; nothing here does.

mod variables;

pub use variables::{BadValue, Group, Parsed, Variable, from_variables, variables};

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

/// Everything that an operator's administrator may choose for all tests.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// `ttlSecondsAfterFinished` of both Jobs; `None` keeps them.
    pub job_ttl_seconds: Option<i32>,
    /// Resources of the Locust containers, for what a test leaves open.
    pub resources: RoleResources,
    /// The metrics exporter beside the master.
    pub exporter: Exporter,
    /// Whether there is one where a test does not say.
    pub exporter_enabled: bool,
    /// Image of the sidecar that stores full results: the operator's own.
    pub results_image: String,
    /// Kafka variables of the Locust containers.
    pub kafka: Kafka,
    /// Whether `scheduling.affinity` has an effect.
    pub affinity_injection: bool,
    /// Whether `scheduling.tolerations` has an effect.
    pub tolerations_injection: bool,
    /// RuntimeClass of pods whose test names none.
    pub default_runtime_class: Option<String>,
    /// How long a pod may be in trouble before its test fails.
    pub pod_grace: std::time::Duration,
    /// What pods get where their test says nothing about security.
    pub pod_defaults: PodDefaults,
    /// What is refused beside what cannot be run.
    pub admission: Admission,
}

/// What is refused beside what cannot be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Nothing.
    OnlyWhatCannotRun,
    /// What the validating webhook of the Go operator refuses, by the webhook
    /// and before a run.
    Upstream,
}

/// What pods get where their test says nothing about security.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PodDefaults {
    /// What the Go operator gives: a seccomp profile, nothing more.
    Upstream,
    /// All that a namespace asks for that enforces the PodSecurity level
    /// `restricted`, no token of a ServiceAccount and no service links.
    Hardened,
}

/// Requests and limits by resource name (`cpu`, `memory`,
/// `ephemeral-storage`). A resource that is not named is left open.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resources {
    /// What the scheduler reserves.
    pub requests: BTreeMap<String, Quantity>,
    /// What the container may use at most.
    pub limits: BTreeMap<String, Limit>,
}

/// How much of a resource a container may use.
#[derive(Clone, Debug, PartialEq)]
pub enum Limit {
    /// At most this.
    At(Quantity),
    /// As much as there is. Said of a role it takes away the limit for both.
    Unlimited,
}

/// Resources of the Locust containers. A value of a role wins over the one for
/// both, each by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct RoleResources {
    /// For both roles.
    pub both: Resources,
    /// For the master.
    pub master: Resources,
    /// For the workers.
    pub worker: Resources,
}

/// The metrics exporter, a sidecar of the master.
#[derive(Clone, Debug, PartialEq)]
pub struct Exporter {
    /// Its image.
    pub image: String,
    /// The port on which it serves `/metrics`.
    pub port: i32,
    /// Its image's pull policy, as Kubernetes spells it.
    pub pull_policy: String,
    /// Its resources.
    pub resources: Resources,
}

/// Values of the seven `KAFKA_*` variables that every Locust container gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kafka {
    /// `KAFKA_BOOTSTRAP_SERVERS`.
    pub bootstrap_servers: String,
    /// `KAFKA_SECURITY_ENABLED`.
    pub security_enabled: bool,
    /// `KAFKA_SECURITY_PROTOCOL_CONFIG`.
    pub security_protocol: String,
    /// `KAFKA_SASL_MECHANISM`.
    pub sasl_mechanism: String,
    /// Who the pods are to Kafka.
    pub credentials: KafkaCredentials,
}

/// Where the credentials of the Locust containers come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KafkaCredentials {
    /// Written into every Job as they are.
    Literal(KafkaLiteral),
    /// Never written anywhere: the pods refer to a Secret of their namespace.
    Secret(KafkaSecret),
}

/// Credentials as plain text; empty when not configured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KafkaLiteral {
    /// `KAFKA_SASL_JAAS_CONFIG`.
    pub sasl_jaas_config: String,
    /// `KAFKA_USERNAME`.
    pub username: String,
    /// `KAFKA_PASSWORD`.
    pub password: String,
}

/// A Secret in the namespace of each test, and its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KafkaSecret {
    /// The Secret's name.
    pub name: String,
    /// Key of `KAFKA_SASL_JAAS_CONFIG`; `None` leaves the variable empty.
    pub sasl_jaas_config_key: Option<String>,
    /// Key of `KAFKA_USERNAME`.
    pub username_key: String,
    /// Key of `KAFKA_PASSWORD`.
    pub password_key: String,
}

impl Resources {
    /// Resources from `(name, request, limit)` triples.
    pub fn from_triples(triples: &[(&str, &str, &str)]) -> Self {
        let mut resources = Self::default();
        for (name, request, limit) in triples {
            let name = (*name).to_owned();
            let request = Quantity((*request).to_owned());
            let limit = Limit::At(Quantity((*limit).to_owned()));
            resources.requests.insert(name.clone(), request);
            resources.limits.insert(name, limit);
        }
        resources
    }
}

/// The values of the Go operator 2.3.0, in canonical form (`1000m` is `1`).
impl Default for Settings {
    fn default() -> Self {
        let resources = Resources::from_triples(&[
            ("cpu", "250m", "1"),
            ("memory", "128Mi", "1Gi"),
            ("ephemeral-storage", "30M", "50M"),
        ]);
        Self {
            job_ttl_seconds: None,
            resources: RoleResources {
                both: resources.clone(),
                master: Resources::default(),
                worker: Resources::default(),
            },
            exporter: Exporter {
                image: "containersol/locust_exporter:v0.5.0".to_owned(),
                port: 9646,
                pull_policy: "Always".to_owned(),
                resources,
            },
            exporter_enabled: true,
            results_image: concat!("lotest/locust-k8s-operator:", env!("CARGO_PKG_VERSION"))
                .to_owned(),
            kafka: Kafka {
                bootstrap_servers: "localhost:9092".to_owned(),
                security_enabled: false,
                security_protocol: "SASL_PLAINTEXT".to_owned(),
                sasl_mechanism: "SCRAM-SHA-512".to_owned(),
                credentials: KafkaCredentials::Literal(KafkaLiteral::default()),
            },
            affinity_injection: false,
            tolerations_injection: false,
            default_runtime_class: None,
            pod_grace: std::time::Duration::from_secs(120),
            pod_defaults: PodDefaults::Upstream,
            admission: Admission::OnlyWhatCannotRun,
        }
    }
}
