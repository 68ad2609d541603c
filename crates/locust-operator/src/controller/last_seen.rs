//! The last that was seen of Jobs and pods that are gone.
//!
//! A Job with a time to live of zero is removed the moment it ends: whoever
//! asks for it then learns nothing. The watch delivers its last state, so that
//! is kept until the verdict is recorded. What goes while no operator looks is
//! not in here.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::runtime::reflector::ObjectRef;
use locust_api::latest::{LocustTest, Phase};

use super::caches::{Caches, owner_of_pod, owner_test};
use super::known::Known;

/// Shared by the watches, which fill it, and the looks, which read it.
#[derive(Clone, Default)]
pub(super) struct LastSeen(Arc<Mutex<HashMap<String, Gone>>>);

/// What is gone of one test.
#[derive(Default)]
struct Gone {
    /// By name.
    jobs: BTreeMap<String, Job>,
    pods: Vec<Pod>,
}

impl LastSeen {
    /// Notes a Job that was deleted, unless its test is over.
    pub(super) fn job_gone(&self, job: &Job, caches: &Caches) {
        if let Some(uid) = owner_test(job).and_then(|test| uid_of_unfinished(&test, caches)) {
            let mut gone = self.lock();
            let jobs = &mut gone.entry(uid).or_default().jobs;
            jobs.insert(job.name_any(), job.clone());
        }
    }

    /// Notes a pod that was deleted after it had ended, unless its test is
    /// over. Its Job may have been told of as gone before.
    pub(super) fn pod_gone(&self, pod: &Pod, caches: &Caches) {
        if !has_ended(pod) {
            return;
        }
        let known =
            owner_of_pod(pod, &caches.jobs).and_then(|test| uid_of_unfinished(&test, caches));
        let mut gone = self.lock();
        if let Some(uid) = known.or_else(|| test_of(&gone, pod)) {
            gone.entry(uid).or_default().pods.push(pod.clone());
        }
    }

    /// The last of a Job of a test.
    pub(super) fn job(&self, test: &LocustTest, name: &str) -> Option<Job> {
        let gone = self.lock();
        gone.get(test.metadata.uid.as_ref()?)?
            .jobs
            .get(name)
            .cloned()
    }

    /// The last of all pods of a test that had ended.
    pub(super) fn pods(&self, test: &LocustTest) -> Vec<Pod> {
        let gone = self.lock();
        let uid = test.metadata.uid.as_ref();
        uid.and_then(|uid| gone.get(uid))
            .map(|gone| gone.pods.clone())
            .unwrap_or_default()
    }

    /// Forgets all tests but these, by UID.
    pub(super) fn keep(&self, is_kept: impl Fn(&str) -> bool) {
        self.lock().retain(|uid, _| is_kept(uid));
    }

    /// Forgets a test.
    pub(super) fn forget(&self, test: &LocustTest) {
        if let Some(uid) = &test.metadata.uid {
            self.lock().remove(uid);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Gone>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The test of a pod whose Job is gone.
fn test_of(gone: &HashMap<String, Gone>, pod: &Pod) -> Option<String> {
    let is_its = |job: &Job| {
        let mut owners = pod.owner_references().iter();
        owners.any(|owner| Some(&owner.uid) == job.metadata.uid.as_ref())
    };
    gone.iter()
        .find(|(_, gone)| gone.jobs.values().any(is_its))
        .map(|(uid, _)| uid.clone())
}

fn has_ended(pod: &Pod) -> bool {
    let status = pod.status.as_ref();
    let mut containers = status
        .into_iter()
        .flat_map(|status| status.container_statuses.iter().flatten());
    containers.any(|container| {
        let state = container.state.as_ref();
        state.is_some_and(|state| state.terminated.is_some())
    })
}

fn uid_of_unfinished(test: &ObjectRef<Known>, caches: &Caches) -> Option<String> {
    let test = caches.tests.get(test)?.test().ok()?;
    let phase = test.status.as_ref().and_then(|status| status.phase);
    match phase.is_some_and(Phase::is_terminal) {
        true => None,
        false => test.metadata.uid,
    }
}
