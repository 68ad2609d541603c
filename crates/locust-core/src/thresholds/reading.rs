//! What thresholds say to people: the value, the limit, and what lies between.

use locust_api::latest::Threshold;

use super::{Found, Judge, Mark, Standing, shown};

/// One threshold beside the number that it is about.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// `p95 of GET /cart`.
    pub name: String,
    /// `at most 500ms`.
    pub limit: String,
    /// The number, in the unit of the limit. `None` without a request.
    pub value: Option<String>,
    /// How far the number is within the limit, as a part of it; below 0 beyond
    /// it. `None` of a limit of 0, or without a number.
    pub margin: Option<f64>,
    /// How it stands.
    pub standing: Standing,
}

impl Judge {
    /// Each threshold with its number, in their order. `is_over`: no more
    /// numbers come.
    pub fn readings(&self, is_over: bool) -> Vec<Reading> {
        let reads = |mark: &Mark| mark.reading(is_over);
        self.marks.iter().map(reads).collect()
    }
}

impl Reading {
    /// One word for how it stands.
    pub const fn word(&self) -> &'static str {
        match self.standing {
            Standing::Met => "met",
            Standing::NotMet(_) => "not met",
            Standing::Breached { .. } => "breached",
            Standing::Unseen(_) => "no request",
        }
    }

    /// `12 % within`, `8 % beyond`, or a dash.
    pub fn margin_words(&self) -> String {
        match self.margin.map(|margin| margin * 100.0) {
            None => "-".to_owned(),
            Some(percent) if percent < 0.0 => format!("{:.0} % beyond", -percent),
            Some(percent) => format!("{percent:.0} % within"),
        }
    }
}

impl Mark {
    fn reading(&self, is_over: bool) -> Reading {
        let value = match (self.lasting, self.found) {
            (Some(value), _) | (None, Found::Met(value) | Found::Breached(value)) => Some(value),
            (None, Found::Nothing) => None,
        };
        let metric = self.threshold.metric;
        Reading {
            name: self.name(),
            limit: limits(&self.threshold),
            value: value.map(|value| shown(metric, value)),
            margin: value.and_then(|value| margin(&self.threshold, value)),
            standing: self.standing(is_over),
        }
    }
}

fn limits(threshold: &Threshold) -> String {
    let at = |word: &str, limit: &Option<String>| Some(format!("{word} {}", limit.as_ref()?));
    let limits = [
        at("at most", &threshold.max),
        at("at least", &threshold.min),
    ];
    let limits: Vec<String> = limits.into_iter().flatten().collect();
    limits.join(", ")
}

/// The smaller one, of two limits.
fn margin(threshold: &Threshold, value: f64) -> Option<f64> {
    let limit = |text: &Option<String>| {
        let limit = threshold.metric.limit(text.as_deref()?)?;
        (limit > 0.0).then_some(limit)
    };
    let below = limit(&threshold.max).map(|max| (max - value) / max);
    let above = limit(&threshold.min).map(|min| (value - min) / min);
    match (below, above) {
        (Some(below), Some(above)) => Some(below.min(above)),
        (below, above) => below.or(above),
    }
}
