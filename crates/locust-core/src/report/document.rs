//! `results.json`: a run's numbers for machines.
//!
//! Every number has its unit in its name. Times and rates are rounded to three
//! decimals and ratios to six, so that equal runs give equal files. What Locust
//! did not say is `null`.

use jiff::Timestamp;
use serde::Serialize;

use crate::locust::{Endpoint, ErrorRow};
use crate::thresholds::Reading;

/// Version of the schema.
pub const SCHEMA_VERSION: u32 = 1;

/// The whole file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Document {
    /// Version of this schema. A field may be added without a new one.
    pub schema_version: u32,
    /// Name of the LocustTest.
    pub test: String,
    /// `passed`, `failed`, `inconclusive`, `not run` or `interrupted`; in a
    /// cluster `not judged`, since the status has the verdict.
    pub verdict: &'static str,
    /// Why, in one line.
    pub reason: String,
    /// What made it end badly, as in `status.failure.reason`.
    pub failure: Option<&'static str>,
    /// The thresholds, in their order.
    pub thresholds: Vec<Threshold>,
    /// What a reader of the numbers should know, one line each.
    pub warnings: Vec<String>,
    /// Version of Locust.
    pub locust_version: Option<String>,
    /// When load was first seen, up to three seconds late.
    pub load_began_at: Option<Timestamp>,
    /// When its end was first seen, up to three seconds late.
    pub load_ended_at: Option<Timestamp>,
    /// From the start of the load to its last request, as Locust counts it;
    /// between the two times above when it does not.
    pub load_seconds: Option<f64>,
    /// The workers.
    pub workers: Workers,
    /// Exit code of the master. `null` when a signal ended it, or it runs.
    pub master_exit_code: Option<i32>,
    /// Signal that ended the master.
    pub master_signal: Option<i32>,
    /// All requests together. `null` when nothing could be read.
    pub totals: Option<Numbers>,
    /// By method and name.
    pub endpoints: Vec<Row>,
    /// By kind of error.
    pub errors: Vec<Error>,
}

/// One threshold.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Threshold {
    /// `p95 of GET /cart`.
    pub name: String,
    /// `at most 500ms`.
    pub limit: String,
    /// The number, in the unit of the limit.
    pub value: Option<String>,
    /// How far the number is within the limit, in percent of it; below 0 beyond
    /// it.
    pub margin_percent: Option<f64>,
    /// `met`, `not met`, `breached` or `no request`.
    pub state: &'static str,
    /// The margin in words.
    #[serde(skip)]
    pub margin: String,
}

/// The workers of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Workers {
    /// Started.
    pub expected: u64,
    /// The most that were connected at a time.
    pub most_connected: u64,
    /// Gone while there was load.
    pub lost: u64,
}

/// The numbers of one endpoint, or of all.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Numbers {
    /// Requests made, failed ones included.
    pub requests: u64,
    /// Requests that failed.
    pub failures: u64,
    /// Failed ones as a part of all, 0 to 1.
    pub fail_ratio: f64,
    /// Over the whole run.
    pub requests_per_second: Option<f64>,
    /// Mean response time.
    pub average_ms: f64,
    /// Fastest response.
    pub min_ms: f64,
    /// Half of the responses were at least as fast.
    pub median_ms: f64,
    /// 95 of 100 responses were at least as fast.
    pub p95_ms: Option<f64>,
    /// 99 of 100 responses were at least as fast.
    pub p99_ms: Option<f64>,
    /// Slowest response.
    pub max_ms: f64,
    /// Mean size of a response's body.
    pub average_response_bytes: f64,
}

/// One endpoint.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// HTTP method, or what the locustfile calls the type of request.
    pub method: String,
    /// Name of the request.
    pub name: String,
    /// Its numbers.
    #[serde(flatten)]
    pub numbers: Numbers,
}

/// One kind of error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Error {
    /// Method of the requests.
    pub method: String,
    /// Name of the requests.
    pub name: String,
    /// The error's text.
    pub error: String,
    /// How often.
    pub occurrences: u64,
}

impl From<&Reading> for Threshold {
    fn from(reading: &Reading) -> Self {
        Self {
            name: reading.name.clone(),
            limit: reading.limit.clone(),
            value: reading.value.clone(),
            margin_percent: reading.margin.map(|margin| rounded(margin * 100.0, 10.0)),
            state: reading.word(),
            margin: reading.margin_words(),
        }
    }
}

impl From<&Endpoint> for Numbers {
    fn from(row: &Endpoint) -> Self {
        Self {
            requests: row.requests,
            failures: row.failures,
            fail_ratio: rounded(row.fail_ratio(), 1_000_000.0),
            requests_per_second: row.mean_rps.map(thousandths),
            average_ms: thousandths(row.average_ms),
            min_ms: thousandths(row.min_ms),
            median_ms: thousandths(row.median_ms),
            p95_ms: row.p95_ms.map(thousandths),
            p99_ms: row.p99_ms.map(thousandths),
            max_ms: thousandths(row.max_ms),
            average_response_bytes: thousandths(row.average_bytes),
        }
    }
}

impl From<&Endpoint> for Row {
    fn from(row: &Endpoint) -> Self {
        Self {
            method: row.method.clone(),
            name: row.name.clone(),
            numbers: Numbers::from(row),
        }
    }
}

impl From<&ErrorRow> for Error {
    fn from(row: &ErrorRow) -> Self {
        Self {
            method: row.method.clone(),
            name: row.name.clone(),
            error: row.error.clone(),
            occurrences: row.occurrences,
        }
    }
}

/// With three decimals.
pub fn thousandths(number: f64) -> f64 {
    rounded(number, 1_000.0)
}

fn rounded(number: f64, scale: f64) -> f64 {
    (number * scale).round() / scale
}
