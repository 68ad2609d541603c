//! A run's numbers over time, in a bounded number of points.
//!
//! Totals are kept and not rates: workers report every three seconds, so a rate
//! is only known between moments that lie so far apart, and points that are
//! left out then change no average.

use std::time::Duration;

use super::Sample;
use super::sample::float;

/// When there would be more points, every second one is left out.
const MOST: usize = 240;

/// Before and after a moment, for its rates: as long as a worker takes from one
/// report to the next, and a little more, as nobody asks at exact seconds.
const REACH: Duration = Duration::from_millis(3_500);

/// The same for the first and the last moments, which have but one side.
const REACH_AT_ENDS: Duration = Duration::from_millis(6_500);

/// From a request until it is counted, mostly: by its worker's next report, and
/// once the master no longer gives its last answer again.
const LAG: Duration = Duration::from_secs(2);

/// Folds samples that were taken under load.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    kept: Vec<Moment>,
    /// All that was counted, when the load ended.
    end: Option<Count>,
    /// One of so many samples becomes a point.
    stride: u32,
    seen: u32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Moment {
    at: Duration,
    users: u64,
    requests: u64,
    failures: u64,
    p50_ms: Option<f64>,
    p95_ms: Option<f64>,
}

/// What was requested until then.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Count {
    at: Duration,
    requests: u64,
    failures: u64,
}

/// A run's numbers at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Since the load began.
    pub at: Duration,
    /// Simulated users at work.
    pub users: u64,
    /// Requests per second, failed ones included.
    pub requests_per_second: f64,
    /// Failed requests per second.
    pub failures_per_second: f64,
    /// Median of the last seconds, as Locust says it.
    pub p50_ms: Option<f64>,
    /// 95th percentile of the last seconds, as Locust says it.
    pub p95_ms: Option<f64>,
}

impl Default for History {
    fn default() -> Self {
        Self {
            kept: Vec::new(),
            end: None,
            stride: 1,
            seen: 0,
        }
    }
}

impl History {
    /// Takes in what the master said, `at` so long after the load began.
    pub fn observe(&mut self, at: Duration, sample: &Sample) {
        let moment = Moment {
            at,
            users: sample.users,
            requests: sample.totals.requests,
            failures: sample.totals.failures,
            p50_ms: sample.current_p50_ms,
            p95_ms: sample.current_p95_ms,
        };
        if self.kept.last().is_some_and(|last| moment.is_anew(last)) {
            *self = Self::default();
        }
        self.end = None;
        let is_due = self.seen.is_multiple_of(self.stride);
        self.seen = self.seen.wrapping_add(1);
        match self.kept.last_mut() {
            Some(last) if !is_due => last.keep_peaks_of(&moment),
            Some(_) | None => self.kept.push(moment),
        }
        if self.kept.len() > MOST {
            self.thin_out();
        }
    }

    /// Takes in what the master said after the load, which ended `at` so long
    /// after its begin: the last reports arrive then.
    pub fn observe_end(&mut self, at: Duration, sample: &Sample) {
        self.end = Some(Count {
            at,
            requests: sample.totals.requests,
            failures: sample.totals.failures,
        });
    }

    /// The points, in the order of time.
    pub fn points(&self) -> Vec<Point> {
        let counts: Vec<Count> = self
            .kept
            .iter()
            .map(Moment::count)
            .chain(self.end)
            .collect();
        let point = |(index, moment): (usize, &Moment)| {
            let (from, to) = around(&counts, index, moment.at);
            let per_second = |of: fn(&Count) -> u64| match (from, to) {
                (Some(from), Some(to)) => growth(from, to, of),
                _ => 0.0,
            };
            Point {
                at: moment.at,
                users: moment.users,
                requests_per_second: per_second(|count| count.requests),
                failures_per_second: per_second(|count| count.failures),
                p50_ms: moment.p50_ms,
                p95_ms: moment.p95_ms,
            }
        };
        self.kept.iter().enumerate().map(point).collect()
    }

    fn thin_out(&mut self) {
        let pairs = self.kept.chunks(2);
        self.kept = pairs
            .filter_map(|pair| {
                let (first, others) = pair.split_first()?;
                let mut first = *first;
                for other in others {
                    first.keep_peaks_of(other);
                }
                Some(first)
            })
            .collect();
        self.stride = self.stride.saturating_mul(2);
        // The last of an odd number of points is young; the next one is due
        // after a whole stride.
        self.seen = 1;
    }
}

/// The counts between which the rates at a moment are taken: the furthest within
/// reach, or the neighbours. The first and the last moments share a whole span,
/// since half of one may hold too many reports, or none.
fn around(counts: &[Count], index: usize, at: Duration) -> (Option<&Count>, Option<&Count>) {
    let first = counts.first().map_or(at, |first| first.at);
    let last = counts.last().map_or(at, |last| last.at);
    let from = at
        .saturating_sub(REACH)
        .min(last.saturating_sub(REACH_AT_ENDS));
    let to = (at + REACH).max(first + REACH_AT_ENDS);
    let is_near = |count: &&Count| (from..=to).contains(&count.at);
    let (earliest, latest) = (counts.iter().find(is_near), counts.iter().rfind(is_near));
    if earliest.map(|count| count.at) < latest.map(|count| count.at) {
        return (earliest, latest);
    }
    let before = index.checked_sub(1).unwrap_or(index);
    (
        counts.get(before),
        counts.get(index + 1).or_else(|| counts.last()),
    )
}

fn growth(from: &Count, to: &Count, of: fn(&Count) -> u64) -> f64 {
    let seconds = to.at.saturating_sub(from.at).as_secs_f64();
    if seconds == 0.0 {
        return 0.0;
    }
    float(of(to).saturating_sub(of(from))) / seconds
}

impl Moment {
    const fn count(&self) -> Count {
        Count {
            at: self.at.saturating_sub(LAG),
            requests: self.requests,
            failures: self.failures,
        }
    }

    /// The counting has begun anew.
    const fn is_anew(&self, last: &Self) -> bool {
        self.requests < last.requests
    }

    /// What is left out must not hide what was slow.
    fn keep_peaks_of(&mut self, other: &Self) {
        let peak = |one: Option<f64>, other: Option<f64>| match (one, other) {
            (Some(one), Some(other)) => Some(one.max(other)),
            (one, other) => one.or(other),
        };
        self.p50_ms = peak(self.p50_ms, other.p50_ms);
        self.p95_ms = peak(self.p95_ms, other.p95_ms);
        self.users = self.users.max(other.users);
    }
}
