//! What the validating webhook of the Go operator 2.3.0 refuses, in its order
//! and its words.
//!
//! It reserves names and paths whether or not a test uses what they are
//! reserved for, so most of it could be run, and is where that webhook is off.

use locust_api::condition::Reason;
use locust_api::defaults::{LIB_MOUNT_PATH, SRC_MOUNT_PATH};
use locust_api::latest::{LocustTest, LocustTestSpec, TestFiles};
use locust_api::names::{LIB_VOLUME, MAX_TEST_NAME, Role, SECRET_VOLUME_PREFIX, role_name};

use super::Problem;

/// The first thing that it would refuse in `test`.
pub(super) fn refusal(test: &LocustTest) -> Option<Problem> {
    let spec = &test.spec;
    let name = test.metadata.name.as_deref().unwrap_or_default();
    let reserved = reserved(spec);
    too_long(name)
        .or_else(|| secret_mounts(spec, &reserved))
        .or_else(|| volumes(spec, name))
        .or_else(|| mounts(spec, &reserved))
        .or_else(|| references(spec))
        .or_else(|| telemetry(spec))
}

fn problem(reason: Reason, field: impl Into<String>, message: String) -> Problem {
    Problem {
        field: field.into(),
        message,
        reason,
    }
}

/// A name that leaves no room for `-master` behind it.
pub(super) fn too_long(name: &str) -> Option<Problem> {
    (name.len() > MAX_TEST_NAME).then(|| {
        let message = format!(
            "name {name:?} is too long: generated Job names would exceed 63 characters (max CR name length is {MAX_TEST_NAME})"
        );
        problem(Reason::InvalidName, "metadata.name", message)
    })
}

/// Paths that it keeps free: those of the ConfigMaps that are mounted, and
/// both if none is.
fn reserved(spec: &LocustTestSpec) -> Vec<&str> {
    let files = spec.test_files.as_ref();
    let is_set = |name: Option<&String>| name.is_some_and(|name| !name.is_empty());
    let src = is_set(files.and_then(|files| files.config_map_ref.as_ref()));
    let lib = is_set(files.and_then(|files| files.lib_config_map_ref.as_ref()));
    let path = |of: fn(&TestFiles) -> &String, default| {
        let path = files.map(of).filter(|path| !path.is_empty());
        path.map_or(default, String::as_str)
    };
    let src_path = path(|files| &files.src_mount_path, SRC_MOUNT_PATH);
    let lib_path = path(|files| &files.lib_mount_path, LIB_MOUNT_PATH);
    [(src_path, src || !lib), (lib_path, lib || !src)]
        .into_iter()
        .filter_map(|(path, is_reserved)| is_reserved.then_some(path))
        .collect()
}

/// The reserved path that `path` is, holds or lies in.
fn conflict<'a>(path: &str, reserved: &[&'a str]) -> Option<&'a str> {
    let trimmed = |path: &'a str| path.strip_suffix('/').unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    let is_below = |inner: &str, outer: &str| {
        let rest = inner.strip_prefix(outer);
        rest.is_some_and(|rest| rest.starts_with('/'))
    };
    reserved.iter().copied().find(|reserved| {
        let reserved = trimmed(reserved);
        path == reserved || is_below(path, reserved) || is_below(reserved, path)
    })
}

fn secret_mounts(spec: &LocustTestSpec, reserved: &[&str]) -> Option<Problem> {
    let env = spec.env.as_ref()?;
    let mut mounts = env.secret_mounts.iter().flatten().enumerate();
    mounts.find_map(|(index, mount)| {
        let path = &mount.mount_path;
        let taken = conflict(path, reserved)?;
        let message = format!(
            "secretMount path {path:?} conflicts with reserved path {taken:?}; operator uses this path for test files"
        );
        let field = format!("spec.env.secretMounts[{index}].mountPath");
        Some(problem(Reason::InvalidVolumes, field, message))
    })
}

fn volumes(spec: &LocustTestSpec, test: &str) -> Option<Problem> {
    let generated = [Role::Master, Role::Worker].map(|role| role_name(test, role));
    let names = spec.volumes.iter().flatten().map(|volume| &volume.name);
    names.enumerate().find_map(|(index, name)| {
        let message = if name.starts_with(SECRET_VOLUME_PREFIX) {
            format!("volume name {name:?} uses reserved prefix {SECRET_VOLUME_PREFIX:?}")
        } else if name == LIB_VOLUME {
            format!("volume name {name:?} is reserved by the operator")
        } else if generated.contains(name) {
            format!("volume name {name:?} conflicts with operator-generated name")
        } else {
            return None;
        };
        let field = format!("spec.volumes[{index}].name");
        Some(problem(Reason::InvalidVolumes, field, message))
    })
}

fn mounts(spec: &LocustTestSpec, reserved: &[&str]) -> Option<Problem> {
    let mut mounts = spec.volume_mounts.iter().flatten().enumerate();
    mounts.find_map(|(index, entry)| {
        let path = &entry.mount.mount_path;
        let taken = conflict(path, reserved)?;
        let message = format!("volumeMount path {path:?} conflicts with reserved path {taken:?}");
        let field = format!("spec.volumeMounts[{index}].mountPath");
        Some(problem(Reason::InvalidVolumes, field, message))
    })
}

fn references(spec: &LocustTestSpec) -> Option<Problem> {
    let is_defined = |name: &str| {
        let mut volumes = spec.volumes.iter().flatten();
        volumes.any(|volume| volume.name == name)
    };
    let mut mounts = spec.volume_mounts.iter().flatten().enumerate();
    mounts.find_map(|(index, entry)| {
        let name = &entry.mount.name;
        let message = format!("volumeMount {name:?} references undefined volume");
        let field = format!("spec.volumeMounts[{index}].name");
        (!is_defined(name)).then(|| problem(Reason::InvalidVolumes, field, message))
    })
}

fn telemetry(spec: &LocustTestSpec) -> Option<Problem> {
    let telemetry = spec.observability.as_ref()?.open_telemetry.as_ref()?;
    let has_endpoint = telemetry.endpoint.as_ref().is_some_and(|it| !it.is_empty());
    (telemetry.enabled && !has_endpoint).then(|| {
        let field = "observability.openTelemetry.endpoint";
        let message = format!("{field} is required when OpenTelemetry is enabled");
        problem(Reason::InvalidEnvironment, format!("spec.{field}"), message)
    })
}
