//! One answer of `GET /stats/requests`.
//!
//! The fields changed names between versions, a locustfile may change which
//! percentiles are reported, and numbers may be `null`: so the answer is read
//! field by field, and a missing one is `None` or zero, never an error. Only an
//! answer that is no statistics at all (a login page, for example) is refused.

use std::cmp::Reverse;
use std::collections::BTreeMap;

pub use locust_api::latest::LocustState as State;

use super::answer::Answer;
use super::wire::{Rows, Scalar};

/// What the master says about the run at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// State of the master.
    pub state: State,
    /// Simulated users at work.
    pub users: u64,
    /// Requests per second over the last seconds, zero once nobody is at work.
    pub requests_per_second: f64,
    /// Failed requests per second over the last seconds, zero as above.
    pub failures_per_second: f64,
    /// Median of the last seconds. `None` when Locust gives none.
    pub current_p50_ms: Option<f64>,
    /// 95th percentile of the last seconds. `None` when Locust gives none.
    pub current_p95_ms: Option<f64>,
    /// All requests together: Locust's row `Aggregated`, exact even when the
    /// list of endpoints has been cut.
    pub totals: Endpoint,
    /// One row per method and name, at most 500.
    pub endpoints: Vec<Endpoint>,
    /// One row per kind of error, at most 500.
    pub errors: Vec<ErrorRow>,
    /// The workers that the master knows.
    pub workers: Workers,
}

/// Statistics of one method and name, or of all of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Endpoint {
    /// HTTP method, or whatever the locustfile gives as the type of request.
    pub method: String,
    /// Name of the request, for HTTP usually its path.
    pub name: String,
    /// Requests made, failed ones included.
    pub requests: u64,
    /// Requests that failed.
    pub failures: u64,
    /// Half of the requests were at least as fast.
    pub median_ms: f64,
    /// 95 of 100 requests were at least as fast. `None` when not reported.
    pub p95_ms: Option<f64>,
    /// 99 of 100 requests were at least as fast. `None` when not reported.
    pub p99_ms: Option<f64>,
    /// Percentiles that are mostly in the table of requests alone.
    pub rarer: Rarer,
    /// Mean response time.
    pub average_ms: f64,
    /// Fastest response.
    pub min_ms: f64,
    /// Slowest response.
    pub max_ms: f64,
    /// Requests per second over the last seconds, as Locust reports it: frozen
    /// when the load has ended.
    pub current_rps: f64,
    /// Failed requests per second over the last seconds, as above.
    pub current_failures_per_second: f64,
    /// Requests per second over the whole run. `None` before Locust 2.21.
    pub mean_rps: Option<f64>,
    /// Mean size of a response's body.
    pub average_bytes: f64,
}

/// Percentiles that are mostly in the table of requests alone. `None` when not
/// reported.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[allow(missing_docs)]
pub struct Rarer {
    pub p66_ms: Option<f64>,
    pub p75_ms: Option<f64>,
    pub p80_ms: Option<f64>,
    pub p90_ms: Option<f64>,
    pub p98_ms: Option<f64>,
}

/// One kind of error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorRow {
    /// Method of the requests that failed so.
    pub method: String,
    /// Name of the requests that failed so.
    pub name: String,
    /// The error's text.
    pub error: String,
    /// How often it happened.
    pub occurrences: u64,
}

/// The workers that the master knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Workers {
    /// Workers that answer.
    pub connected: u64,
    /// Workers that have not been heard of for some seconds. The master forgets
    /// them after a minute.
    pub missing: u64,
    /// Workers that answer and use nearly all of a core.
    pub busy: u64,
    /// Workers whose users are all at work.
    pub running: u64,
    /// Workers that start users.
    pub spawning: u64,
    /// Each of them, at most 500.
    pub each: Vec<Worker>,
}

/// One worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worker {
    /// What it calls itself: the name of its host, which in a cluster is its
    /// pod's, and a random number.
    pub id: String,
    /// What it does.
    pub state: WorkerState,
    /// Simulated users at work there.
    pub users: u64,
}

/// What a worker does, as the master knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "these are Locust's words")]
pub enum WorkerState {
    Ready,
    Spawning,
    Running,
    Cleanup,
    Stopping,
    Stopped,
    Missing,
    Unknown,
}

impl WorkerState {
    const ALL: [Self; 8] = [
        Self::Ready,
        Self::Spawning,
        Self::Running,
        Self::Cleanup,
        Self::Stopping,
        Self::Stopped,
        Self::Missing,
        Self::Unknown,
    ];

    /// The state as Locust spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Spawning => "spawning",
            Self::Running => "running",
            Self::Cleanup => "cleanup",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Missing => "missing",
            Self::Unknown => "unknown",
        }
    }

    /// The state that Locust calls so.
    pub(super) fn called(name: &str) -> Self {
        let mut states = Self::ALL.into_iter();
        let state = states.find(|state| state.as_str() == name);
        state.unwrap_or(Self::Unknown)
    }
}

/// The answer is JSON of another kind, or no JSON: a login page, an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotStatistics;

impl Sample {
    /// Reads the body of an answer to `GET /stats/requests`.
    pub fn parse(body: &[u8]) -> Result<Self, NotStatistics> {
        let answer: Answer = serde_json::from_slice(body).map_err(|_| NotStatistics)?;
        let state = state(&answer.state.text());
        let users = answer.user_count.count().ok_or(NotStatistics)?;
        let is_idle = is_idle(state, users);
        let percentiles = answer.current_response_time_percentiles.unwrap_or_default();
        let current = |new: &Scalar, old: &Scalar| {
            let milliseconds = new.number().or_else(|| old.number())?;
            // Zero means that there was nothing to take it from.
            (milliseconds > 0.0 && !is_idle).then_some(milliseconds)
        };
        // Locust's top level changed its meaning twice; the last row did not.
        let Rows { first, last } = answer.stats;
        let last = last.unwrap_or_default();
        let totals = Endpoint::from(last);
        Ok(Self {
            state,
            users,
            requests_per_second: if is_idle { 0.0 } else { totals.current_rps },
            failures_per_second: match is_idle {
                true => 0.0,
                false => totals.current_failures_per_second,
            },
            current_p50_ms: current(&percentiles.p50, &answer.current_response_time_percentile_1),
            current_p95_ms: current(&percentiles.p95, &answer.current_response_time_percentile_2),
            totals,
            endpoints: first.into_iter().map(Endpoint::from).collect(),
            errors: answer
                .errors
                .unwrap_or_default()
                .into_all()
                .map(ErrorRow::from)
                .collect(),
            workers: answer.workers.unwrap_or_default(),
        })
    }

    /// Adds what only the table of requests has, row by row.
    pub fn complete(&mut self, table: &[Endpoint]) {
        let by_name: BTreeMap<_, _> = table
            .iter()
            .map(|row| ((&*row.method, &*row.name), row))
            .collect();
        let rows = self.endpoints.iter_mut().chain([&mut self.totals]);
        for row in rows {
            let Some(full) = by_name.get(&(&*row.method, &*row.name)) else {
                continue;
            };
            row.rarer = full.rarer;
            row.p95_ms = row.p95_ms.or(full.p95_ms);
            row.p99_ms = row.p99_ms.or(full.p99_ms);
        }
    }

    /// Its endpoints, those with the most requests first.
    pub fn busiest(&self) -> Vec<&Endpoint> {
        let mut rows: Vec<&Endpoint> = self.endpoints.iter().collect();
        rows.sort_by_key(|row| (Reverse(row.requests), &row.method, &row.name));
        rows
    }

    /// Whether there is load.
    pub const fn is_loading(&self) -> bool {
        matches!(self.state, State::Spawning | State::Running)
    }

    /// Whether nobody is at work any more. Locust goes on reporting the last
    /// rates then.
    pub const fn is_idle(&self) -> bool {
        is_idle(self.state, self.users)
    }
}

const fn is_idle(state: State, users: u64) -> bool {
    users == 0 && matches!(state, State::Stopping | State::Stopped)
}

/// The state that Locust calls so; one that no known version reports is unknown.
fn state(name: &str) -> State {
    match name {
        "ready" => State::Ready,
        "spawning" => State::Spawning,
        "running" => State::Running,
        "stopping" => State::Stopping,
        "stopped" => State::Stopped,
        _ => State::Unknown,
    }
}

impl Endpoint {
    /// From the start of the load to its last request, in seconds, as Locust
    /// counts it for its mean rate. `None` when it gives none.
    pub fn load_seconds(&self) -> Option<f64> {
        let rate = self.mean_rps.filter(|rate| *rate > 0.0)?;
        Some(float(self.requests) / rate)
    }

    /// Failed requests as a part of all, 0 to 1.
    pub fn fail_ratio(&self) -> f64 {
        if self.requests == 0 {
            return 0.0;
        }
        float(self.failures) / float(self.requests)
    }
}

/// A count for arithmetic. Counts beyond 2^53 lose their last digits.
#[allow(clippy::as_conversions)]
pub(crate) fn float(count: u64) -> f64 {
    count as f64
}
