//! One answer of `GET /stats/requests`.
//!
//! The fields changed names between versions, a locustfile may change which
//! percentiles are reported, and numbers may be `null`: so the answer is read
//! field by field, and a missing one is `None` or zero, never an error. Only an
//! answer that is no statistics at all (a login page, for example) is refused.

use serde_json::Value;

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

/// State of the master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing has been started.
    Ready,
    /// Users are being added or moved between workers.
    Spawning,
    /// All users are at work.
    Running,
    /// Users are being stopped.
    Stopping,
    /// No user is at work. Says nothing about whether any ever was.
    Stopped,
    /// A state that no known version reports.
    Unknown,
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
    /// Mean response time.
    pub average_ms: f64,
    /// Fastest response.
    pub min_ms: f64,
    /// Slowest response.
    pub max_ms: f64,
    /// Requests per second over the last seconds, as Locust reports it: frozen
    /// when the load has ended.
    pub current_rps: f64,
    /// Requests per second over the whole run. `None` before Locust 2.21.
    pub mean_rps: Option<f64>,
    /// Mean size of a response's body.
    pub average_bytes: f64,
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Workers {
    /// Workers that answer.
    pub connected: u64,
    /// Workers that have not been heard of for some seconds. The master forgets
    /// them after a minute.
    pub missing: u64,
}

/// The answer is JSON of another kind, or no JSON: a login page, an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotStatistics;

impl Sample {
    /// Reads the body of an answer to `GET /stats/requests`.
    pub fn parse(body: &[u8]) -> Result<Self, NotStatistics> {
        let answer: Value = serde_json::from_slice(body).map_err(|_| NotStatistics)?;
        let state = State::parse(text(&answer, "state").as_str());
        let (Some(rows), Some(users)) = (
            answer.get("stats").and_then(Value::as_array),
            answer.get("user_count").and_then(Value::as_u64),
        ) else {
            return Err(NotStatistics);
        };
        let is_idle = users == 0 && matches!(state, State::Stopping | State::Stopped);
        // Locust's top level changed its meaning twice; the last row did not.
        let (totals, endpoints) = match rows.split_last() {
            Some((totals, endpoints)) => (Endpoint::read(totals), endpoints),
            None => (Endpoint::default(), rows.as_slice()),
        };
        let failures_per_second = rows
            .last()
            .and_then(|row| number(row, "current_fail_per_sec"))
            .unwrap_or_default();
        Ok(Self {
            state,
            users,
            requests_per_second: if is_idle { 0.0 } else { totals.current_rps },
            failures_per_second: if is_idle { 0.0 } else { failures_per_second },
            current_p50_ms: current_percentile(&answer, "0.5", "1").filter(|_| !is_idle),
            current_p95_ms: current_percentile(&answer, "0.95", "2").filter(|_| !is_idle),
            totals,
            endpoints: endpoints.iter().map(Endpoint::read).collect(),
            errors: items(&answer, "errors").map(ErrorRow::read).collect(),
            workers: Workers::read(&answer),
        })
    }
}

impl State {
    fn parse(name: &str) -> Self {
        match name {
            "ready" => Self::Ready,
            "spawning" => Self::Spawning,
            "running" => Self::Running,
            "stopping" => Self::Stopping,
            "stopped" => Self::Stopped,
            _ => Self::Unknown,
        }
    }

    /// The state as Locust spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Spawning => "spawning",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Unknown => "unknown",
        }
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

    fn read(row: &Value) -> Self {
        let zero = |key| number(row, key).unwrap_or_default();
        Self {
            method: text(row, "method"),
            name: text(row, "name"),
            requests: count(row, "num_requests"),
            failures: count(row, "num_failures"),
            median_ms: zero("median_response_time"),
            // `ninetieth_response_time` of Locust 2.20 is the 90th percentile.
            p95_ms: number(row, "response_time_percentile_0.95"),
            p99_ms: number(row, "response_time_percentile_0.99")
                .or_else(|| number(row, "ninety_ninth_response_time")),
            average_ms: zero("avg_response_time"),
            min_ms: zero("min_response_time"),
            max_ms: zero("max_response_time"),
            current_rps: zero("current_rps"),
            mean_rps: number(row, "total_rps"),
            average_bytes: zero("avg_content_length"),
        }
    }
}

impl ErrorRow {
    fn read(row: &Value) -> Self {
        Self {
            method: text(row, "method"),
            name: text(row, "name"),
            error: unescaped(&text(row, "error")),
            occurrences: count(row, "occurrences"),
        }
    }
}

impl Workers {
    fn read(answer: &Value) -> Self {
        // The list still holds lost workers, so its length is no count.
        let listed = items(answer, "workers").count();
        let missing = items(answer, "workers")
            .filter(|worker| text(worker, "state") == "missing")
            .count();
        Self {
            connected: u64::try_from(listed - missing).unwrap_or(u64::MAX),
            missing: u64::try_from(missing).unwrap_or(u64::MAX),
        }
    }
}

/// A percentile of the last seconds: in a map since Locust 2.21, before that
/// under a number. Zero means that there was nothing to take it from.
fn current_percentile(answer: &Value, quantile: &str, old_number: &str) -> Option<f64> {
    answer
        .get("current_response_time_percentiles")
        .and_then(|map| number(map, &format!("response_time_percentile_{quantile}")))
        .or_else(|| {
            let key = format!("current_response_time_percentile_{old_number}");
            number(answer, &key)
        })
        .filter(|milliseconds| *milliseconds > 0.0)
}

fn items<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value
        .get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn text(value: &Value, key: &str) -> String {
    let text = value.get(key).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

fn number(value: &Value, key: &str) -> Option<f64> {
    value.get(key)?.as_f64().filter(|number| number.is_finite())
}

fn count(value: &Value, key: &str) -> u64 {
    value.get(key).and_then(Value::as_u64).unwrap_or_default()
}

/// A count for arithmetic. Counts beyond 2^53 lose their last digits.
#[allow(clippy::as_conversions)]
pub(super) fn float(count: u64) -> f64 {
    count as f64
}

/// Locust 2.20 quotes errors and escapes them for HTML; later versions send
/// them as they are.
fn unescaped(error: &str) -> String {
    let quoted = ["&quot;", "&#x27;"]
        .into_iter()
        .find_map(|quote| error.strip_prefix(quote)?.strip_suffix(quote));
    let Some(inner) = quoted else {
        return error.to_owned();
    };
    [
        ("&#x27;", "'"),
        ("&#39;", "'"),
        ("&#34;", "\""),
        ("&quot;", "\""),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(inner.to_owned(), |text, (entity, plain)| {
        text.replace(entity, plain)
    })
}
