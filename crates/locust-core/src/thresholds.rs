//! Whether a run keeps to its thresholds, from one answer of its master to the
//! next.
//!
//! A threshold is compared with the numbers of the whole run so far. What they
//! are in the end counts; a breach that lasts as long as the threshold says
//! counts whatever comes after it.

use std::time::Duration;

use locust_api::condition::Reason;
use locust_api::latest::{Metric, Threshold, Unit};

use crate::locust::{Endpoint, RunPhase, Sample};

mod reading;

pub use reading::Reading;

/// A run's thresholds, each with what was seen of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Judge {
    marks: Vec<Mark>,
}

#[derive(Clone, Debug, PartialEq)]
struct Mark {
    threshold: Threshold,
    found: Found,
    breached_since: Option<Duration>,
    /// The value with which a breach had lasted long enough.
    lasting: Option<f64>,
}

/// How the numbers compare with a threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Found {
    /// There is nothing to compare yet.
    Nothing,
    Met(f64),
    Breached(f64),
}

/// What there is to say of one threshold.
#[derive(Clone, Debug, PartialEq)]
pub enum Standing {
    /// It is met.
    Met,
    /// It is not met now, which may pass; in words.
    NotMet(String),
    /// It is breached for good; in words.
    Breached {
        /// What is how much, and how much it may be.
        words: String,
        /// Whether that stops the load.
        aborts: bool,
    },
    /// There is nothing to compare it with; what that is, in words.
    Unseen(String),
}

/// When a sample was taken, as a run's time.
#[derive(Clone, Copy, Debug)]
pub struct RunTime {
    /// Where the run stands.
    pub phase: RunPhase,
    /// Since the load began.
    pub load: Duration,
    /// Requests per second, lately; of all endpoints.
    pub lately: f64,
}

impl Judge {
    /// Nothing is seen yet.
    pub fn new(thresholds: &[Threshold]) -> Self {
        let mark = |threshold: &Threshold| Mark {
            threshold: threshold.clone(),
            found: Found::Nothing,
            breached_since: None,
            lasting: None,
        };
        Self {
            marks: thresholds.iter().map(mark).collect(),
        }
    }

    /// Whether it judges by these.
    pub fn is_of(&self, thresholds: &[Threshold]) -> bool {
        self.marks.iter().map(|mark| &mark.threshold).eq(thresholds)
    }

    /// Compares what a master says.
    pub fn observe(&mut self, time: RunTime, sample: &Sample) {
        for mark in &mut self.marks {
            mark.observe(time, sample);
        }
    }

    /// Whether a threshold is about a percentile that only the table of requests
    /// has: which ones are in a sample depends on the version, and on the
    /// locustfile.
    pub fn wants_table(&self, sample: &Sample) -> bool {
        let totals = &sample.totals;
        let is_missing = |mark: &Mark| value(mark.threshold.metric, totals, 0.0).is_none();
        totals.requests > 0 && self.marks.iter().any(is_missing)
    }

    /// How many thresholds are breached for good while there is load.
    pub(crate) fn breaches(&self) -> usize {
        let lasting = |mark: &&Mark| mark.lasting.is_some();
        self.marks.iter().filter(lasting).count()
    }

    /// How each threshold stands, in their order. `is_over`: no more numbers
    /// come.
    pub fn standings(&self, is_over: bool) -> Vec<Standing> {
        let stands = |mark: &Mark| mark.standing(is_over);
        self.marks.iter().map(stands).collect()
    }
}

impl Mark {
    fn observe(&mut self, time: RunTime, sample: &Sample) {
        let is_over = match time.phase {
            RunPhase::Starting => return,
            RunPhase::Running => false,
            RunPhase::Ending | RunPhase::Ended | RunPhase::AllWorkersLost => true,
        };
        let warm_up = seconds(self.threshold.warm_up_seconds);
        if !is_over && time.load < warm_up {
            return;
        }
        self.found = self.compare(time, is_over, sample);
        let Found::Breached(value) = self.found else {
            self.breached_since = None;
            return;
        };
        let since = *self.breached_since.get_or_insert(time.load);
        let lasts = match self.threshold.for_seconds {
            Some(_) => time.load.saturating_sub(since) >= seconds(self.threshold.for_seconds),
            None => self.threshold.abort,
        };
        if lasts && !is_over && self.lasting.is_none() {
            self.lasting = Some(value);
        }
    }

    /// The first of the rows that the threshold is about to breach it decides.
    fn compare(&self, time: RunTime, is_over: bool, sample: &Sample) -> Found {
        // None is a number, too.
        let mut found = match self.threshold.metric == Metric::Requests && is_over {
            true => self.against(0.0, is_over),
            false => Found::Nothing,
        };
        for row in rows(self.threshold.endpoint.as_deref(), sample) {
            let lately = match self.threshold.endpoint {
                None => time.lately,
                Some(_) => row.current_rps,
            };
            let rate = match (is_over, row.mean_rps) {
                (false, _) => lately,
                (true, Some(mean)) => mean,
                (true, None) => per_second(row, time.load),
            };
            let Some(value) = value(self.threshold.metric, row, rate) else {
                continue;
            };
            found = self.against(value, is_over);
            if matches!(found, Found::Breached(_)) {
                break;
            }
        }
        found
    }

    fn against(&self, value: f64, is_over: bool) -> Found {
        let limit = |text: &Option<String>| self.threshold.metric.limit(text.as_deref()?);
        let is_growing = self.threshold.metric == Metric::Requests && !is_over;
        let is_above = limit(&self.threshold.max).is_some_and(|max| value > max);
        let is_below = limit(&self.threshold.min).is_some_and(|min| value < min) && !is_growing;
        match is_above || is_below {
            true => Found::Breached(value),
            false => Found::Met(value),
        }
    }

    fn standing(&self, is_over: bool) -> Standing {
        match (self.lasting, self.found) {
            (Some(value), _) => self.breached(value),
            (None, Found::Breached(value)) if is_over => self.breached(value),
            (None, Found::Breached(value)) => Standing::NotMet(self.words(value)),
            (None, Found::Met(_)) => Standing::Met,
            (None, Found::Nothing) => Standing::Unseen(self.name()),
        }
    }

    fn breached(&self, value: f64) -> Standing {
        Standing::Breached {
            words: self.words(value),
            aborts: self.threshold.abort,
        }
    }

    fn name(&self) -> String {
        let metric = self.threshold.metric.as_str();
        match &self.threshold.endpoint {
            Some(endpoint) => format!("{metric} of {endpoint}"),
            None => metric.to_owned(),
        }
    }

    fn words(&self, value: f64) -> String {
        let Threshold {
            metric, max, min, ..
        } = &self.threshold;
        let is_above = max
            .as_deref()
            .and_then(|max| metric.limit(max))
            .is_some_and(|max| value > max);
        let limit = match (is_above, max, min) {
            (true, Some(max), _) => format!("more than {max}"),
            (_, _, Some(min)) => format!("less than {min}"),
            (_, _, None) => String::new(),
        };
        format!("{} is {}, {limit}", self.name(), shown(*metric, value))
    }
}

/// How thresholds stand together, as `ThresholdsMet` says it: of all that is not
/// met the worst kind, by its first threshold.
pub fn summary(standings: &[Standing], is_over: bool) -> (Reason, String) {
    let (mut breached, mut not_met, mut unseen) = (Vec::new(), Vec::new(), Vec::new());
    for standing in standings {
        match standing {
            Standing::Breached { words, .. } => breached.push(words),
            Standing::NotMet(words) => not_met.push(words),
            Standing::Unseen(words) => unseen.push(words),
            Standing::Met => {}
        }
    }
    let all_met = match standings.len() {
        1 => "the threshold is met".to_owned(),
        count => format!("all {count} thresholds are met"),
    };
    let and_others = |list: &[&String]| match list {
        [] => String::new(),
        [only] => (*only).clone(),
        [first, others @ ..] => format!("{first}, and {} more", others.len()),
    };
    match (&*breached, &*not_met, &*unseen, is_over) {
        ([], [], [], true) => (Reason::AllMet, all_met),
        ([], [], _, false) => (Reason::AllMet, format!("{all_met} so far")),
        ([], [], unseen, true) => (
            Reason::NothingToCompare,
            format!(
                "there was no request to compare with {}",
                and_others(unseen)
            ),
        ),
        ([], not_met, _, _) => (Reason::NotMetSoFar, and_others(not_met)),
        (breached, ..) => (Reason::ThresholdBreached, and_others(breached)),
    }
}

/// The first breach that stops the load, in words.
pub fn aborting(standings: &[Standing]) -> Option<&str> {
    standings.iter().find_map(|standing| match standing {
        Standing::Breached {
            words,
            aborts: true,
        } => Some(words.as_str()),
        Standing::Breached { .. } | Standing::Met | Standing::NotMet(_) | Standing::Unseen(_) => {
            None
        }
    })
}

/// The rows that a threshold is about.
fn rows<'a>(endpoint: Option<&str>, sample: &'a Sample) -> Vec<&'a Endpoint> {
    let Some(wanted) = endpoint else {
        return vec![&sample.totals];
    };
    let is_it = |row: &&Endpoint| {
        let without_method = wanted
            .strip_prefix(row.method.as_str())
            .and_then(|rest| rest.strip_prefix(' '));
        row.name == wanted || without_method == Some(&row.name)
    };
    sample.endpoints.iter().filter(is_it).collect()
}

/// A number of a row, if it says anything: nothing is slow or fails where there
/// was no request.
fn value(metric: Metric, row: &Endpoint, rate: f64) -> Option<f64> {
    let if_any = |value: f64| (row.requests > 0).then_some(value);
    match metric {
        Metric::P50 => if_any(row.median_ms),
        Metric::P66 => row.rarer.p66_ms.and_then(if_any),
        Metric::P75 => row.rarer.p75_ms.and_then(if_any),
        Metric::P80 => row.rarer.p80_ms.and_then(if_any),
        Metric::P90 => row.rarer.p90_ms.and_then(if_any),
        Metric::P95 => row.p95_ms.and_then(if_any),
        Metric::P98 => row.rarer.p98_ms.and_then(if_any),
        Metric::P99 => row.p99_ms.and_then(if_any),
        Metric::Avg => if_any(row.average_ms),
        Metric::Max => if_any(row.max_ms),
        Metric::FailRatio => if_any(row.fail_ratio()),
        Metric::Rps => Some(rate),
        Metric::Requests => Some(count(row)),
    }
}

fn count(row: &Endpoint) -> f64 {
    crate::locust::sample::float(row.requests)
}

fn per_second(row: &Endpoint, load: Duration) -> f64 {
    match load.is_zero() {
        true => 0.0,
        false => count(row) / load.as_secs_f64(),
    }
}

fn shown(metric: Metric, value: f64) -> String {
    match metric.unit() {
        Unit::Time => format!("{value:.0}ms"),
        Unit::Ratio => format!("{:.2}%", value * 100.0),
        Unit::Rate => format!("{value:.1}"),
        Unit::Count => format!("{value:.0}"),
    }
}

fn seconds(count: Option<i32>) -> Duration {
    let count = count.and_then(|count| u64::try_from(count).ok());
    Duration::from_secs(count.unwrap_or_default())
}

#[cfg(test)]
mod tests;
