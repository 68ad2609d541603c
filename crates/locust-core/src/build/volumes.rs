//! Volumes and mounts of a role: test files, libraries, Secrets, then the
//! user's own.

use k8s_openapi::api::core::v1::{ConfigMapVolumeSource, SecretVolumeSource, Volume, VolumeMount};
use locust_api::latest::{
    LocustTestSpec, MountTarget, SecretMount, TargetedVolumeMount, TestFiles,
};
use locust_api::names::{LIB_VOLUME, Role, SECRET_VOLUME_PREFIX};

/// All that a spec says about files.
pub struct Sources<'a> {
    /// `testFiles`.
    pub test_files: Option<&'a TestFiles>,
    /// `env.secretMounts`.
    pub secret_mounts: Option<&'a [SecretMount]>,
    /// `volumes`.
    pub volumes: &'a [Volume],
    /// `volumeMounts`.
    pub mounts: &'a [TargetedVolumeMount],
}

impl<'a> Sources<'a> {
    /// What `spec` says.
    pub fn of(spec: &'a LocustTestSpec) -> Self {
        let env = spec.env.as_ref();
        Self {
            test_files: spec.test_files.as_ref(),
            secret_mounts: env.and_then(|env| env.secret_mounts.as_deref()),
            volumes: spec.volumes.as_deref().unwrap_or_default(),
            mounts: spec.volume_mounts.as_deref().unwrap_or_default(),
        }
    }

    /// Volumes of the pods of `role`, whose test files volume is `name`. A
    /// volume that no mount of the role names is left out.
    pub fn volumes_of(&self, role: Role, name: &str) -> Vec<Volume> {
        let mut volumes = Vec::new();
        if let Some(config_map) = self.src() {
            volumes.push(config_map_volume(name, config_map));
        }
        if let Some(config_map) = self.lib() {
            volumes.push(config_map_volume(LIB_VOLUME, config_map));
        }
        volumes.extend(self.secrets().iter().map(|secret| Volume {
            name: secret_volume(&secret.name),
            secret: Some(SecretVolumeSource {
                secret_name: Some(secret.name.clone()),
                ..Default::default()
            }),
            ..Default::default()
        }));
        volumes.extend(
            self.volumes
                .iter()
                .filter(|volume| self.is_mounted(volume, role))
                .cloned(),
        );
        volumes
    }

    /// Mounts of the Locust container of `role`.
    pub fn mounts_of(&self, role: Role, name: &str) -> Vec<VolumeMount> {
        let mut mounts = Vec::new();
        if let Some(files) = self.test_files {
            if self.src().is_some() {
                mounts.push(mount(
                    name,
                    path_or(&files.src_mount_path, locust_api::defaults::SRC_MOUNT_PATH),
                    false,
                ));
            }
            if self.lib().is_some() {
                mounts.push(mount(
                    LIB_VOLUME,
                    path_or(&files.lib_mount_path, locust_api::defaults::LIB_MOUNT_PATH),
                    false,
                ));
            }
        }
        mounts.extend(self.secrets().iter().map(|secret| {
            mount(
                &secret_volume(&secret.name),
                &secret.mount_path,
                secret.read_only,
            )
        }));
        mounts.extend(
            self.mounts
                .iter()
                .filter(|mount| is_for(mount.target, role))
                .map(|mount| mount.mount.clone()),
        );
        mounts
    }

    fn src(&self) -> Option<&str> {
        self.test_files?
            .config_map_ref
            .as_deref()
            .filter(|name| !name.is_empty())
    }

    fn lib(&self) -> Option<&str> {
        self.test_files?
            .lib_config_map_ref
            .as_deref()
            .filter(|name| !name.is_empty())
    }

    fn secrets(&self) -> &[SecretMount] {
        self.secret_mounts.unwrap_or_default()
    }

    fn is_mounted(&self, volume: &Volume, role: Role) -> bool {
        self.mounts
            .iter()
            .any(|mount| mount.mount.name == volume.name && is_for(mount.target, role))
    }
}

fn is_for(target: MountTarget, role: Role) -> bool {
    match target {
        MountTarget::Both => true,
        MountTarget::Master => role == Role::Master,
        MountTarget::Worker => role == Role::Worker,
    }
}

fn path_or<'a>(path: &'a str, default: &'a str) -> &'a str {
    if path.is_empty() { default } else { path }
}

fn secret_volume(secret: &str) -> String {
    format!("{SECRET_VOLUME_PREFIX}{secret}")
}

fn config_map_volume(name: &str, config_map: &str) -> Volume {
    Volume {
        name: name.to_owned(),
        config_map: Some(ConfigMapVolumeSource {
            name: config_map.to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn mount(name: &str, path: &str, read_only: bool) -> VolumeMount {
    VolumeMount {
        name: name.to_owned(),
        mount_path: path.to_owned(),
        read_only: read_only.then_some(true),
        ..Default::default()
    }
}
