//! What Locust says of one run, under the names of ContainerSolutions'
//! locust_exporter 0.5.0, so that its dashboards go on. Where that no longer
//! understands Locust, the values are what its names mean:
//!
//! - it looks for the state `hatching`, which is called `spawning` since 1.2;
//! - it looks for percentiles where they have not been since 2.15;
//! - it counts workers that are lost among those that are there;
//! - it goes on telling of workers and endpoints that Locust no longer has,
//!   and of the last rates when the load has ended.

use std::collections::BTreeSet;

use super::text::{Family, Kind, Labels, Series};
use crate::locust::sample::float;
use crate::locust::{Endpoint, ErrorRow, Sample, State, Worker};
use crate::polling::shortened;

/// The most bytes of a label.
const MOST_LABEL: usize = 256;
/// How many endpoints of a run are told of where there are many runs.
const TOP: usize = 10;
/// What Locust calls all endpoints together. The exporter has it among them.
const AGGREGATED: &str = "Aggregated";

/// How much of a run is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// All that Locust lists: up to 500 endpoints, errors and workers.
    All,
    /// The ten endpoints with the most requests; no errors and no workers.
    Top,
}

/// What Locust says of one run at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    state: State,
    users: u64,
    fail_ratio: f64,
    current_p50_ms: f64,
    current_p95_ms: f64,
    connected: u64,
    missing: u64,
    running: u64,
    spawning: u64,
    endpoints: Vec<Endpoint>,
    errors: Vec<ErrorRow>,
    workers: Vec<Worker>,
}

/// A run and what tells it from others.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// Labels of all its series.
    pub labels: &'a Labels,
    /// What Locust said; `None`: it does not answer.
    pub run: Option<&'a Run>,
}

/// A metric of a run.
struct OfRun(&'static str, &'static str, fn(&Run) -> f64);

/// A metric of an endpoint of a run.
struct OfEndpoint(&'static str, &'static str, fn(&Endpoint) -> f64);

const UP: (&str, &str) = ("up", "Whether Locust answers: 1 it does, 0 it does not.");
const ERRORS: (&str, &str) = (
    "errors",
    "How often requests failed with this error so far.",
);
const WORKER_DETAIL: (&str, &str) = ("worker_detail", "Users at work in a worker.");

const OF_RUN: [OfRun; 9] = [
    OfRun(
        "running",
        "The state of the load: 0 is stopped, 1 starting users, 2 running.",
        |run| match run.state {
            State::Spawning => 1.0,
            State::Running => 2.0,
            State::Ready | State::Stopping | State::Stopped | State::Unknown => 0.0,
        },
    ),
    OfRun("users", "Users at work.", |run| float(run.users)),
    OfRun(
        "workers_count",
        "Workers that are connected to the master.",
        |run| float(run.connected),
    ),
    OfRun(
        "workers_running_count",
        "Workers whose users are all at work.",
        |run| float(run.running),
    ),
    OfRun(
        "workers_hatching_count",
        "Workers that are starting users.",
        |run| float(run.spawning),
    ),
    OfRun(
        "workers_missing_count",
        "Workers that the master does not hear of any more.",
        |run| float(run.missing),
    ),
    OfRun(
        "requests_fail_ratio",
        "Failed requests as a part of all so far, 0 to 1.",
        |run| run.fail_ratio,
    ),
    OfRun(
        "requests_current_response_time_percentile_50",
        "Median response time of the last seconds in milliseconds.",
        |run| run.current_p50_ms,
    ),
    OfRun(
        "requests_current_response_time_percentile_95",
        "95th percentile of the response times of the last seconds in milliseconds.",
        |run| run.current_p95_ms,
    ),
];

const OF_ENDPOINT: [OfEndpoint; 9] = [
    OfEndpoint("requests_num_requests", "Requests so far.", |row| {
        float(row.requests)
    }),
    OfEndpoint("requests_num_failures", "Failed requests so far.", |row| {
        float(row.failures)
    }),
    OfEndpoint(
        "requests_avg_response_time",
        "Mean response time so far in milliseconds.",
        |row| row.average_ms,
    ),
    OfEndpoint(
        "requests_min_response_time",
        "Shortest response time so far in milliseconds.",
        |row| row.min_ms,
    ),
    OfEndpoint(
        "requests_max_response_time",
        "Longest response time so far in milliseconds.",
        |row| row.max_ms,
    ),
    OfEndpoint(
        "requests_median_response_time",
        "Median response time so far in milliseconds.",
        |row| row.median_ms,
    ),
    OfEndpoint(
        "requests_current_rps",
        "Requests per second over the last seconds.",
        |row| row.current_rps,
    ),
    OfEndpoint(
        "requests_current_fail_per_sec",
        "Failed requests per second over the last seconds.",
        |row| row.current_failures_per_second,
    ),
    OfEndpoint(
        "requests_avg_content_length",
        "Mean size of a response's body in bytes.",
        |row| row.average_bytes,
    ),
];

impl Run {
    /// What an answer of Locust says.
    pub fn of(sample: &Sample, detail: Detail) -> Self {
        let (errors, workers) = match detail {
            Detail::All => (errors(sample), workers(sample)),
            Detail::Top => (Vec::new(), Vec::new()),
        };
        Self {
            state: sample.state,
            users: sample.users,
            fail_ratio: sample.totals.fail_ratio(),
            current_p50_ms: sample.current_p50_ms.unwrap_or_default(),
            current_p95_ms: sample.current_p95_ms.unwrap_or_default(),
            connected: sample.workers.connected,
            missing: sample.workers.missing,
            running: sample.workers.running,
            spawning: sample.workers.spawning,
            endpoints: endpoints(sample, detail),
            errors,
            workers,
        }
    }
}

/// All endpoints together, and each. Two that are the same once their names are
/// cut cannot both be told of: the one with more requests is.
fn endpoints(sample: &Sample, detail: Detail) -> Vec<Endpoint> {
    let most = match detail {
        Detail::All => usize::MAX,
        Detail::Top => TOP,
    };
    let totals = Endpoint {
        method: String::new(),
        name: AGGREGATED.to_owned(),
        ..sample.totals.clone()
    };
    let lately = |rate: f64| if sample.is_idle() { 0.0 } else { rate };
    let mut told = BTreeSet::new();
    let rows = sample.busiest();
    let rows = rows.into_iter().take(most).map(|row| Endpoint {
        method: label(&row.method),
        name: label(&row.name),
        ..row.clone()
    });
    std::iter::once(totals)
        .chain(rows)
        .map(|row| Endpoint {
            current_rps: lately(row.current_rps),
            current_failures_per_second: lately(row.current_failures_per_second),
            ..row
        })
        .filter(|row| told.insert((row.method.clone(), row.name.clone())))
        .collect()
}

fn errors(sample: &Sample) -> Vec<ErrorRow> {
    let mut told = BTreeSet::new();
    let rows = sample.errors.iter().map(|row| ErrorRow {
        method: label(&row.method),
        name: label(&row.name),
        error: label(&row.error),
        occurrences: row.occurrences,
    });
    rows.filter(|row| told.insert((row.method.clone(), row.name.clone(), row.error.clone())))
        .collect()
}

fn workers(sample: &Sample) -> Vec<Worker> {
    let mut told = BTreeSet::new();
    let workers = sample.workers.each.iter().map(|worker| Worker {
        id: label(&worker.id),
        ..worker.clone()
    });
    workers
        .filter(|worker| told.insert((worker.id.clone(), worker.state)))
        .collect()
}

fn label(text: &str) -> String {
    shortened(text, MOST_LABEL).0
}

/// What is known of runs, each metric's name after `prefix`.
pub fn families(prefix: &str, told: &[Told<'_>]) -> Vec<Family> {
    let gauge = |name: &str, help, series| Family {
        name: format!("{prefix}_{name}"),
        help,
        kind: Kind::Gauge,
        series,
    };
    let known: Vec<(&Labels, &Run)> = told
        .iter()
        .filter_map(|Told { labels, run }| Some((*labels, (*run)?)))
        .collect();
    let up = told.iter().map(|Told { labels, run }| {
        let up = if run.is_some() { 1.0 } else { 0.0 };
        Series::new((*labels).clone(), up)
    });
    let mut families = vec![gauge(UP.0, UP.1, up.collect())];
    families.extend(OF_RUN.iter().map(|OfRun(name, help, value)| {
        let series = known
            .iter()
            .map(|(labels, run)| Series::new((*labels).clone(), value(run)));
        gauge(name, help, series.collect())
    }));
    families.extend(OF_ENDPOINT.iter().map(|OfEndpoint(name, help, value)| {
        let series = each(
            &known,
            |run| &run.endpoints,
            |row| {
                let labels = [("method", row.method.clone()), ("name", row.name.clone())];
                (labels.to_vec(), value(row))
            },
        );
        gauge(name, help, series)
    }));
    let errors = each(
        &known,
        |run| &run.errors,
        |row| {
            let labels = [
                ("method", row.method.clone()),
                ("name", row.name.clone()),
                ("error", row.error.clone()),
            ];
            (labels.to_vec(), float(row.occurrences))
        },
    );
    families.push(gauge(ERRORS.0, ERRORS.1, errors));
    let workers = each(
        &known,
        |run| &run.workers,
        |worker| {
            let state = worker.state.as_str().to_owned();
            let labels = [("id", worker.id.clone()), ("state", state)];
            (labels.to_vec(), float(worker.users))
        },
    );
    families.push(gauge(WORKER_DETAIL.0, WORKER_DETAIL.1, workers));
    families
}

/// A metric of a run, for a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Described {
    /// Its name, without what it begins with.
    pub name: &'static str,
    /// What it means.
    pub help: &'static str,
    /// Names of its labels.
    pub labels: &'static [&'static str],
}

/// All metrics of a run, in the order of [`families`].
pub fn described() -> Vec<Described> {
    let described = |(name, help), labels| Described { name, help, labels };
    let of_run = OF_RUN.iter().map(|OfRun(name, help, _)| (*name, *help));
    let of_endpoint = OF_ENDPOINT
        .iter()
        .map(|OfEndpoint(name, help, _)| (*name, *help));
    std::iter::once(UP)
        .chain(of_run)
        .map(|one| described(one, &[]))
        .chain(of_endpoint.map(|one| described(one, &["method", "name"])))
        .chain([
            described(ERRORS, &["method", "name", "error"]),
            described(WORKER_DETAIL, &["id", "state"]),
        ])
        .collect()
}

/// A series for each row of each run.
fn each<T>(
    known: &[(&Labels, &Run)],
    rows: fn(&Run) -> &[T],
    series: impl Fn(&T) -> (Labels, f64),
) -> Vec<Series> {
    let of_run = |(labels, run): &(&Labels, &Run)| {
        let of_row = |row| {
            let (own, value) = series(row);
            let labels = labels.iter().cloned().chain(own).collect();
            Series::new(labels, value)
        };
        rows(run).iter().map(of_row).collect::<Vec<_>>()
    };
    known.iter().flat_map(of_run).collect()
}

/// Whether names of metrics may begin so.
pub fn is_prefix(text: &str) -> bool {
    let is_fit = |character: char| character.is_ascii_alphanumeric() || "_:".contains(character);
    text.chars().all(is_fit) && !text.is_empty() && !text.starts_with(|c: char| c.is_ascii_digit())
}
