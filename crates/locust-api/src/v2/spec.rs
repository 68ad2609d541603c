//! The root of a LocustTest's spec.

#![allow(clippy::duplicated_attributes)] // each print column has its own `type_`

use k8s_openapi::api::core::v1::{LocalObjectReference, Volume};
use kube_derive::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Env, LocustTestStatus, Master, Observability, ResultStorage, Scheduling, Security,
    TargetedVolumeMount, TestFiles, Threshold, Worker,
};
use crate::defaults;

/// What the test runs and how.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "locust.io",
    version = "v2",
    kind = "LocustTest",
    plural = "locusttests",
    singular = "locusttest",
    shortname = "lotest",
    namespaced,
    doc = "A distributed Locust load test: one master and its workers, run once.",
    status = "LocustTestStatus",
    derive = "PartialEq",
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(
        name = "Workers",
        type_ = "integer",
        json_path = ".spec.worker.replicas"
    ),
    printcolumn(
        name = "Connected",
        type_ = "integer",
        json_path = ".status.connectedWorkers"
    ),
    printcolumn(name = "Users", type_ = "integer", json_path = ".status.locust.users"),
    printcolumn(
        name = "RPS",
        type_ = "string",
        json_path = ".status.locust.requestsPerSecond"
    ),
    printcolumn(
        name = "Fail%",
        type_ = "string",
        json_path = ".status.locust.failPercent"
    ),
    printcolumn(name = "P95", type_ = "integer", json_path = ".status.locust.p95Ms"),
    printcolumn(name = "Verdict", type_ = "string", json_path = ".status.verdict"),
    printcolumn(
        name = "Requests",
        type_ = "integer",
        json_path = ".status.locust.requests",
        priority = 1
    ),
    printcolumn(
        name = "Failures",
        type_ = "integer",
        json_path = ".status.locust.failures",
        priority = 1
    ),
    printcolumn(
        name = "Median",
        type_ = "integer",
        json_path = ".status.locust.medianMs",
        priority = 1
    ),
    printcolumn(
        name = "P99",
        type_ = "integer",
        json_path = ".status.locust.p99Ms",
        priority = 1
    ),
    printcolumn(
        name = "Remaining",
        type_ = "integer",
        json_path = ".status.locust.remainingSeconds",
        priority = 1
    ),
    printcolumn(
        name = "Image",
        type_ = "string",
        json_path = ".spec.image",
        priority = 1
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp"
    ),
    crates(
        kube_core = "::kube_core",
        k8s_openapi = "::k8s_openapi",
        schemars = "::schemars"
    )
)]
#[serde(rename_all = "camelCase")]
pub struct LocustTestSpec {
    /// Image with Locust, for the master and the workers.
    pub image: String,
    /// When the image is pulled.
    #[serde(default = "defaults::image_pull_policy")]
    pub image_pull_policy: ImagePullPolicy,
    /// Secrets of this namespace with credentials for the image's registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_pull_secrets: Option<Vec<LocalObjectReference>>,
    /// The master: one pod that coordinates the workers.
    pub master: Master,
    /// The workers: the pods that make the load.
    pub worker: Worker,
    /// Where the locustfile and its libraries come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_files: Option<TestFiles>,
    /// Which nodes the pods run on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduling: Option<Scheduling>,
    /// Environment of the Locust containers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env: Option<Env>,
    /// Additional volumes. A volume without a mount for a role is left out of
    /// that role's pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volumes: Option<Vec<Volume>>,
    /// Where the additional volumes are mounted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_mounts: Option<Vec<TargetedVolumeMount>>,
    /// Security settings of the pods and the Locust containers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security: Option<Security>,
    /// How the test reports its metrics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observability: Option<Observability>,
    /// What a good run is, in numbers. Without thresholds a run is as good as
    /// Locust says: any failed request fails it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thresholds: Option<Vec<Threshold>>,
    /// Running, or Stopped: a run under way is stopped, its results are kept,
    /// and its pods end. A test that is Stopped before its run waits. May be
    /// edited while the test runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desired_state: Option<DesiredState>,
    /// How many seconds after its begin a run that is not over is stopped, and
    /// fails. May be edited while the test runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub active_deadline_seconds: Option<i64>,
    /// How many seconds after the start of the master all workers are to be
    /// connected; if they never were, `startPolicy` says what becomes of the
    /// run. Without it they are waited for without end. May be edited while the
    /// test runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub start_deadline_seconds: Option<i64>,
    /// What becomes of a run whose workers were not all connected within
    /// `startDeadlineSeconds`: Fail, or StartAnyway with those that are. Fail if
    /// unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_policy: Option<StartPolicy>,
    /// Where the full results are kept. `configMap` may be edited while the test
    /// runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub results: Option<ResultStorage>,
    /// When the Jobs and pods of a test that is over are removed. The test, its
    /// status and its results stay. May be edited at any time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cleanup: Option<Cleanup>,
}

/// When the Jobs and pods of a test that is over are removed. Without it they
/// stay as long as the test, or as the operator's settings say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cleanup {
    /// How many seconds after its end those of a test that Passed are removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub ttl_seconds_after_success: Option<i32>,
    /// The same for a test that did not: Failed, or Inconclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub ttl_seconds_after_failure: Option<i32>,
    /// Immediately: the workers' go at the end of the run, whatever the seconds
    /// above say. WithMaster: with those of the master. WithMaster if unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workers: Option<WorkerCleanup>,
}

/// When the workers of a test that is over are removed: Immediately or
/// WithMaster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs)]
pub enum WorkerCleanup {
    Immediately,
    WithMaster,
}

/// What becomes of a run without all its workers: Fail or StartAnyway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs)]
pub enum StartPolicy {
    Fail,
    StartAnyway,
}

/// What is wanted of a test: Running or Stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs)]
pub enum DesiredState {
    Running,
    Stopped,
}

/// When an image is pulled: Always, IfNotPresent or Never.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs)]
pub enum ImagePullPolicy {
    Always,
    IfNotPresent,
    Never,
}

impl ImagePullPolicy {
    /// The policy as Kubernetes spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Always => "Always",
            Self::IfNotPresent => "IfNotPresent",
            Self::Never => "Never",
        }
    }
}
