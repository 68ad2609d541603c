//! How a target answers, as a user writes it: `5ms`, `/pay=500:0.1`.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;

/// Paths of the target itself; they cannot be made to fail.
pub(super) const OWN_PREFIX: &str = "/-/";

const MILLION: u32 = 1_000_000;

/// How a target answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Behaviour {
    pub(super) latency: Duration,
    pub(super) fail: BTreeMap<String, Failure>,
}

/// How one path fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) status: u16,
    pub(super) ratio: Ratio,
}

/// The body of `POST /-/behaviour`, in the notation of the command line:
/// `{"latency": "20ms", "fail": ["/pay=503:0.5"]}`. What is left out stays.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The new latency of every answer.
    pub latency: Option<String>,
    /// All rules from now on, in place of the old ones.
    pub fail: Option<Vec<String>>,
}

/// Why a behaviour cannot be had. The text says what is expected instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BehaviourError {
    /// Not a duration.
    #[error("{0:?} is not a latency: expected a number with a unit, such as 5ms, 0s or 1.5s")]
    Latency(String),
    /// Not of the form `PATH=STATUS[:RATIO]`.
    #[error("{0:?} is not a failure rule: expected PATH=STATUS[:RATIO], such as /pay=500:0.1")]
    Rule(String),
    /// A path that no request can have, or one of the target's own.
    #[error("path {0:?}: expected the exact path, beginning with / and not with /-/, no query")]
    Path(String),
    /// Not a status that a load test counts as a failure.
    #[error("status {0:?}: expected a number from 400 to 599")]
    Status(String),
    /// Not a share of one.
    #[error("ratio {0:?}: expected a number from 0 to 1 with at most six decimals")]
    Ratio(String),
    /// Two rules for one path.
    #[error("path {0:?} has more than one failure rule: expected one per path")]
    Twice(String),
}

/// The time that every answer takes, written `5ms`, `0s`, `1.5s`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Latency(pub Duration);

impl FromStr for Latency {
    type Err = BehaviourError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<jiff::SignedDuration>()
            .ok()
            .and_then(|signed| Duration::try_from(signed).ok())
            .map(Self)
            .ok_or_else(|| BehaviourError::Latency(text.to_owned()))
    }
}

/// A share of requests. Kept in millionths, so that sums are exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ratio(u32);

impl Ratio {
    /// Every request.
    pub const ALWAYS: Self = Self(MILLION);

    /// Whether the `nth` request (counted from 1) is one of the share. They
    /// are spread evenly: with 0.25 it is the 4th, the 8th, the 12th…
    pub(super) fn hits(self, nth: u64) -> bool {
        let share = |count: u64| u128::from(count) * u128::from(self.0) / u128::from(MILLION);
        share(nth) > share(nth.saturating_sub(1))
    }
}

impl FromStr for Ratio {
    type Err = BehaviourError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || BehaviourError::Ratio(text.to_owned());
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(decimals) || decimals.len() > 6 {
            return Err(error());
        }
        let whole: u32 = whole.parse().map_err(|_| error())?;
        let decimals: u32 = format!("{decimals:0<6}").parse().map_err(|_| error())?;
        match whole
            .checked_mul(MILLION)
            .map(|w| w.saturating_add(decimals))
        {
            Some(millionths) if millionths <= MILLION => Ok(Self(millionths)),
            _ => Err(error()),
        }
    }
}

/// One path that fails, written `PATH=STATUS[:RATIO]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailRule {
    path: String,
    failure: Failure,
}

impl FromStr for FailRule {
    type Err = BehaviourError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // The last `=` is the separator: a path may hold others.
        let (path, answer) = text
            .rsplit_once('=')
            .ok_or_else(|| BehaviourError::Rule(text.to_owned()))?;
        if !path.starts_with('/') || path.starts_with(OWN_PREFIX) || path.contains(['?', '#']) {
            return Err(BehaviourError::Path(path.to_owned()));
        }
        let (status, ratio) = match answer.split_once(':') {
            Some((status, ratio)) => (status, ratio.parse()?),
            None => (answer, Ratio::ALWAYS),
        };
        let status = match status.parse() {
            Ok(number @ 400..=599) => number,
            _ => return Err(BehaviourError::Status(status.to_owned())),
        };
        Ok(Self {
            path: path.to_owned(),
            failure: Failure { status, ratio },
        })
    }
}

impl Behaviour {
    /// Answers after `latency`, and fails as the rules say.
    pub fn new(latency: Latency, rules: Vec<FailRule>) -> Result<Self, BehaviourError> {
        let mut fail = BTreeMap::new();
        for FailRule { path, failure } in rules {
            if fail.insert(path.clone(), failure).is_some() {
                return Err(BehaviourError::Twice(path));
            }
        }
        let Latency(latency) = latency;
        Ok(Self { latency, fail })
    }

    /// Takes over a change as a whole, or nothing of it.
    pub(super) fn change(&mut self, change: Change) -> Result<(), BehaviourError> {
        let Change { latency, fail } = change;
        let Latency(latency) = match latency {
            Some(text) => text.parse()?,
            None => Latency(self.latency),
        };
        let fail = match fail {
            Some(rules) => {
                let rules = rules.iter().map(|rule| rule.parse());
                Self::new(Latency::default(), rules.collect::<Result<_, _>>()?)?.fail
            }
            None => std::mem::take(&mut self.fail),
        };
        *self = Self { latency, fail };
        Ok(())
    }
}
