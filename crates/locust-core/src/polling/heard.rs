//! What is known of a run by its master.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::Silence;
use super::results::Top;
use crate::judgement::Making;
use crate::locust::{Endpoint, RunPhase, State};
use crate::report::Report;
use crate::storage::Outcome;
use crate::thresholds::Standing;

/// When an answer came.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// On a clock that never goes back, from the first question on.
    pub elapsed: Duration,
    /// On the calendar.
    pub now: Timestamp,
}

/// What is known of a run by its master.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// Where the run stands.
    pub phase: RunPhase,
    /// The last numbers.
    pub numbers: Option<Numbers>,
    /// What they are made of, as far as a status has room for it.
    pub top: Arc<Top>,
    /// When the end of the load was seen.
    pub load_ended: Option<Timestamp>,
    /// Which Locust it is: by its own words, or by the tag of its image.
    pub version: Option<String>,
    /// How its numbers compare with each threshold.
    pub standings: Vec<Standing>,
    /// How the load is made.
    pub making: Making,
    /// The full results, once they are read.
    pub report: Option<Arc<Report>>,
    /// What became of them by the sidecar that stores them; `None`: there is
    /// no sidecar.
    pub outcome: Option<Outcome>,
    /// Why there are no newer ones, once that is more than a moment's.
    pub silence: Option<Silence>,
}

/// The numbers of a run at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbers {
    /// State of the master.
    pub state: State,
    /// Users at work.
    pub users: u64,
    /// Requests per second, lately.
    pub requests_per_second: f64,
    /// Failed requests per second, lately.
    pub failures_per_second: f64,
    /// All requests of the run together.
    pub totals: Endpoint,
    /// Workers that answer.
    pub workers_connected: u64,
    /// Workers that do not, and that the master has not forgotten yet.
    pub workers_missing: u64,
    /// When load was first seen.
    pub load_began: Option<Timestamp>,
    /// How long it has lasted.
    pub elapsed: Option<Duration>,
    /// How long it is still to last.
    pub remaining: Option<Duration>,
    /// When this was said.
    pub sampled_at: Timestamp,
}

/// What an answer means for the status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum News {
    /// Nothing.
    None,
    /// It has to be derived anew.
    Some,
}
