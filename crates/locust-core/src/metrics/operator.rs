//! What the operator says of its own work, under the names of controller-runtime
//! where they mean the same: rules and dashboards of the Go operator go on.

use std::collections::BTreeMap;
use std::time::Duration;

use locust_api::latest::Phase;

use super::text::{Family, Kind, Labels, Series};
use crate::locust::sample::float;

/// What controller-runtime calls the one controller.
const CONTROLLER: &str = "locusttest";

/// Bounds of the times of looks in seconds, those of controller-runtime.
const BOUNDS: [&str; 40] = [
    "0.005", "0.01", "0.025", "0.05", "0.1", "0.15", "0.2", "0.25", "0.3", "0.35", "0.4", "0.45",
    "0.5", "0.6", "0.7", "0.8", "0.9", "1", "1.25", "1.5", "1.75", "2", "2.5", "3", "3.5", "4",
    "4.5", "5", "6", "7", "8", "9", "10", "15", "20", "25", "30", "40", "50", "60",
];

/// How a look at a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// There is nothing to do until something changes.
    Success,
    /// It is looked at again after a while.
    RequeueAfter,
    /// It failed, and is tried again.
    Error,
    /// It failed by a mistake in the operator, and is tried again.
    Panic,
}

/// What was done so far.
#[derive(Clone, Debug, Default)]
pub struct Work {
    looks: BTreeMap<Outcome, u64>,
    active: u64,
    /// How many looks took at most each of the bounds, and none before it.
    within: BTreeMap<usize, u64>,
    seconds: f64,
    calls: BTreeMap<(String, String), u64>,
}

/// The operator at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Snapshot<'a> {
    /// What it has done.
    pub work: &'a Work,
    /// Its version.
    pub version: &'a str,
    /// At how many tests it looks at a time.
    pub at_a_time: u64,
    /// The election and whether it has won; `None`: there is none.
    pub leads: Option<(&'a str, bool)>,
    /// How many tests there are in each phase; `None`: it does not know of any.
    pub tests: Option<&'a BTreeMap<Phase, u64>>,
    /// What its process uses.
    pub used: Used,
}

/// What a process uses.
#[derive(Clone, Copy, Debug, Default)]
pub struct Used {
    /// Time of processors in seconds.
    pub cpu_seconds: f64,
    /// Memory in bytes.
    pub resident_bytes: u64,
    /// When it started, in seconds since 1970.
    pub started: f64,
}

impl Outcome {
    const ALL: [Self; 4] = [Self::Success, Self::RequeueAfter, Self::Error, Self::Panic];

    /// What controller-runtime calls it. For it a panic is an error, too.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::RequeueAfter => "requeue_after",
            Self::Error | Self::Panic => "error",
        }
    }
}

impl Work {
    /// Notes that a look begins.
    pub fn begins(&mut self) {
        self.active = self.active.saturating_add(1);
    }

    /// Notes that a look that took so long ended so.
    pub fn ended(&mut self, outcome: Outcome, took: Duration) {
        self.active = self.active.saturating_sub(1);
        add(self.looks.entry(outcome).or_default());
        let seconds = took.as_secs_f64();
        self.seconds += seconds;
        let bounds = bounds();
        let first = bounds.iter().position(|(_, bound)| seconds <= *bound);
        add(self
            .within
            .entry(first.unwrap_or(bounds.len()))
            .or_default());
    }

    /// Notes a call of the API server, and its code or `<error>`.
    pub fn called(&mut self, method: &str, code: &str) {
        add(self
            .calls
            .entry((method.to_owned(), code.to_owned()))
            .or_default());
    }

    fn looks(&self, outcome: Outcome) -> u64 {
        self.looks.get(&outcome).copied().unwrap_or_default()
    }

    fn reconciles(&self) -> Vec<Series> {
        let mut results = BTreeMap::new();
        for outcome in Outcome::ALL {
            let result: &mut u64 = results.entry(outcome.as_str()).or_default();
            *result = result.saturating_add(self.looks(outcome));
        }
        let series = results.into_iter().map(|(result, count)| {
            let mut labels = of_controller();
            labels.push(("result", result.to_owned()));
            Series::new(labels, float(count))
        });
        series.collect()
    }

    fn times(&self) -> Vec<Series> {
        let mut sum = 0;
        let mut series = Vec::new();
        for (position, (bound, _)) in bounds().into_iter().enumerate() {
            sum += self.within.get(&position).copied().unwrap_or_default();
            series.push(bucket(bound, sum));
        }
        let count = self.within.values().sum();
        series.push(bucket("+Inf", count));
        let of = |suffix, value| Series {
            suffix,
            labels: of_controller(),
            value,
        };
        series.push(of("_sum", self.seconds));
        series.push(of("_count", float(count)));
        series
    }
}

fn add(count: &mut u64) {
    *count = count.saturating_add(1);
}

fn bounds() -> Vec<(&'static str, f64)> {
    let bounds = BOUNDS
        .iter()
        .filter_map(|bound| Some((*bound, bound.parse().ok()?)));
    bounds.collect()
}

fn bucket(bound: &str, count: u64) -> Series {
    let mut labels = of_controller();
    labels.push(("le", bound.to_owned()));
    Series {
        suffix: "_bucket",
        labels,
        value: float(count),
    }
}

fn of_controller() -> Labels {
    vec![("controller", CONTROLLER.to_owned())]
}

impl Snapshot<'_> {
    /// All of it as metrics.
    pub fn families(&self) -> Vec<Family> {
        let Self {
            work,
            version,
            at_a_time,
            leads,
            tests,
            used,
        } = *self;
        let panics = work.looks(Outcome::Panic);
        let errors = work.looks(Outcome::Error).saturating_add(panics);
        let counted = |value| vec![Series::new(of_controller(), float(value))];
        let alone = |value| vec![Series::new(Labels::new(), value)];
        let calls = work.calls.iter().map(|((method, code), count)| {
            let labels = vec![("code", code.clone()), ("method", method.clone())];
            Series::new(labels, float(*count))
        });
        let leads = leads.map(|(lease, leads)| {
            let labels = vec![("name", lease.to_owned())];
            Series::new(labels, if leads { 1.0 } else { 0.0 })
        });
        let version = Series::new(vec![("version", version.to_owned())], 1.0);
        [
            (RECONCILES, work.reconciles()),
            (ERRORS, counted(errors)),
            (PANICS, counted(panics)),
            (TIMES, work.times()),
            (ACTIVE, counted(work.active)),
            (AT_A_TIME, counted(at_a_time)),
            (CALLS, calls.collect()),
            (LEADS, leads.into_iter().collect()),
            (TESTS, tests.map(by_phase).unwrap_or_default()),
            (BUILD, vec![version]),
            (CPU, alone(used.cpu_seconds)),
            (RESIDENT, alone(float(used.resident_bytes))),
            (STARTED, alone(used.started)),
        ]
        .into_iter()
        .map(|((name, kind, help), series)| Family {
            name: name.to_owned(),
            help,
            kind,
            series,
        })
        .collect()
    }
}

fn by_phase(tests: &BTreeMap<Phase, u64>) -> Vec<Series> {
    let series = Phase::ALL.iter().map(|phase| {
        let count = tests.get(phase).copied().unwrap_or_default();
        let labels = vec![("phase", phase.as_str().to_owned())];
        Series::new(labels, float(count))
    });
    series.collect()
}

type Head = (&'static str, Kind, &'static str);

const RECONCILES: Head = (
    "controller_runtime_reconcile_total",
    Kind::Counter,
    "Looks at LocustTests, by how they ended.",
);
const ERRORS: Head = (
    "controller_runtime_reconcile_errors_total",
    Kind::Counter,
    "Looks that failed, and are tried again.",
);
const PANICS: Head = (
    "controller_runtime_reconcile_panics_total",
    Kind::Counter,
    "Looks that failed by a mistake in the operator.",
);
const TIMES: Head = (
    "controller_runtime_reconcile_time_seconds",
    Kind::Histogram,
    "How long looks took.",
);
const ACTIVE: Head = (
    "controller_runtime_active_workers",
    Kind::Gauge,
    "Looks that are under way.",
);
const AT_A_TIME: Head = (
    "controller_runtime_max_concurrent_reconciles",
    Kind::Gauge,
    "How many looks may be under way at a time.",
);
const CALLS: Head = (
    "rest_client_requests_total",
    Kind::Counter,
    "Calls of the API server by method and answer; writes are all but GET.",
);
const LEADS: Head = (
    "leader_election_master_status",
    Kind::Gauge,
    "Whether this replica works: 1 it does, 0 it is ready to take over.",
);
const TESTS: Head = (
    "locust_operator_tests",
    Kind::Gauge,
    "LocustTests by phase, as the replica that works knows them.",
);
const BUILD: Head = (
    "locust_operator_build_info",
    Kind::Gauge,
    "1, and the version of the operator.",
);
const CPU: Head = (
    "process_cpu_seconds_total",
    Kind::Counter,
    "Time of processors that the operator used, in seconds.",
);
const RESIDENT: Head = (
    "process_resident_memory_bytes",
    Kind::Gauge,
    "Memory that the operator uses, in bytes.",
);
const STARTED: Head = (
    "process_start_time_seconds",
    Kind::Gauge,
    "When the operator started, in seconds since 1970.",
);
