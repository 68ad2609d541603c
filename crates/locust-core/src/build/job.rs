//! What the two Jobs have in common.

use k8s_openapi::api::batch::v1::{Job, JobSpec};
use k8s_openapi::api::core::v1::PodTemplateSpec;

use super::object_meta;
use crate::resolve::{Resolved, ResolvedRole};

pub(super) fn job(
    resolved: &Resolved,
    role: &ResolvedRole,
    parallelism: i32,
    backoff_limit: i32,
    template: PodTemplateSpec,
) -> Job {
    Job {
        metadata: object_meta(resolved, &role.name),
        spec: Some(JobSpec {
            parallelism: Some(parallelism),
            backoff_limit: Some(backoff_limit),
            ttl_seconds_after_finished: resolved.job_ttl_seconds,
            template,
            ..Default::default()
        }),
        status: None,
    }
}
