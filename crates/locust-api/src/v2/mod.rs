//! `locust.io/v2`, the stored version. One file per group of fields; the doc
//! comments become the CRD's descriptions.

mod env;
mod files;
mod observability;
mod results;
mod roles;
mod scheduling;
mod security;
mod spec;
mod stats;
mod status;
mod storage;
mod thresholds;

pub use env::{ConfigMapEnv, Env, SecretEnv, SecretMount};
pub use files::{MountTarget, TargetedVolumeMount, TestFiles};
pub use observability::{MetricsExporter, Observability, OpenTelemetry, OtlpProtocol};
pub use results::{Completeness, EndpointResult, ErrorResult, RequestResult, Results, Verdict};
pub use roles::{Autoquit, Master, Worker};
pub use scheduling::Scheduling;
pub use security::Security;
pub use spec::{
    Cleanup, DesiredState, ImagePullPolicy, LocustTest, LocustTestSpec, StartPolicy, WorkerCleanup,
};
pub use stats::{LocustState, LocustStats};
pub use status::{Failure, LocustTestStatus, Phase, Run, Stop};
pub use storage::{ConfigMapPolicy, ResultBucket, ResultStorage, ResultVolume};
pub use thresholds::{Metric, Threshold, Unit};
