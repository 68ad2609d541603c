//! Every default value of the API, once: the schema, the documentation and the
//! code take it from here.

use crate::v2::{ImagePullPolicy, MountTarget, OtlpProtocol};

/// Where `testFiles.configMapRef` is mounted.
pub const SRC_MOUNT_PATH: &str = "/lotest/src";
/// Where `testFiles.libConfigMapRef` is mounted.
pub const LIB_MOUNT_PATH: &str = "/opt/locust/lib";
/// Seconds that the master waits after the end of the run before it quits.
pub const AUTOQUIT_TIMEOUT_SECONDS: i32 = 60;

pub(crate) fn yes() -> bool {
    true
}

pub(crate) fn worker_replicas() -> i32 {
    1
}

pub(crate) fn autoquit_timeout() -> i32 {
    AUTOQUIT_TIMEOUT_SECONDS
}

pub(crate) fn src_mount_path() -> String {
    SRC_MOUNT_PATH.to_owned()
}

pub(crate) fn lib_mount_path() -> String {
    LIB_MOUNT_PATH.to_owned()
}

pub(crate) fn image_pull_policy() -> ImagePullPolicy {
    ImagePullPolicy::IfNotPresent
}

pub(crate) fn mount_target() -> MountTarget {
    MountTarget::Both
}

pub(crate) fn otlp_protocol() -> OtlpProtocol {
    OtlpProtocol::Grpc
}
