//! A small HTTP server to try load tests against: its answers are chosen, and
//! its own counters are the truth that a load test's totals are compared with.
//!
//! Every path answers `200 ok` after the chosen latency, unless a rule makes
//! it fail. Paths below `/-/` talk about the target and are never counted:
//!
//! | request | does |
//! |---|---|
//! | `GET /-/stats` | the counters, see [`Stats`] |
//! | `POST /-/behaviour` | changes latency or failures while it runs, see [`Change`] |
//! | `POST /-/reset` | sets the counters back to zero |
//!
//! `behaviour.rs` reads what was asked for, `counts.rs` counts and decides
//! which answers fail (both without IO), `serve.rs` speaks HTTP.

mod behaviour;
mod counts;
mod serve;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use behaviour::{Behaviour, BehaviourError, Change, FailRule, Latency, Ratio};
pub use counts::{PathStats, Stats};
pub use serve::serve;

use counts::Counts;

/// A target: how it answers and what it has counted. Clones share both.
#[derive(Debug, Clone)]
pub struct Target {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug)]
struct Shared {
    behaviour: Behaviour,
    counts: Counts,
}

impl Target {
    /// A target that has seen no request yet.
    #[must_use]
    pub fn new(behaviour: Behaviour) -> Self {
        Self {
            shared: Arc::new(Mutex::new(Shared {
                behaviour,
                counts: Counts::default(),
            })),
        }
    }

    /// What has been counted so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.lock().counts.stats(std::time::Instant::now())
    }

    /// Changes how requests are answered from now on.
    pub fn change(&self, change: Change) -> Result<(), BehaviourError> {
        self.lock().behaviour.change(change)
    }

    /// Sets every counter back to zero.
    pub fn reset(&self) {
        self.lock().counts = Counts::default();
    }

    // The counters are plain numbers: they are whole even if a thread died
    // while it held them.
    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<Behaviour> for Target {
    fn from(behaviour: Behaviour) -> Self {
        Self::new(behaviour)
    }
}
