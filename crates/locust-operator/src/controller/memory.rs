//! What the operator remembers of its own doings.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt;
use locust_api::latest::LocustTest;
use locust_core::decide::Reading;
use locust_core::observed::{LastRefusal, Notice, RefusalCause};
use tokio::time::Instant;

/// How long the watch may take to tell of a write.
pub(super) const LAG: Duration = Duration::from_secs(2);

/// What the operator remembers of its own doings; lost with the process, and
/// never needed to be right.
#[derive(Default)]
pub(super) struct Memory {
    /// When a test's status was last written, and as which version, by UID.
    written: Mutex<HashMap<String, (Instant, String)>>,
    /// How often in a row a test's reconcile failed, by UID.
    failures: Mutex<HashMap<String, u32>>,
    /// What events said of a test's objects, and when they were read, by UID.
    noticed: Mutex<HashMap<String, (Instant, Vec<Notice>)>>,
    /// The last refused step of a test, by UID.
    refused: Mutex<HashMap<String, Refused>>,
    /// Which version of an undecodable test was told of, by UID.
    told: Mutex<HashMap<String, String>>,
}

/// A step that the API server refused.
#[derive(Clone, Copy)]
struct Refused {
    generation: Option<i64>,
    cause: RefusalCause,
    at: Instant,
}

impl Memory {
    pub(super) fn since_write(&self, test: &LocustTest) -> Option<Duration> {
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.get(&test.uid()?).map(|(at, _)| at.elapsed())
    }

    /// How long to wait for the watch, if it has yet to tell of the last
    /// write: a look at what was before it would want to write it again.
    pub(super) fn lags(&self, test: &LocustTest) -> Option<Duration> {
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, version) = written.get(&test.uid()?)?;
        let wait = LAG.checked_sub(at.elapsed())?;
        // Since 1.35 it is promised that versions are numbers that grow.
        let seen: u64 = test.resource_version()?.parse().ok()?;
        let wrote: u64 = version.parse().ok()?;
        (seen < wrote).then_some(wait)
    }

    /// After a failure memory is not believed: what it said may be the reason.
    pub(super) fn least_reading(&self, test: &LocustTest) -> Reading {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        match failures.contains_key(&test.uid().unwrap_or_default()) {
            true => Reading::Everything,
            false => Reading::Nothing,
        }
    }

    pub(super) fn wrote(&self, test: &LocustTest) {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(uid) = test.uid() {
            let version = test.resource_version().unwrap_or_default();
            written.insert(uid, (Instant::now(), version));
        }
    }

    /// How old the answers about a test are, and what they were.
    pub(super) fn notices(&self, uid: &str) -> (Option<Duration>, Vec<Notice>) {
        let noticed = self.noticed.lock().unwrap_or_else(PoisonError::into_inner);
        match noticed.get(uid) {
            Some((at, notices)) => (Some(at.elapsed()), notices.clone()),
            None => (None, Vec::new()),
        }
    }

    pub(super) fn noticed(&self, uid: String, notices: Vec<Notice>) {
        let mut noticed = self.noticed.lock().unwrap_or_else(PoisonError::into_inner);
        noticed.insert(uid, (Instant::now(), notices));
    }

    pub(super) fn was_refused(&self, test: &LocustTest, cause: RefusalCause) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(uid) = test.uid() {
            let generation = test.metadata.generation;
            let at = Instant::now();
            refused.insert(
                uid,
                Refused {
                    generation,
                    cause,
                    at,
                },
            );
        }
    }

    pub(super) fn last_refusal(&self, test: &LocustTest) -> Option<LastRefusal> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let Refused {
            generation,
            cause,
            at,
        } = *refused.get(&test.uid()?)?;
        Some(LastRefusal {
            generation,
            cause,
            ago: at.elapsed(),
        })
    }

    pub(super) fn failed(&self, uid: &str) -> u32 {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let count = failures.entry(uid.to_owned()).or_default();
        *count = count.saturating_add(1);
        *count
    }

    pub(super) fn succeeded(&self, test: &ObjectMeta) {
        let uid = test.uid.as_deref().unwrap_or_default();
        self.failures
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(uid);
    }

    /// Whether this version of a test has not been told of; from now on it has.
    pub(super) fn is_news(&self, test: &ObjectMeta) -> bool {
        let uid = test.uid.clone().unwrap_or_default();
        let version = test.resource_version.clone().unwrap_or_default();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.insert(uid, version.clone()) != Some(version)
    }

    /// Forgets a test that is gone or over.
    pub(super) fn forget(&self, is_known: impl Fn(&str) -> bool) {
        self.written
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|uid, _| is_known(uid));
        self.refused
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|uid, _| is_known(uid));
        self.told
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|uid, _| is_known(uid));
        self.noticed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|uid, _| is_known(uid));
        self.failures
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|uid, _| is_known(uid));
    }
}
