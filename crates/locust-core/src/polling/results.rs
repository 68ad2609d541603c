//! What came out of a run, as it stands in the status: bounded, whatever the
//! locustfile calls its endpoints and the target its errors.

use std::cmp::Reverse;
use std::sync::Arc;

use locust_api::latest::{Completeness, EndpointResult, ErrorResult, RequestResult, Results};

use super::Heard;
use super::rounding::{fail_percent, milliseconds, rate, time, whole_count};
use crate::locust::{Endpoint, ErrorRow, RunPhase, Sample};

/// The most endpoints and errors of a status.
const MOST_ENDPOINTS: usize = 10;
const MOST_ERRORS: usize = 5;
/// The most bytes of a name and of an error's text.
const MOST_NAME: usize = 96;
const MOST_ERROR: usize = 192;
/// The most bytes of the results as JSON. The whole status is to stay within
/// 8 KiB.
const MOST_BYTES: usize = 4608;

/// The rows of an answer that a status has room for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Top {
    endpoints: Vec<Endpoint>,
    errors: Vec<ErrorRow>,
    is_truncated: bool,
}

impl Top {
    /// The endpoints with the most requests and the most frequent errors.
    pub(super) fn of(sample: &Sample) -> Arc<Self> {
        let most = sample.busiest();
        let mut often: Vec<&ErrorRow> = sample.errors.iter().collect();
        often.sort_by_key(|row| (Reverse(row.occurrences), &row.method, &row.name));
        let mut is_truncated = most.len() > MOST_ENDPOINTS || often.len() > MOST_ERRORS;
        let mut short = |text: &str, most| {
            let (text, is_whole) = shortened(text, most);
            is_truncated |= !is_whole;
            text
        };
        let endpoints = most.into_iter().take(MOST_ENDPOINTS).map(|row| Endpoint {
            method: short(&row.method, MOST_NAME),
            name: short(&row.name, MOST_NAME),
            ..row.clone()
        });
        let endpoints = endpoints.collect();
        let errors = often.into_iter().take(MOST_ERRORS).map(|row| ErrorRow {
            method: short(&row.method, MOST_NAME),
            name: short(&row.name, MOST_NAME),
            error: short(&row.error, MOST_ERROR),
            occurrences: row.occurrences,
        });
        Arc::new(Self {
            endpoints,
            errors: errors.collect(),
            is_truncated,
        })
    }
}

/// At most so many bytes of a text, on one line, and whether that is all of it.
pub(crate) fn shortened(text: &str, most: usize) -> (String, bool) {
    let end = text.floor_char_boundary(most);
    let shown = text.get(..end).unwrap_or_default();
    let line = shown.replace(char::is_control, " ");
    (line, end == text.len())
}

/// What came out of a run, if any load was seen: complete once the load has
/// ended and all that the workers counted has arrived.
pub fn results(heard: &Heard) -> Option<Results> {
    let numbers = heard.numbers.as_ref()?;
    if !heard.phase.has_begun() {
        return None;
    }
    let Top {
        endpoints,
        errors,
        is_truncated,
    } = &*heard.top;
    let results = Results {
        completeness: match heard.phase {
            RunPhase::Ended => Completeness::Complete,
            RunPhase::Starting
            | RunPhase::Running
            | RunPhase::Ending
            | RunPhase::AllWorkersLost => Completeness::Partial,
        },
        start_time: numbers.load_began.map(time),
        end_time: heard.load_ended.map(time),
        duration_seconds: numbers.elapsed.map(|time| whole_count(time.as_secs())),
        locust_version: heard.version.clone(),
        workers: whole_count(heard.making.workers),
        workers_lost: whole_count(heard.making.lost_workers),
        total: result(&numbers.totals),
        endpoints: endpoints.iter().map(endpoint).collect(),
        errors: errors.iter().map(error).collect(),
        truncated: *is_truncated,
    };
    Some(fitting(results))
}

/// Without the last rows, as far as they take the results over their bound.
fn fitting(mut results: Results) -> Results {
    let bytes = |results: &Results| serde_json::to_vec(results).map_or(0, |json| json.len());
    while bytes(&results) > MOST_BYTES {
        results.truncated = true;
        let last = match results.endpoints.len() > results.errors.len() {
            true => results.endpoints.pop().is_some(),
            false => results.errors.pop().is_some(),
        };
        if !last {
            break;
        }
    }
    results
}

fn result(row: &Endpoint) -> RequestResult {
    RequestResult {
        requests: whole_count(row.requests),
        failures: whole_count(row.failures),
        fail_percent: fail_percent(row),
        requests_per_second: row.mean_rps.map(rate),
        median_ms: milliseconds(row.median_ms),
        p95_ms: row.p95_ms.map(milliseconds),
        p99_ms: row.p99_ms.map(milliseconds),
        average_ms: milliseconds(row.average_ms),
        min_ms: milliseconds(row.min_ms),
        max_ms: milliseconds(row.max_ms),
    }
}

fn endpoint(row: &Endpoint) -> EndpointResult {
    EndpointResult {
        method: row.method.clone(),
        name: row.name.clone(),
        result: result(row),
    }
}

fn error(row: &ErrorRow) -> ErrorResult {
    ErrorResult {
        method: row.method.clone(),
        name: row.name.clone(),
        error: row.error.clone(),
        occurrences: whole_count(row.occurrences),
    }
}
