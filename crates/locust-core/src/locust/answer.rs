//! The fields of Locust's answers, under their names of all versions.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};

use super::generator::BUSY_PERCENT;
use super::sample::{self, Endpoint, ErrorRow, Rarer, WorkerState, Workers};
use super::wire::{MOST_ROWS, Rows, Scalar};

/// The answer as Locust writes it, as far as it is looked at.
#[derive(Deserialize)]
pub(super) struct Answer {
    #[serde(default)]
    pub(super) state: Scalar,
    pub(super) user_count: Scalar,
    pub(super) stats: Rows<Row>,
    #[serde(default)]
    pub(super) errors: Option<Rows<Error>>,
    #[serde(default)]
    pub(super) workers: Option<Workers>,
    #[serde(default)]
    pub(super) current_response_time_percentiles: Option<Percentiles>,
    // Those of Locust 2.20.
    #[serde(default)]
    pub(super) current_response_time_percentile_1: Scalar,
    #[serde(default)]
    pub(super) current_response_time_percentile_2: Scalar,
}

#[derive(Default, Deserialize)]
pub(super) struct Percentiles {
    #[serde(default, rename = "response_time_percentile_0.5")]
    pub(super) p50: Scalar,
    #[serde(default, rename = "response_time_percentile_0.95")]
    pub(super) p95: Scalar,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Row {
    method: Scalar,
    name: Scalar,
    num_requests: Scalar,
    num_failures: Scalar,
    median_response_time: Scalar,
    // Which of them there are is up to the locustfile.
    #[serde(rename = "response_time_percentile_0.66")]
    p66: Scalar,
    #[serde(rename = "response_time_percentile_0.75")]
    p75: Scalar,
    #[serde(rename = "response_time_percentile_0.8")]
    p80: Scalar,
    #[serde(rename = "response_time_percentile_0.9")]
    p90: Scalar,
    #[serde(rename = "response_time_percentile_0.95")]
    p95: Scalar,
    #[serde(rename = "response_time_percentile_0.98")]
    p98: Scalar,
    #[serde(rename = "response_time_percentile_0.99")]
    p99: Scalar,
    // Those of Locust 2.20.
    ninetieth_response_time: Scalar,
    ninety_ninth_response_time: Scalar,
    avg_response_time: Scalar,
    min_response_time: Scalar,
    max_response_time: Scalar,
    current_rps: Scalar,
    current_fail_per_sec: Scalar,
    total_rps: Scalar,
    avg_content_length: Scalar,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Error {
    method: Scalar,
    name: Scalar,
    error: Scalar,
    occurrences: Scalar,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Worker {
    id: Scalar,
    state: Scalar,
    cpu_usage: Scalar,
    user_count: Scalar,
}

impl From<Row> for Endpoint {
    fn from(row: Row) -> Self {
        let zero = |number: &Scalar| number.number().unwrap_or_default();
        Self {
            requests: row.num_requests.count().unwrap_or_default(),
            failures: row.num_failures.count().unwrap_or_default(),
            median_ms: zero(&row.median_response_time),
            p95_ms: row.p95.number(),
            p99_ms: row
                .p99
                .number()
                .or_else(|| row.ninety_ninth_response_time.number()),
            rarer: Rarer {
                p66_ms: row.p66.number(),
                p75_ms: row.p75.number(),
                p80_ms: row.p80.number(),
                p90_ms: row
                    .p90
                    .number()
                    .or_else(|| row.ninetieth_response_time.number()),
                p98_ms: row.p98.number(),
            },
            average_ms: zero(&row.avg_response_time),
            min_ms: zero(&row.min_response_time),
            max_ms: zero(&row.max_response_time),
            current_rps: zero(&row.current_rps),
            current_failures_per_second: zero(&row.current_fail_per_sec),
            mean_rps: row.total_rps.number(),
            average_bytes: zero(&row.avg_content_length),
            method: row.method.text(),
            name: row.name.text(),
        }
    }
}

impl From<Error> for ErrorRow {
    fn from(row: Error) -> Self {
        Self {
            method: row.method.text(),
            name: row.name.text(),
            error: unescaped(&row.error.text()),
            occurrences: row.occurrences.count().unwrap_or_default(),
        }
    }
}

impl<'de> Deserialize<'de> for Workers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(WorkersVisitor)
    }
}

struct WorkersVisitor;

impl<'de> Visitor<'de> for WorkersVisitor {
    type Value = Workers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of workers")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut listed: A) -> Result<Workers, A::Error> {
        let mut workers = Workers::default();
        while let Some(worker) = listed.next_element::<Worker>()? {
            // The list still holds lost workers, so its length is no count.
            let state = WorkerState::called(&worker.state.text());
            match state == WorkerState::Missing {
                true => workers.missing += 1,
                false => {
                    let percent = worker.cpu_usage.number().unwrap_or_default();
                    workers.connected += 1;
                    workers.busy += u64::from(percent > BUSY_PERCENT);
                }
            }
            workers.running += u64::from(state == WorkerState::Running);
            workers.spawning += u64::from(state == WorkerState::Spawning);
            if workers.each.len() < MOST_ROWS {
                workers.each.push(sample::Worker {
                    id: worker.id.text(),
                    state,
                    users: worker.user_count.count().unwrap_or_default(),
                });
            }
        }
        Ok(workers)
    }
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
