//! Workers that their Job does not replace.
//!
//! A worker that is told to stop, as every drain and eviction does, leaves
//! well: Locust exits with 0. To the Job controller one success of a Job
//! without completions means that the work is done, so it makes no more pods.
//! Then the missing ones are made here, from the Job's own template and as its
//! own pods: it counts them, and they go with it.

use std::collections::BTreeSet;

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use locust_api::names::Role;

use super::gate;
use crate::decide::Step;
use crate::observed::{JobState, Observed, has_ended, is_leaving};

/// The Job controller's mark on pods that it has not counted yet.
const TRACKED: &str = "batch.kubernetes.io/job-tracking";

/// One step for each worker that is missing for good.
pub(super) fn replacements(observed: &Observed) -> Vec<Step> {
    let Some(job) = observed
        .job(Role::Worker)
        .filter(|job| is_done(job, observed))
    else {
        return Vec::new();
    };
    if !gate::is_passed(observed) || !observed.master_runs() {
        return Vec::new();
    }
    let starting = observed
        .pods_of(Role::Worker)
        .filter(|pod| !has_ended(pod) && !is_leaving(pod) && !observed.is_worker_at_work(pod))
        .count();
    let wanted = usize::try_from(observed.workers_wanted()).unwrap_or_default();
    let present = usize::try_from(observed.workers_at_work()).unwrap_or_default() + starting;
    let job_name = job.metadata.name.as_deref().unwrap_or_default();
    let taken: BTreeSet<&str> = observed
        .pods_of(Role::Worker)
        .filter_map(|pod| pod.metadata.name.as_deref())
        .collect();
    (1..)
        .map(|number: u32| format!("{job_name}-r{number}"))
        .filter(|name| !taken.contains(name.as_str()))
        .take(wanted.saturating_sub(present))
        .filter_map(|name| Some(Step::ReplaceWorker(Box::new(pod(job, name)?))))
        .collect()
}

/// Whether the Job controller makes no more pods for a Job that goes on.
fn is_done(job: &Job, observed: &Observed) -> bool {
    let status = job.status.as_ref();
    let has_success = status.is_some_and(|status| status.succeeded > Some(0));
    let is_suspended = job.spec.as_ref().and_then(|spec| spec.suspend) == Some(true);
    has_success && !is_suspended && JobState::of(job, observed.now) == JobState::Unfinished
}

fn pod(job: &Job, name: String) -> Option<Pod> {
    let template = job.spec.as_ref()?.template.clone();
    let metadata = template.metadata.unwrap_or_default();
    Some(Pod {
        metadata: ObjectMeta {
            name: Some(name),
            namespace: job.metadata.namespace.clone(),
            labels: metadata.labels,
            annotations: metadata.annotations,
            finalizers: Some(vec![TRACKED.to_owned()]),
            owner_references: Some(vec![OwnerReference {
                api_version: "batch/v1".to_owned(),
                kind: "Job".to_owned(),
                name: job.metadata.name.clone()?,
                uid: job.metadata.uid.clone()?,
                controller: Some(true),
                block_owner_deletion: None,
            }]),
            ..ObjectMeta::default()
        },
        spec: template.spec,
        status: None,
    })
}
