//! What the operator remembers of its own doings.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt;
use locust_api::latest::LocustTest;
use locust_core::decide::Reading;
use locust_core::observed::{LastRefusal, Notice, RefusalCause};
use locust_core::report::Storing;
use tokio::time::Instant;

/// How long the watch may take to tell of a write.
const LAG: Duration = Duration::from_secs(2);

/// What the operator remembers of its own doings, by the test's UID; lost with
/// the process, and never needed to be right.
#[derive(Default)]
pub(super) struct Memory(Mutex<HashMap<String, Doings>>);

/// What was done for one test.
#[derive(Default)]
struct Doings {
    /// When its status was last written, and as which version.
    written: Option<(Instant, String)>,
    /// How often in a row its reconcile failed.
    failures: u32,
    /// What events said of its objects, and when they were read.
    noticed: Option<(Instant, Vec<Notice>)>,
    /// The last step that the API server refused.
    refused: Option<Refused>,
    /// What became of the last attempt to store its results, and when it was.
    stored: Option<(Instant, Storing)>,
    /// Which of its versions was told of as undecodable.
    told: Option<String>,
}

#[derive(Clone, Copy)]
struct Refused {
    generation: Option<i64>,
    cause: RefusalCause,
    at: Instant,
}

impl Memory {
    pub(super) fn since_write(&self, test: &LocustTest) -> Option<Duration> {
        let doings = self.lock();
        let (at, _) = doings.get(&test.uid()?)?.written.as_ref()?;
        Some(at.elapsed())
    }

    /// How long to wait for the watch, if it has yet to tell of the last
    /// write: a look at what was before it would want to write it again.
    pub(super) fn lags(&self, test: &LocustTest) -> Option<Duration> {
        let doings = self.lock();
        let (at, version) = doings.get(&test.uid()?)?.written.as_ref()?;
        let wait = LAG.checked_sub(at.elapsed())?;
        // Since 1.35 it is promised that versions are numbers that grow.
        let seen: u64 = test.resource_version()?.parse().ok()?;
        let wrote: u64 = version.parse().ok()?;
        (seen < wrote).then_some(wait)
    }

    /// After a failure memory is not believed: what it said may be the reason.
    pub(super) fn least_reading(&self, test: &LocustTest) -> Reading {
        let doings = self.lock();
        let of_test = test.uid().and_then(|uid| doings.get(&uid));
        match of_test.is_some_and(|doings| doings.failures > 0) {
            true => Reading::Everything,
            false => Reading::Nothing,
        }
    }

    pub(super) fn wrote(&self, test: &LocustTest) {
        let version = test.resource_version().unwrap_or_default();
        self.note(&test.metadata, |doings| {
            doings.written = Some((Instant::now(), version));
        });
    }

    /// How old the answers about a test are, and what they were.
    pub(super) fn notices(&self, test: &LocustTest) -> (Option<Duration>, Vec<Notice>) {
        let doings = self.lock();
        let noticed = test.uid().and_then(|uid| doings.get(&uid)?.noticed.clone());
        noticed.map_or_else(Default::default, |(at, notices)| {
            (Some(at.elapsed()), notices)
        })
    }

    pub(super) fn noticed(&self, test: &LocustTest, notices: Vec<Notice>) {
        self.note(&test.metadata, |doings| {
            doings.noticed = Some((Instant::now(), notices));
        });
    }

    pub(super) fn was_refused(&self, test: &LocustTest, cause: RefusalCause) {
        let refused = Refused {
            generation: test.metadata.generation,
            cause,
            at: Instant::now(),
        };
        self.note(&test.metadata, |doings| doings.refused = Some(refused));
    }

    pub(super) fn last_refusal(&self, test: &LocustTest) -> Option<LastRefusal> {
        let doings = self.lock();
        let Refused {
            generation,
            cause,
            at,
        } = doings.get(&test.uid()?)?.refused?;
        Some(LastRefusal {
            generation,
            cause,
            ago: at.elapsed(),
        })
    }

    pub(super) fn tried_to_store(&self, test: &LocustTest, storing: &Storing) {
        self.note(&test.metadata, |doings| {
            doings.stored = Some((Instant::now(), storing.clone()));
        });
    }

    pub(super) fn storing(&self, test: &LocustTest) -> Option<Storing> {
        let doings = self.lock();
        let (at, storing) = doings.get(&test.uid()?)?.stored.clone()?;
        Some(match storing {
            Storing::Done => Storing::Done,
            Storing::Failed { why, ago: _ } => Storing::Failed {
                why,
                ago: at.elapsed(),
            },
        })
    }

    /// Returns how often in a row it has failed now.
    pub(super) fn failed(&self, test: &ObjectMeta) -> u32 {
        self.note(test, |doings| {
            doings.failures = doings.failures.saturating_add(1);
            doings.failures
        })
    }

    pub(super) fn succeeded(&self, test: &ObjectMeta) {
        let uid = test.uid.as_deref().unwrap_or_default();
        if let Some(doings) = self.lock().get_mut(uid) {
            doings.failures = 0;
        }
    }

    /// Whether this version of a test has not been told of; from now on it has.
    pub(super) fn is_news(&self, test: &ObjectMeta) -> bool {
        let version = test.resource_version.clone().unwrap_or_default();
        self.note(test, |doings| {
            doings.told.replace(version.clone()) != Some(version)
        })
    }

    /// Forgets all tests but these, by UID.
    pub(super) fn keep(&self, is_kept: impl Fn(&str) -> bool) {
        self.lock().retain(|uid, _| is_kept(uid));
    }

    fn note<T>(&self, test: &ObjectMeta, note: impl FnOnce(&mut Doings) -> T) -> T {
        let uid = test.uid.clone().unwrap_or_default();
        note(self.lock().entry(uid).or_default())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Doings>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
