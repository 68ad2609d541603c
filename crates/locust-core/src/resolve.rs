//! Spec and settings become [`Resolved`]: every default applied, every
//! precedence settled. The builders and the local runner read only this, so a
//! test means the same in a cluster and on a laptop.

mod security;
mod storage;

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    Affinity, EnvFromSource, EnvVar, LocalObjectReference, ResourceRequirements, Toleration,
    Volume, VolumeMount,
};
use locust_api::latest::{
    Autoquit, ImagePullPolicy, LocustTest, LocustTestSpec, Master, MetricsExporter, Observability,
    OpenTelemetry, Scheduling, StartPolicy, Worker,
};
use locust_api::names::{Role, role_name};

use crate::build::{env, resources, volumes};
use crate::command_line;
use crate::settings::{Exporter, Settings};

pub use security::ResolvedSecurity;
pub use storage::ResolvedStorage;

/// A test with nothing left to decide.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// The LocustTest's name.
    pub name: String,
    /// The LocustTest's namespace; empty outside a cluster.
    pub namespace: String,
    /// The LocustTest's UID; empty outside a cluster.
    pub uid: String,
    /// Generation of the spec that was resolved; 0 outside a cluster.
    pub generation: i64,
    /// Image of the Locust containers.
    pub image: String,
    /// Its pull policy.
    pub image_pull_policy: ImagePullPolicy,
    /// Secrets for its registry.
    pub image_pull_secrets: Option<Vec<LocalObjectReference>>,
    /// How many workers make the load.
    pub workers: i32,
    /// Whether fewer are as good.
    pub may_lack_workers: bool,
    /// When and how the master ends by itself.
    pub start: Start,
    /// Whether metrics go out by OpenTelemetry.
    pub opentelemetry: bool,
    /// The exporter beside the master, if there is one.
    pub exporter: Option<Exporter>,
    /// Where a sidecar of the master stores the full results, if one does.
    pub storage: Option<ResolvedStorage>,
    /// Environment of the Locust containers.
    pub env: Vec<EnvVar>,
    /// ConfigMaps and Secrets whose keys become variables.
    pub env_from: Vec<EnvFromSource>,
    /// Where the pods run.
    pub placement: Placement,
    /// What the pods may do.
    pub security: ResolvedSecurity,
    /// `ttlSecondsAfterFinished` of both Jobs.
    pub job_ttl_seconds: Option<i32>,
    /// The master.
    pub master: ResolvedRole,
    /// The workers.
    pub worker: ResolvedRole,
}

impl Resolved {
    /// How many workers the load is to be made by; `None`: any number.
    pub(crate) fn wanted_workers(&self) -> Option<u64> {
        let workers = u64::try_from(self.workers).ok();
        workers.filter(|_| !self.may_lack_workers)
    }
}

/// One role of a resolved test.
#[derive(Clone, Debug, PartialEq)]
pub struct ResolvedRole {
    /// Which role.
    pub role: Role,
    /// Name of its Job, container and test files volume.
    pub name: String,
    /// The user's arguments, before those of the operator.
    pub command: Vec<String>,
    /// The user's arguments, after those of the operator.
    pub extra_args: Vec<String>,
    /// The user's labels for its pods.
    pub labels: BTreeMap<String, String>,
    /// The user's annotations for its pods.
    pub annotations: BTreeMap<String, String>,
    /// Resources of its container.
    pub resources: ResourceRequirements,
    /// Volumes of its pods.
    pub volumes: Vec<Volume>,
    /// Mounts of its container.
    pub mounts: Vec<VolumeMount>,
}

/// How the load starts and the master ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// Start as soon as all workers are connected.
    pub autostart: bool,
    /// Seconds from the end of the load to the end of the master; `None`: it
    /// does not end by itself.
    pub autoquit_seconds: Option<i32>,
}

/// Where the pods run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Placement {
    /// Affinity, if the operator allows it.
    pub affinity: Option<Affinity>,
    /// Tolerations, if the operator allows them.
    pub tolerations: Option<Vec<Toleration>>,
    /// Labels that a node must have.
    pub node_selector: Option<BTreeMap<String, String>>,
    /// RuntimeClass.
    pub runtime_class: Option<String>,
}

/// Applies every default and precedence. Total: whatever the API server
/// accepts can be resolved.
pub fn resolve(test: &LocustTest, settings: &Settings) -> Resolved {
    let LocustTestSpec {
        image,
        image_pull_policy,
        image_pull_secrets,
        master,
        worker,
        test_files: _,
        scheduling,
        env,
        volumes: _,
        volume_mounts: _,
        security,
        observability,
        // What is wanted of the run changes none of its objects.
        thresholds: _,
        desired_state: _,
        active_deadline_seconds: _,
        start_deadline_seconds: _,
        start_policy,
        results,
        cleanup: _,
    } = &test.spec;
    let name = test.metadata.name.clone().unwrap_or_default();
    let (opentelemetry, has_exporter) = match observability {
        Some(Observability {
            open_telemetry,
            metrics_exporter,
        }) => (open_telemetry.as_ref(), *metrics_exporter),
        None => (None, None),
    };
    let opentelemetry = opentelemetry.filter(|telemetry| telemetry.enabled);
    let has_exporter = match has_exporter {
        Some(MetricsExporter::Enabled) => true,
        Some(MetricsExporter::Disabled) => false,
        None => settings.exporter_enabled && opentelemetry.is_none(),
    };
    let files = volumes::Sources::of(&test.spec);
    Resolved {
        namespace: test.metadata.namespace.clone().unwrap_or_default(),
        uid: test.metadata.uid.clone().unwrap_or_default(),
        generation: test.metadata.generation.unwrap_or_default(),
        image: image.clone(),
        image_pull_policy: *image_pull_policy,
        image_pull_secrets: image_pull_secrets.clone(),
        workers: worker.replicas,
        may_lack_workers: *start_policy == Some(StartPolicy::StartAnyway),
        start: start(master),
        opentelemetry: opentelemetry.is_some(),
        exporter: has_exporter.then(|| settings.exporter.clone()),
        storage: results
            .as_ref()
            .and_then(|results| storage::resolve(test, results, settings)),
        env: env::variables(&settings.kafka, opentelemetry, env.as_ref()),
        env_from: env::sources(env.as_ref()),
        placement: placement(scheduling.as_ref(), settings),
        security: security::resolve(security.as_ref(), settings.pod_defaults),
        job_ttl_seconds: settings.job_ttl_seconds,
        master: master_role(&name, master, &files, settings),
        worker: worker_role(&name, worker, &files, settings),
        name,
    }
}

fn master_role(
    test: &str,
    master: &Master,
    files: &volumes::Sources<'_>,
    settings: &Settings,
) -> ResolvedRole {
    let Master {
        command,
        resources,
        labels,
        annotations,
        autostart: _,
        autoquit: _,
        extra_args,
    } = master;
    role(
        test,
        Role::Master,
        Given {
            command,
            resources,
            labels,
            annotations,
            extra_args,
        },
        files,
        settings,
    )
}

fn worker_role(
    test: &str,
    worker: &Worker,
    files: &volumes::Sources<'_>,
    settings: &Settings,
) -> ResolvedRole {
    let Worker {
        command,
        replicas: _,
        resources,
        labels,
        annotations,
        extra_args,
    } = worker;
    role(
        test,
        Role::Worker,
        Given {
            command,
            resources,
            labels,
            annotations,
            extra_args,
        },
        files,
        settings,
    )
}

/// The fields that master and worker have in common.
#[derive(Clone, Copy)]
struct Given<'a> {
    command: &'a str,
    resources: &'a Option<ResourceRequirements>,
    labels: &'a Option<BTreeMap<String, String>>,
    annotations: &'a Option<BTreeMap<String, String>>,
    extra_args: &'a Option<Vec<String>>,
}

fn role(
    test: &str,
    role: Role,
    given: Given<'_>,
    files: &volumes::Sources<'_>,
    settings: &Settings,
) -> ResolvedRole {
    let name = role_name(test, role);
    ResolvedRole {
        role,
        // An open quote is a problem of its own; nothing is run with it.
        command: command_line::split(given.command)
            .unwrap_or_else(|_| command_line::plain_words(given.command)),
        extra_args: given.extra_args.clone().unwrap_or_default(),
        labels: given.labels.clone().unwrap_or_default(),
        annotations: given.annotations.clone().unwrap_or_default(),
        resources: resources::locust(given.resources.as_ref(), role, &settings.resources),
        volumes: files.volumes_of(role, &name),
        mounts: files.mounts_of(role, &name),
        name,
    }
}

/// `--autoquit` without `--autostart` makes Locust refuse to start, so a test
/// that a person starts by hand gets it only if it asks for it.
fn start(master: &Master) -> Start {
    let autoquit_seconds = match &master.autoquit {
        Some(Autoquit { enabled, timeout }) => enabled.then_some(*timeout),
        None => master
            .autostart
            .then_some(locust_api::defaults::AUTOQUIT_TIMEOUT_SECONDS),
    };
    Start {
        autostart: master.autostart,
        autoquit_seconds,
    }
}

fn placement(scheduling: Option<&Scheduling>, settings: &Settings) -> Placement {
    let default_runtime_class = settings.default_runtime_class.clone();
    let Some(scheduling) = scheduling else {
        return Placement {
            runtime_class: default_runtime_class,
            ..Placement::default()
        };
    };
    let Scheduling {
        affinity,
        tolerations,
        node_selector,
        runtime_class_name,
    } = scheduling;
    Placement {
        affinity: affinity.clone().filter(|_| settings.affinity_injection),
        tolerations: tolerations
            .clone()
            .filter(|_| settings.tolerations_injection),
        node_selector: node_selector
            .clone()
            .filter(|selector| !selector.is_empty()),
        runtime_class: match runtime_class_name.as_deref() {
            Some("") => None,
            Some(name) => Some(name.to_owned()),
            None => default_runtime_class,
        },
    }
}

/// OpenTelemetry settings of a test that uses them.
pub(crate) type Telemetry<'a> = Option<&'a OpenTelemetry>;
