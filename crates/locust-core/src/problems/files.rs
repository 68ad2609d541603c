//! Volumes and mounts of each pod, as the pod will have them.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{EnvVar, Volume, VolumeMount};
use locust_api::condition::Reason;
use locust_api::latest::LocustTest;
use locust_api::names::{LIB_VOLUME, Role, SECRET_VOLUME_PREFIX, role_name};
use locust_api::schema;

use super::{Found, Kind, sources};
use crate::build::volumes::Sources;
use crate::local::Fields;

pub(super) fn judge(test: &LocustTest, found: &mut Found) {
    let mut found = found.of(Reason::InvalidVolumes);
    let broken = schema::broken(&test.spec);
    let is_broken = !broken.is_empty();
    for (schema::Problem { path, message }, offender) in broken {
        found.add(path, format!("{offender:?}: {message}"));
    }
    let name = test.metadata.name.as_deref().unwrap_or_default();
    let files = Sources::of(&test.spec);
    let mut judged = BTreeSet::new();
    for role in [Role::Master, Role::Worker] {
        let own = role_name(name, role);
        let pod = PodFiles {
            volumes: files.volumes_of(role, &own),
            mounts: files.mounts_of(role, &own),
            fields: Fields::new(test, role),
            src_volume: own,
        };
        // The rules say the same, in words that fit the case.
        if !is_broken {
            pod.names(&mut found);
            pod.paths(&mut found);
        }
        pod.overlaps(&mut found);
        pod.mounts_alone(&mut found, test);
        pod.env_files(
            test.spec
                .env
                .iter()
                .flat_map(|env| env.variables.iter().flatten()),
            &mut found,
        );
        for volume in &pod.volumes {
            if !pod.is_of_the_operator(&volume.name) && judged.insert(volume.name.clone()) {
                sources::judge(&pod.fields.volume(&volume.name), volume, &mut found);
            }
        }
    }
}

/// The files of one role's pods.
struct PodFiles<'a> {
    volumes: Vec<Volume>,
    mounts: Vec<VolumeMount>,
    fields: Fields<'a>,
    src_volume: String,
}

impl PodFiles<'_> {
    /// Whether a volume was made by the operator, of a ConfigMap or a Secret.
    fn is_of_the_operator(&self, volume: &str) -> bool {
        !self.fields.volume(volume).starts_with("spec.volumes")
    }

    /// Every volume has a name of its own, and every mount a volume.
    fn names(&self, found: &mut Kind<'_>) {
        let mut names = BTreeSet::new();
        for volume in &self.volumes {
            if !names.insert(volume.name.as_str()) {
                let name = &volume.name;
                found.add(
                    "spec.volumes",
                    format!(
                        "volume name {name:?} conflicts with operator-generated name: give the volume another name"
                    ),
                );
            }
        }
        for mount in &self.mounts {
            if !names.contains(mount.name.as_str()) {
                found.add(
                    self.fields.mount(&mount.name, &mount.mount_path),
                    format!(
                        "volumeMount {:?} references undefined volume: add it to volumes, or correct the name",
                        mount.name
                    ),
                );
            }
        }
    }

    /// Every mount has a path of its own, however it is written.
    fn paths(&self, found: &mut Kind<'_>) {
        let mut paths = BTreeSet::new();
        for mount in &self.mounts {
            if !paths.insert(parts(&mount.mount_path)) {
                found.add(
                    self.fields.mount(&mount.name, &mount.mount_path),
                    format!(
                        "something else is mounted at {:?}: give each a path of its own",
                        mount.mount_path
                    ),
                );
            }
        }
    }

    /// No directory can be made for a mount inside a ConfigMap or a Secret:
    /// Kubernetes mounts both for reading only.
    fn overlaps(&self, found: &mut Kind<'_>) {
        let fixed = self.mounts.iter().filter(|outer| self.is_read_only(outer));
        for outer in fixed {
            for inner in &self.mounts {
                if is_inside(&inner.mount_path, &outer.mount_path) && self.is_directory(inner) {
                    found.add(
                        self.fields.mount(&inner.name, &inner.mount_path),
                        format!(
                            "{:?} lies inside {:?}, where {} puts files that cannot be changed: mount it elsewhere",
                            inner.mount_path,
                            outer.mount_path,
                            self.fields.volume(&outer.name),
                        ),
                    );
                }
            }
        }
    }

    fn is_read_only(&self, mount: &VolumeMount) -> bool {
        mount.name == self.src_volume
            || mount.name == LIB_VOLUME
            || mount.name.starts_with(SECRET_VOLUME_PREFIX)
    }

    /// Whether a mount needs a directory to be made. A single file can be
    /// mounted over one that is there.
    fn is_directory(&self, mount: &VolumeMount) -> bool {
        let volume = self.volumes.iter().find(|volume| volume.name == mount.name);
        let is_host_path = volume.is_some_and(|volume| volume.host_path.is_some());
        mount.sub_path.is_none() && mount.sub_path_expr.is_none() && !is_host_path
    }

    /// What fields of one mount have to say together.
    fn mounts_alone(&self, found: &mut Kind<'_>, test: &LocustTest) {
        let context = test.spec.security.as_ref();
        let context = context.and_then(|security| security.container_security_context.as_ref());
        let is_privileged = context.is_some_and(|context| context.privileged == Some(true));
        let is_set = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
        for mount in &self.mounts {
            let field = self.fields.mount(&mount.name, &mount.mount_path);
            if is_set(&mount.sub_path) && is_set(&mount.sub_path_expr) {
                found.add(
                    format!("{field}.subPathExpr"),
                    "stands beside a subPath: leave one of them",
                );
            }
            let propagation = mount.mount_propagation.as_deref();
            if propagation == Some("Bidirectional") && !is_privileged {
                found.add(
                    format!("{field}.mountPropagation"),
                    "Bidirectional is only for privileged containers",
                );
            }
            let is_recursive = matches!(
                mount.recursive_read_only.as_deref(),
                Some("Enabled" | "IfPossible")
            );
            let is_plain = propagation.is_none_or(|propagation| propagation == "None");
            if is_recursive && (mount.read_only != Some(true) || !is_plain) {
                found.add(
                    format!("{field}.recursiveReadOnly"),
                    "needs readOnly, and no mountPropagation",
                );
            }
        }
    }

    /// A variable out of a file takes it from an emptyDir of the same pod.
    fn env_files<'v>(&self, variables: impl Iterator<Item = &'v EnvVar>, found: &mut Kind<'_>) {
        for (index, variable) in variables.enumerate() {
            let source = variable.value_from.as_ref();
            let Some(file) = source.and_then(|source| source.file_key_ref.as_ref()) else {
                continue;
            };
            let volume = self
                .volumes
                .iter()
                .find(|volume| volume.name == file.volume_name);
            if volume.is_none_or(|volume| volume.empty_dir.is_none()) {
                found.add(
                    format!("spec.env.variables[{index}].valueFrom.fileKeyRef.volumeName"),
                    format!(
                        "{:?} is no emptyDir that is mounted in both pods: add it to volumes and volumeMounts",
                        file.volume_name
                    ),
                );
            }
        }
    }
}

/// A path as the kernel reads it.
fn parts(path: &str) -> Vec<&str> {
    path.split('/')
        .filter(|part| !part.is_empty() && *part != ".")
        .collect()
}

fn is_inside(inner: &str, outer: &str) -> bool {
    let (inner, outer) = (parts(inner), parts(outer));
    inner.len() > outer.len() && inner.starts_with(&outer)
}
