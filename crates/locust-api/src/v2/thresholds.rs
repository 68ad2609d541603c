//! What a good run is, in numbers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A limit that the numbers of a good run keep. It is judged on the whole run
/// so far while there is load, and on all of it at the end. Thresholds may be
/// edited while the test runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Threshold {
    /// What is limited. p50 to p99, avg and max are response times; failRatio is
    /// the part of the requests that failed, rps requests per second, requests
    /// their number.
    pub metric: Metric,
    /// Name of one endpoint, as Locust lists it, with or without its method:
    /// `/users` or `GET /users`. All endpoints together without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The most it may be: a time such as `500ms` or `1.5s`, a ratio such as
    /// `1%` or `0.01`, a plain number for rps and requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<String>,
    /// The least it may be, written as `max` is. The number of requests is
    /// compared with it at the end only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<String>,
    /// How many seconds of load pass before it is judged while the test runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub warm_up_seconds: Option<i32>,
    /// A breach that lasts so many seconds fails the test, whatever the numbers
    /// of the whole run are in the end. Without it they alone count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub for_seconds: Option<i32>,
    /// Whether a breach stops the load: at once, or after forSeconds. The
    /// results are kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub abort: bool,
}

/// What a threshold limits: a percentile that Locust tells (p50, p66, p75, p80,
/// p90, p95, p98, p99), avg, max, failRatio, rps or requests.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub enum Metric {
    P50,
    P66,
    P75,
    P80,
    P90,
    P95,
    P98,
    P99,
    Avg,
    Max,
    FailRatio,
    Rps,
    Requests,
}

impl Metric {
    /// The metric as it stands in `spec.thresholds`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::P50 => "p50",
            Self::P66 => "p66",
            Self::P75 => "p75",
            Self::P80 => "p80",
            Self::P90 => "p90",
            Self::P95 => "p95",
            Self::P98 => "p98",
            Self::P99 => "p99",
            Self::Avg => "avg",
            Self::Max => "max",
            Self::FailRatio => "failRatio",
            Self::Rps => "rps",
            Self::Requests => "requests",
        }
    }

    /// What it is measured in.
    pub const fn unit(self) -> Unit {
        match self {
            Self::P50
            | Self::P66
            | Self::P75
            | Self::P80
            | Self::P90
            | Self::P95
            | Self::P98
            | Self::P99
            | Self::Avg
            | Self::Max => Unit::Time,
            Self::FailRatio => Unit::Ratio,
            Self::Rps => Unit::Rate,
            Self::Requests => Unit::Count,
        }
    }

    /// Whether it is a response time.
    pub const fn is_time(self) -> bool {
        matches!(self.unit(), Unit::Time)
    }

    /// A limit as a number: milliseconds for a time, 0 to 1 for a ratio. `None`
    /// if the unit is none of this metric.
    pub fn limit(self, text: &str) -> Option<f64> {
        match self.unit() {
            Unit::Time => match text.strip_suffix("ms") {
                Some(milliseconds) => decimal(milliseconds),
                None => Some(decimal(text.strip_suffix('s')?)? * 1000.0),
            },
            Unit::Ratio => match text.strip_suffix('%') {
                Some("100") => Some(1.0),
                Some(percent) if percent.find('.').unwrap_or(percent.len()) <= 2 => {
                    Some(decimal(percent)? / 100.0)
                }
                Some(_) => None,
                None if text == "1" || text == "0" || text.starts_with("0.") => decimal(text),
                None => None,
            },
            Unit::Rate => decimal(text),
            Unit::Count => decimal(text).filter(|_| !text.contains('.')),
        }
    }
}

/// What a metric is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Milliseconds.
    Time,
    /// A part of 1.
    Ratio,
    /// A second.
    Rate,
    /// A whole number.
    Count,
}

/// A number without sign and exponent.
fn decimal(text: &str) -> Option<f64> {
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    match is_digits(whole) && is_digits(fraction) {
        true => text.parse().ok(),
        false => None,
    }
}
