//! The sidecar that stores the full results of a run: a native one, so that the
//! pod ends when Locust does, and only after they are stored.

use k8s_openapi::api::core::v1::{
    Container, ContainerPort, EnvVar, EnvVarSource, HTTPGetAction, LifecycleHandler,
    PersistentVolumeClaimVolumeSource, SecretKeySelector, Volume, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use locust_api::names::{RESULTS_CONTAINER, RESULTS_PORT, RESULTS_VOLUME};

use super::env::variable;
use super::exporter::locked_down;
use super::resources::requirements;
use crate::resolve::ResolvedStorage;
use crate::settings::Resources;
use crate::storage::{self, CREDENTIALS, Plan};

pub(super) fn container(storage: &ResolvedStorage, plan: &Plan) -> Container {
    let mut env = vec![variable(storage::VARIABLE, &plan.to_text())];
    if let Some(bucket) = &storage.bucket {
        let credentials = CREDENTIALS.map(|key| credential(&bucket.credentials_secret, key));
        env.extend(credentials);
    }
    let mount = storage.volume.as_ref().map(|_| VolumeMount {
        name: RESULTS_VOLUME.to_owned(),
        mount_path: storage::DIRECTORY.to_owned(),
        ..Default::default()
    });
    Container {
        name: RESULTS_CONTAINER.to_owned(),
        image: Some(storage.image.clone()),
        image_pull_policy: Some("IfNotPresent".to_owned()),
        args: Some(vec![storage::SUBCOMMAND.to_owned()]),
        restart_policy: Some("Always".to_owned()),
        ports: Some(vec![ContainerPort {
            container_port: i32::from(RESULTS_PORT),
            ..Default::default()
        }]),
        env: Some(env),
        volume_mounts: mount.map(|mount| vec![mount]),
        // A report of Locust has two megabytes at the most.
        resources: Some(requirements(&Resources::from_triples(&[
            ("cpu", "10m", "250m"),
            ("memory", "32Mi", "128Mi"),
            ("ephemeral-storage", "1M", "10M"),
        ]))),
        security_context: Some(locked_down()),
        ..Default::default()
    }
}

/// Missing credentials are a condition of the test and no reason not to run it.
fn credential(secret: &str, key: &str) -> EnvVar {
    EnvVar {
        name: key.to_owned(),
        value: None,
        value_from: Some(EnvVarSource {
            secret_key_ref: Some(SecretKeySelector {
                name: secret.to_owned(),
                key: key.to_owned(),
                optional: Some(true),
            }),
            ..Default::default()
        }),
    }
}

pub(super) fn volume(storage: &ResolvedStorage) -> Option<Volume> {
    let claim = &storage.volume.as_ref()?.claim_name;
    Some(Volume {
        name: RESULTS_VOLUME.to_owned(),
        persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
            claim_name: claim.clone(),
            read_only: None,
        }),
        ..Default::default()
    })
}

/// Whoever takes the pod away, with or without an operator: what the master
/// knows is read before it ends.
pub(super) fn pre_stop() -> LifecycleHandler {
    LifecycleHandler {
        http_get: Some(HTTPGetAction {
            path: Some(storage::GATHER.to_owned()),
            port: IntOrString::Int(i32::from(RESULTS_PORT)),
            ..Default::default()
        }),
        ..Default::default()
    }
}
