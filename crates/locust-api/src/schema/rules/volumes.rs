//! Names and paths of volumes and mounts, which a pod can have only once.

use super::Rule;
use crate::defaults;
use crate::latest::{LocustTestSpec, MountTarget, SecretMount, TargetedVolumeMount, TestFiles};
use crate::names::{LIB_VOLUME, SECRET_VOLUME_PREFIX};

/// The longest name of a volume is 63 characters, seven of which are taken.
const MAX_MOUNTED_SECRET: usize = 56;

pub(super) const RULES: &[Rule] = &[
    Rule {
        place: "spec.env.secretMounts",
        field: "",
        holds: "self.all(m, self.exists_one(o, o.name == m.name))",
        says: "a Secret is mounted twice: mount it once here, and at another path by volumes and volumeMounts",
        broken: a_secret_twice,
    },
    Rule {
        place: "spec.env.secretMounts",
        field: "",
        holds: "self.all(m, m.name.size() <= 56 && m.name.matches('^[-a-z0-9]*[a-z0-9]$'))",
        says: "a Secret whose name has more than 56 characters, or others than lower case letters, digits and dashes, cannot be mounted here: its volume would be named secret-<name>; mount it by volumes and volumeMounts",
        broken: a_secret_name_that_no_volume_can_have,
    },
    Rule {
        place: "spec.env.secretMounts",
        field: "",
        holds: "self.all(m, self.exists_one(o, o.mountPath == m.mountPath))",
        says: "two Secrets are mounted at one path: give each a path of its own",
        broken: two_secrets_at_one_path,
    },
    Rule {
        place: "spec.volumeMounts",
        field: "",
        holds: "self.all(m, self.exists_one(o, o.mountPath == m.mountPath && (o.target == m.target || o.target == 'both' || m.target == 'both')))",
        says: "two volumes are mounted at one path of the same pod: give each a path of its own",
        broken: two_volumes_at_one_path,
    },
    Rule {
        place: "spec",
        field: "volumeMounts",
        holds: "!has(self.volumeMounts) || !has(self.env) || !has(self.env.secretMounts) || self.volumeMounts.all(m, !self.env.secretMounts.exists(s, s.mountPath == m.mountPath))",
        says: "a volume is mounted at the path of a Secret of env.secretMounts: give each a path of its own",
        broken: a_volume_at_the_path_of_a_secret,
    },
    Rule {
        place: "spec",
        field: "volumeMounts",
        holds: "!has(self.volumeMounts) || !has(self.testFiles) || !has(self.testFiles.configMapRef) || self.testFiles.configMapRef == '' || self.volumeMounts.all(m, m.mountPath != (self.testFiles.srcMountPath == '' ? '/lotest/src' : self.testFiles.srcMountPath))",
        says: "a volume is mounted at the path of testFiles.configMapRef: mount it elsewhere, or set testFiles.srcMountPath",
        broken: a_volume_at_the_path_of_the_test_files,
    },
    Rule {
        place: "spec",
        field: "volumeMounts",
        holds: "!has(self.volumeMounts) || !has(self.testFiles) || !has(self.testFiles.libConfigMapRef) || self.testFiles.libConfigMapRef == '' || self.volumeMounts.all(m, m.mountPath != (self.testFiles.libMountPath == '' ? '/opt/locust/lib' : self.testFiles.libMountPath))",
        says: "a volume is mounted at the path of testFiles.libConfigMapRef: mount it elsewhere, or set testFiles.libMountPath",
        broken: a_volume_at_the_path_of_the_libraries,
    },
    Rule {
        place: "spec",
        field: "env.secretMounts",
        holds: "!has(self.env) || !has(self.env.secretMounts) || !has(self.testFiles) || !has(self.testFiles.configMapRef) || self.testFiles.configMapRef == '' || self.env.secretMounts.all(m, m.mountPath != (self.testFiles.srcMountPath == '' ? '/lotest/src' : self.testFiles.srcMountPath))",
        says: "a Secret is mounted at the path of testFiles.configMapRef: mount it elsewhere, or set testFiles.srcMountPath",
        broken: a_secret_at_the_path_of_the_test_files,
    },
    Rule {
        place: "spec",
        field: "env.secretMounts",
        holds: "!has(self.env) || !has(self.env.secretMounts) || !has(self.testFiles) || !has(self.testFiles.libConfigMapRef) || self.testFiles.libConfigMapRef == '' || self.env.secretMounts.all(m, m.mountPath != (self.testFiles.libMountPath == '' ? '/opt/locust/lib' : self.testFiles.libMountPath))",
        says: "a Secret is mounted at the path of testFiles.libConfigMapRef: mount it elsewhere, or set testFiles.libMountPath",
        broken: a_secret_at_the_path_of_the_libraries,
    },
    Rule {
        place: "spec.testFiles",
        field: "libMountPath",
        holds: "!has(self.configMapRef) || self.configMapRef == '' || !has(self.libConfigMapRef) || self.libConfigMapRef == '' || (self.srcMountPath == '' ? '/lotest/src' : self.srcMountPath) != (self.libMountPath == '' ? '/opt/locust/lib' : self.libMountPath)",
        says: "configMapRef and libConfigMapRef are mounted at one path: give each a path of its own",
        broken: test_files_and_libraries_at_one_path,
    },
    Rule {
        place: "spec",
        field: "volumes",
        holds: "!has(self.volumes) || !has(self.volumeMounts) || self.volumes.all(v, self.volumes.exists_one(o, o.name == v.name) || !self.volumeMounts.exists(m, m.name == v.name))",
        says: "two volumes have one name: give each a name of its own",
        broken: two_volumes_of_one_name,
    },
    Rule {
        place: "spec",
        field: "volumes",
        holds: "!has(self.volumes) || !has(self.volumeMounts) || !has(self.testFiles) || !has(self.testFiles.libConfigMapRef) || self.testFiles.libConfigMapRef == '' || !self.volumes.exists(v, v.name == 'locust-lib') || !self.volumeMounts.exists(m, m.name == 'locust-lib')",
        says: "the name locust-lib is that of the volume of testFiles.libConfigMapRef: give this volume another name",
        broken: a_volume_named_as_the_libraries,
    },
    Rule {
        place: "spec",
        field: "volumes",
        holds: "!has(self.volumes) || !has(self.volumeMounts) || !has(self.env) || !has(self.env.secretMounts) || self.volumes.all(v, !v.name.startsWith('secret-') || !self.env.secretMounts.exists(s, 'secret-' + s.name == v.name) || !self.volumeMounts.exists(m, m.name == v.name))",
        says: "the name of a volume is that of an entry of env.secretMounts: give it another name",
        broken: a_volume_named_as_a_secret_mount,
    },
    // Mounts of the operator's own volumes work too. Whether those are there
    // depends on the test's name, which only the operator looks at.
    Rule {
        place: "spec",
        field: "volumeMounts",
        holds: "!has(self.volumeMounts) || self.volumeMounts.all(m, (has(self.volumes) && self.volumes.exists(v, v.name == m.name)) || m.name == 'locust-lib' || m.name.startsWith('secret-') || m.name.endsWith('-master') || m.name.endsWith('-worker'))",
        says: "volumeMount references undefined volume: add it to volumes, or correct the name",
        broken: a_mount_of_no_volume,
    },
];

fn secrets(spec: &LocustTestSpec) -> &[SecretMount] {
    spec.env
        .as_ref()
        .and_then(|env| env.secret_mounts.as_deref())
        .unwrap_or_default()
}

fn mounts(spec: &LocustTestSpec) -> &[TargetedVolumeMount] {
    spec.volume_mounts.as_deref().unwrap_or_default()
}

/// The entries that are not the only one of their kind; the first is named.
fn first_of_several<T>(list: &[T], alike: impl Fn(&T, &T) -> bool) -> Option<&T> {
    list.iter()
        .find(|entry| list.iter().filter(|other| alike(other, entry)).count() > 1)
}

fn a_secret_twice(spec: &LocustTestSpec) -> Option<&str> {
    let entry = first_of_several(secrets(spec), |a, b| a.name == b.name)?;
    Some(&entry.name)
}

fn a_secret_name_that_no_volume_can_have(spec: &LocustTestSpec) -> Option<&str> {
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let fits = |name: &str| {
        name.chars().count() <= MAX_MOUNTED_SECRET
            && name.ends_with(edge)
            && name.chars().all(|c| edge(c) || c == '-')
    };
    let entry = secrets(spec).iter().find(|entry| !fits(&entry.name))?;
    Some(&entry.name)
}

fn two_secrets_at_one_path(spec: &LocustTestSpec) -> Option<&str> {
    let same_path = |a: &SecretMount, b: &SecretMount| a.mount_path == b.mount_path;
    let entry = first_of_several(secrets(spec), same_path)?;
    Some(&entry.mount_path)
}

fn two_volumes_at_one_path(spec: &LocustTestSpec) -> Option<&str> {
    let meet =
        |a: MountTarget, b: MountTarget| a == b || a == MountTarget::Both || b == MountTarget::Both;
    let entry = first_of_several(mounts(spec), |a, b| {
        a.mount.mount_path == b.mount.mount_path && meet(a.target, b.target)
    })?;
    Some(&entry.mount.mount_path)
}

fn a_volume_at_the_path_of_a_secret(spec: &LocustTestSpec) -> Option<&str> {
    let taken = |path: &str| secrets(spec).iter().any(|secret| secret.mount_path == path);
    let entry = mounts(spec)
        .iter()
        .find(|entry| taken(&entry.mount.mount_path))?;
    Some(&entry.mount.mount_path)
}

/// Where the test files are mounted, if there are any.
fn src_path(spec: &LocustTestSpec) -> Option<&str> {
    let TestFiles {
        config_map_ref,
        src_mount_path,
        lib_config_map_ref: _,
        lib_mount_path: _,
    } = spec.test_files.as_ref()?;
    path_of(
        config_map_ref.as_deref(),
        src_mount_path,
        defaults::SRC_MOUNT_PATH,
    )
}

/// Where the libraries are mounted, if there are any.
fn lib_path(spec: &LocustTestSpec) -> Option<&str> {
    let TestFiles {
        lib_config_map_ref,
        lib_mount_path,
        config_map_ref: _,
        src_mount_path: _,
    } = spec.test_files.as_ref()?;
    path_of(
        lib_config_map_ref.as_deref(),
        lib_mount_path,
        defaults::LIB_MOUNT_PATH,
    )
}

fn path_of<'a>(config_map: Option<&str>, path: &'a str, default: &'a str) -> Option<&'a str> {
    let is_set = config_map.is_some_and(|name| !name.is_empty());
    is_set.then_some(if path.is_empty() { default } else { path })
}

fn has_volume_at(spec: &LocustTestSpec, path: &str) -> bool {
    mounts(spec)
        .iter()
        .any(|entry| entry.mount.mount_path == path)
}

fn has_secret_at(spec: &LocustTestSpec, path: &str) -> bool {
    secrets(spec).iter().any(|secret| secret.mount_path == path)
}

fn a_volume_at_the_path_of_the_test_files(spec: &LocustTestSpec) -> Option<&str> {
    src_path(spec).filter(|path| has_volume_at(spec, path))
}

fn a_volume_at_the_path_of_the_libraries(spec: &LocustTestSpec) -> Option<&str> {
    lib_path(spec).filter(|path| has_volume_at(spec, path))
}

fn a_secret_at_the_path_of_the_test_files(spec: &LocustTestSpec) -> Option<&str> {
    src_path(spec).filter(|path| has_secret_at(spec, path))
}

fn a_secret_at_the_path_of_the_libraries(spec: &LocustTestSpec) -> Option<&str> {
    lib_path(spec).filter(|path| has_secret_at(spec, path))
}

fn test_files_and_libraries_at_one_path(spec: &LocustTestSpec) -> Option<&str> {
    src_path(spec).filter(|path| lib_path(spec) == Some(path))
}

fn is_mounted(spec: &LocustTestSpec, volume: &str) -> bool {
    mounts(spec).iter().any(|entry| entry.mount.name == volume)
}

fn two_volumes_of_one_name(spec: &LocustTestSpec) -> Option<&str> {
    let volumes = spec.volumes.as_deref().unwrap_or_default();
    let entry = first_of_several(volumes, |a, b| {
        a.name == b.name && is_mounted(spec, &a.name)
    })?;
    Some(&entry.name)
}

fn a_volume_named_as_the_libraries(spec: &LocustTestSpec) -> Option<&str> {
    lib_path(spec)?;
    let mut volumes = spec.volumes.iter().flatten();
    let is_taken = volumes.any(|volume| volume.name == LIB_VOLUME) && is_mounted(spec, LIB_VOLUME);
    is_taken.then_some(LIB_VOLUME)
}

fn a_volume_named_as_a_secret_mount(spec: &LocustTestSpec) -> Option<&str> {
    let is_taken = |name: &str| {
        let secret = name.strip_prefix(SECRET_VOLUME_PREFIX);
        secret.is_some_and(|secret| secrets(spec).iter().any(|mount| mount.name == secret))
            && is_mounted(spec, name)
    };
    let mut volumes = spec.volumes.iter().flatten();
    let volume = volumes.find(|volume| is_taken(&volume.name))?;
    Some(&volume.name)
}

fn a_mount_of_no_volume(spec: &LocustTestSpec) -> Option<&str> {
    let is_there = |name: &str| {
        let mut volumes = spec.volumes.iter().flatten();
        volumes.any(|volume| volume.name == name)
            || name == LIB_VOLUME
            || name.starts_with(SECRET_VOLUME_PREFIX)
            || name.ends_with("-master")
            || name.ends_with("-worker")
    };
    let entry = mounts(spec)
        .iter()
        .find(|entry| !is_there(&entry.mount.name))?;
    Some(&entry.mount.name)
}
