//! What the operator still waits for, in words: the answer of `/readyz`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Shared list of what is waited for. Empty means ready.
#[derive(Clone, Debug, Default)]
pub(super) struct Readiness(Arc<Mutex<BTreeMap<String, String>>>);

impl Readiness {
    /// Notes that `what` is waited for and why. Returns whether that is news.
    pub(super) fn wait_for(&self, what: &str, why: &str) -> bool {
        let old = self.lock().insert(what.to_owned(), why.to_owned());
        old.as_deref() != Some(why)
    }

    /// Notes that `what` has come.
    pub(super) fn has(&self, what: &str) {
        self.lock().remove(what);
    }

    /// One line per thing that is waited for.
    pub(super) fn waiting(&self) -> Vec<String> {
        self.lock()
            .iter()
            .map(|(what, why)| format!("{what}: {why}"))
            .collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
