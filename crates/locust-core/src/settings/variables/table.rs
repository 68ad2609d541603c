//! The variables as data: reading them and the reference page go by this list.

use super::super::{Limit, Resources, Settings};
use super::Draft;

/// What a variable is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Requests and limits of the containers.
    Resources,
    /// Jobs and pods.
    Pods,
    /// The metrics exporter.
    Exporter,
    /// Kafka's variables.
    Kafka,
}

impl Group {
    /// All, in the order of the reference page.
    pub const ALL: [Self; 4] = [Self::Resources, Self::Pods, Self::Exporter, Self::Kafka];

    /// Its heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Resources => "Requests and limits",
            Self::Pods => "Jobs and pods",
            Self::Exporter => "Metrics exporter",
            Self::Kafka => "Kafka",
        }
    }
}

/// One environment variable.
pub struct Variable {
    /// Its name.
    pub name: String,
    /// What it is about.
    pub group: Group,
    /// What it means, one line in Markdown.
    pub meaning: String,
    pub(super) place: Place,
}

/// Where a value goes, which is also what it has to look like.
#[derive(Clone, Copy)]
pub(super) enum Place {
    Quantity {
        of: fn(&mut Settings) -> &mut Resources,
        side: Side,
        resource: &'static str,
    },
    Text(fn(&mut Draft) -> &mut String),
    Boolean(fn(&mut Draft) -> &mut bool),
    Number(fn(&mut Draft) -> &mut i32),
    OptionalNumber(fn(&mut Draft) -> &mut Option<i32>),
    /// Of a Kubernetes object.
    Name(fn(&mut Draft) -> &mut Option<String>),
    /// Of a Secret.
    Key(fn(&mut Draft) -> &mut String),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Request,
    Limit,
}

impl Variable {
    /// What its value has to look like.
    pub fn kind(&self) -> &'static str {
        match self.place {
            Place::Quantity { side, .. } => match side {
                Side::Request => "quantity",
                Side::Limit => "quantity or `none`",
            },
            Place::Text(_) => "text",
            Place::Boolean(_) => "boolean",
            Place::Number(_) | Place::OptionalNumber(_) => "number",
            Place::Name(_) => "name",
            Place::Key(_) => "key of a Secret",
        }
    }

    /// The value that counts when it is unset; empty if there is none.
    pub fn default(&self) -> String {
        let mut draft = Draft::default();
        match self.place {
            Place::Quantity { of, side, resource } => {
                let Resources { requests, limits } = of(&mut draft.settings);
                match side {
                    Side::Request => requests.get(resource).map(|quantity| quantity.0.clone()),
                    Side::Limit => limits.get(resource).and_then(|limit| match limit {
                        Limit::At(quantity) => Some(quantity.0.clone()),
                        Limit::Unlimited => None,
                    }),
                }
                .unwrap_or_default()
            }
            Place::Text(of) | Place::Key(of) => of(&mut draft).clone(),
            Place::Boolean(of) => of(&mut draft).to_string(),
            Place::Number(of) => of(&mut draft).to_string(),
            Place::OptionalNumber(of) => of(&mut draft)
                .map(|number| number.to_string())
                .unwrap_or_default(),
            Place::Name(of) => of(&mut draft).clone().unwrap_or_default(),
        }
    }
}

/// All variables, in the order of the reference page.
pub fn variables() -> Vec<Variable> {
    let mut variables = Vec::new();
    resources(
        &mut variables,
        "POD",
        "of the Locust containers",
        |settings| &mut settings.resources.both,
    );
    resources(
        &mut variables,
        "MASTER_POD",
        "of the master's container, before that of `POD_*`",
        |settings| &mut settings.resources.master,
    );
    resources(
        &mut variables,
        "WORKER_POD",
        "of the workers' containers, before that of `POD_*`",
        |settings| &mut settings.resources.worker,
    );
    resources(
        &mut variables,
        "METRICS_EXPORTER",
        "of the metrics exporter",
        |settings| &mut settings.exporter.resources,
    );
    variables.extend(exporter());
    variables.extend(pods());
    variables.extend(kafka());
    variables.extend(kafka_credentials());
    variables
}

/// The six variables of one container.
fn resources(
    variables: &mut Vec<Variable>,
    prefix: &str,
    whose: &str,
    of: fn(&mut Settings) -> &mut Resources,
) {
    for (resource, spelled, called) in [
        ("cpu", "CPU", "CPU"),
        ("memory", "MEM", "memory"),
        ("ephemeral-storage", "EPHEMERAL", "ephemeral storage"),
    ] {
        for (side, suffix, word) in [
            (Side::Request, "REQUEST", "request"),
            (Side::Limit, "LIMIT", "limit"),
        ] {
            let unlimited = match side {
                Side::Request => "",
                Side::Limit => "; `none`: no limit",
            };
            let name = format!("{prefix}_{spelled}_{suffix}");
            let meaning = format!("{called} {word} {whose}{unlimited}.");
            let place = Place::Quantity { of, side, resource };
            variables.push(variable(&name, Group::Resources, &meaning, place));
        }
    }
}

fn exporter() -> [Variable; 4] {
    let of = |name, meaning, place| variable(name, Group::Exporter, meaning, place);
    [
        of(
            "METRICS_EXPORTER_ENABLED",
            "Whether the master of a test that does not say has one; a test says it by `observability.metricsExporter`.",
            Place::Boolean(|draft| &mut draft.settings.exporter_enabled),
        ),
        of(
            "METRICS_EXPORTER_IMAGE",
            "Image of the sidecar that turns the master's numbers into Prometheus metrics.",
            Place::Text(|draft| &mut draft.settings.exporter.image),
        ),
        of(
            "METRICS_EXPORTER_IMAGE_PULL_POLICY",
            "Its pull policy: `Always`, `IfNotPresent` or `Never`.",
            Place::Text(|draft| &mut draft.settings.exporter.pull_policy),
        ),
        of(
            "METRICS_EXPORTER_PORT",
            "Port of `/metrics`, on the master's pod and its Service.",
            Place::Number(|draft| &mut draft.settings.exporter.port),
        ),
    ]
}

fn pods() -> [Variable; 5] {
    let of = |name, meaning, place| variable(name, Group::Pods, meaning, place);
    [
        of(
            "JOB_TTL_SECONDS_AFTER_FINISHED",
            "Seconds after which the Jobs of a finished test are removed; unset: they stay.",
            Place::OptionalNumber(|draft| &mut draft.settings.job_ttl_seconds),
        ),
        of(
            "ENABLE_AFFINITY_CR_INJECTION",
            "Whether `scheduling.affinity` of a test has an effect.",
            Place::Boolean(|draft| &mut draft.settings.affinity_injection),
        ),
        of(
            "ENABLE_TAINT_TOLERATIONS_CR_INJECTION",
            "Whether `scheduling.tolerations` of a test has an effect.",
            Place::Boolean(|draft| &mut draft.settings.tolerations_injection),
        ),
        of(
            "DEFAULT_RUNTIME_CLASS_NAME",
            "RuntimeClass of the pods of tests that name none; a test opts out with `runtimeClassName: \"\"`.",
            Place::Name(|draft| &mut draft.settings.default_runtime_class),
        ),
        of(
            "RESULTS_IMAGE",
            "Image of the sidecar that stores the results of tests with `results.persistentVolumeClaim` or `results.s3`: the operator's own.",
            Place::Text(|draft| &mut draft.settings.results_image),
        ),
    ]
}

fn kafka() -> [Variable; 4] {
    let of = |name, meaning, place| variable(name, Group::Kafka, meaning, place);
    [
        of(
            "KAFKA_BOOTSTRAP_SERVERS",
            "Passed on to the Locust containers.",
            Place::Text(|draft| &mut draft.settings.kafka.bootstrap_servers),
        ),
        of(
            "KAFKA_SECURITY_ENABLED",
            "Passed on to the Locust containers.",
            Place::Boolean(|draft| &mut draft.settings.kafka.security_enabled),
        ),
        of(
            "KAFKA_SECURITY_PROTOCOL_CONFIG",
            "Passed on to the Locust containers.",
            Place::Text(|draft| &mut draft.settings.kafka.security_protocol),
        ),
        of(
            "KAFKA_SASL_MECHANISM",
            "Passed on to the Locust containers.",
            Place::Text(|draft| &mut draft.settings.kafka.sasl_mechanism),
        ),
    ]
}

fn kafka_credentials() -> [Variable; 7] {
    let of = |name, meaning, place| variable(name, Group::Kafka, meaning, place);
    [
        of(
            "KAFKA_SASL_JAAS_CONFIG",
            "Written as plain text into every Job. Better: `KAFKA_CREDENTIALS_SECRET`.",
            Place::Text(|draft| &mut draft.kafka_literal.sasl_jaas_config),
        ),
        of(
            "KAFKA_USERNAME",
            "Written as plain text into every Job. Better: `KAFKA_CREDENTIALS_SECRET`.",
            Place::Text(|draft| &mut draft.kafka_literal.username),
        ),
        of(
            "KAFKA_PASSWORD",
            "Written as plain text into every Job. Better: `KAFKA_CREDENTIALS_SECRET`.",
            Place::Text(|draft| &mut draft.kafka_literal.password),
        ),
        of(
            "KAFKA_CREDENTIALS_SECRET",
            "Secret, in the namespace of each test, from which the pods take the three above. No Job then holds a credential.",
            Place::Name(|draft| &mut draft.kafka_secret),
        ),
        of(
            "KAFKA_USERNAME_KEY",
            "Its key for `KAFKA_USERNAME`.",
            Place::Key(|draft| &mut draft.kafka_keys.username),
        ),
        of(
            "KAFKA_PASSWORD_KEY",
            "Its key for `KAFKA_PASSWORD`.",
            Place::Key(|draft| &mut draft.kafka_keys.password),
        ),
        of(
            "KAFKA_SASL_JAAS_CONFIG_KEY",
            "Its key for `KAFKA_SASL_JAAS_CONFIG`; `none`: that variable stays empty.",
            Place::Key(|draft| &mut draft.kafka_keys.sasl_jaas_config),
        ),
    ]
}

fn variable(name: &str, group: Group, meaning: &str, place: Place) -> Variable {
    Variable {
        name: name.to_owned(),
        group,
        meaning: meaning.to_owned(),
        place,
    }
}
