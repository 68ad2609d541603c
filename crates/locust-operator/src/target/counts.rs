//! Counting, without IO.
//!
//! Two moments of a request are counted. `received` is when it arrives;
//! `answered` is when its answer, after the latency, is handed to a connection
//! that is still open. **`answered` is what Locust counts**: when a run is cut
//! off, Locust drops the requests in flight and closes their connections, so
//! the target has received them, never answered them, and Locust never counts
//! them. `received` is the number to look at when asking whether anybody still
//! sends load.
//!
//! Whether an answer fails is decided in the moment in which it is counted, so
//! the share of failures among the answered requests is exact.

use std::collections::BTreeMap;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::behaviour::Failure;

/// Distinct paths that are counted one by one. A load test that makes up its
/// paths would otherwise fill the memory.
const MAX_PATHS: usize = 1000;

/// The name under which all further paths are counted. No path is equal to it.
const OTHER_PATHS: &str = "(other)";

/// What a target has counted: the answer of `GET /-/stats`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Requests that have arrived.
    pub received: u64,
    /// Requests answered on an open connection: the number that Locust's
    /// request count is compared with. Failed ones are included.
    pub answered: u64,
    /// Answers with a status of 400 or more.
    pub failures: u64,
    /// Milliseconds since the last request arrived; absent before the first.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub since_last_ms: Option<u64>,
    /// The same by path; paths beyond the first thousand count as `(other)`.
    pub paths: BTreeMap<String, PathStats>,
}

/// What was counted for one path.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathStats {
    /// Requests that have arrived.
    pub received: u64,
    /// Requests answered on an open connection.
    pub answered: u64,
    /// Answers with a status of 400 or more.
    pub failures: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counts {
    paths: BTreeMap<String, PathStats>,
    last: Option<Instant>,
}

impl Counts {
    pub(super) fn receive(&mut self, path: &str, now: Instant) {
        self.last = Some(now);
        self.path(path).received += 1;
    }

    /// Counts an answer, and says with which status the path fails this time.
    pub(super) fn answer(&mut self, path: &str, failure: Option<Failure>) -> Option<u16> {
        let counted = self.path(path);
        counted.answered += 1;
        let status = failure
            .filter(|failure| failure.ratio.hits(counted.answered))
            .map(|failure| failure.status);
        if status.is_some() {
            counted.failures += 1;
        }
        status
    }

    pub(super) fn stats(&self, now: Instant) -> Stats {
        let since_last_ms = self.last.map(|last| {
            let passed = now.saturating_duration_since(last).as_millis();
            u64::try_from(passed).unwrap_or(u64::MAX)
        });
        let sum = |part: fn(&PathStats) -> u64| self.paths.values().map(part).sum();
        Stats {
            received: sum(|path| path.received),
            answered: sum(|path| path.answered),
            failures: sum(|path| path.failures),
            since_last_ms,
            paths: self.paths.clone(),
        }
    }

    fn path(&mut self, path: &str) -> &mut PathStats {
        let known = self.paths.contains_key(path) || self.paths.len() < MAX_PATHS;
        let name = if known { path } else { OTHER_PATHS };
        self.paths.entry(name.to_owned()).or_default()
    }
}
