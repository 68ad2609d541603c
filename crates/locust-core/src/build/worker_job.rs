//! The workers' Job. It tolerates the loss of single workers: the run goes on
//! with the others, and a replacement joins them.

use k8s_openapi::api::batch::v1::{
    Job, PodFailurePolicy, PodFailurePolicyOnPodConditionsPattern, PodFailurePolicyRule,
};
use locust_api::names;

use super::command::{Reach, worker_args};
use super::job::job;
use super::pod::{PodParts, pod_template};
use crate::resolve::Resolved;

/// Crashes that a test may have before its workers are given up: Kubernetes'
/// own default. Evictions and drains do not count.
const BACKOFF_LIMIT: i32 = 6;

/// The workers' Job.
pub fn worker_job(resolved: &Resolved) -> Job {
    let template = pod_template(
        resolved,
        &resolved.worker,
        PodParts {
            args: worker_args(resolved, Reach::Service),
            ports: vec![names::WORKER_PORT],
            annotations: Default::default(),
            sidecars: Vec::new(),
            volumes: Vec::new(),
            pre_stop: None,
        },
    );
    let mut job = job(
        resolved,
        &resolved.worker,
        resolved.workers,
        BACKOFF_LIMIT,
        template,
    );
    if let Some(spec) = job.spec.as_mut() {
        spec.pod_failure_policy = Some(ignore_disruptions());
    }
    job
}

/// An evicted or drained worker does not count against the backoff limit.
fn ignore_disruptions() -> PodFailurePolicy {
    PodFailurePolicy {
        rules: vec![PodFailurePolicyRule {
            action: "Ignore".to_owned(),
            on_pod_conditions: Some(vec![PodFailurePolicyOnPodConditionsPattern {
                type_: "DisruptionTarget".to_owned(),
                status: Some("True".to_owned()),
            }]),
            on_exit_codes: None,
        }],
    }
}
