//! The status as a value: drafted from what was observed, compared before it
//! is written, paced where numbers move.

mod draft;
mod fingerprint;
pub mod health;
mod kstatus;
mod pace;
#[cfg(test)]
mod tests;

pub use draft::{Draft, Truth};
pub use fingerprint::fingerprint;
pub(crate) use fingerprint::hash;
pub use pace::{LIVE_PERIOD, Pace, pace};

use locust_api::latest::LocustTestStatus;
use serde_json::Value;

use crate::merge_patch::difference;

/// The merge patch that turns a stored status into another. What is no longer
/// there is taken away.
pub fn patch(stored: Option<&LocustTestStatus>, status: &LocustTestStatus) -> Value {
    let value = |status: &LocustTestStatus| serde_json::to_value(status).unwrap_or_default();
    let nothing = LocustTestStatus::default();
    let derived = value(status);
    difference(&value(stored.unwrap_or(&nothing)), &derived).unwrap_or(derived)
}
