//! Numbers that move while a test runs are written at most once a period, so
//! that a test's writes do not grow with its workers.

use std::time::Duration;

use locust_api::condition::{ConditionType, Reason};
use locust_api::latest::LocustTestStatus;

use crate::polling;

/// The shortest time between two writes of nothing but live numbers.
pub const LIVE_PERIOD: Duration = Duration::from_secs(5);

/// What to do about a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// It is stored already.
    Same,
    /// Write it.
    Write,
    /// Only live numbers moved: look again after this time.
    Wait(Duration),
}

/// Compares the stored status with the derived one. `since_write` is the time
/// since this process last wrote the test's status; `None` if it never did.
pub fn pace(
    stored: Option<&LocustTestStatus>,
    derived: &LocustTestStatus,
    since_write: Option<Duration>,
) -> Pace {
    let nothing = LocustTestStatus::default();
    let stored = stored.unwrap_or(&nothing);
    if timeless(stored) == timeless(derived) {
        return Pace::Same;
    }
    let wait = since_write.and_then(|since| LIVE_PERIOD.checked_sub(since));
    match wait {
        Some(wait) if !wait.is_zero() && without_live(stored) == without_live(derived) => {
            Pace::Wait(wait)
        }
        _ => Pace::Write,
    }
}

/// Without what time alone moves.
fn timeless(status: &LocustTestStatus) -> LocustTestStatus {
    LocustTestStatus {
        locust: status.locust.as_ref().map(polling::timeless),
        ..status.clone()
    }
}

fn without_live(status: &LocustTestStatus) -> LocustTestStatus {
    let mut status = status.clone();
    status.connected_workers = None;
    status.locust = None;
    // That Locust answers is no news beside its numbers.
    let answering = Reason::Answering.as_str();
    let conditions = status.conditions.get_or_insert_default();
    let met = ConditionType::ThresholdsMet.as_str();
    conditions.retain(|condition| condition.reason != answering && condition.type_ != met);
    for condition in status.conditions.iter_mut().flatten() {
        let counts = [ConditionType::WorkersConnected, ConditionType::PodsHealthy];
        if counts.iter().any(|type_| condition.type_ == type_.as_str()) {
            condition.message.clear();
        }
    }
    status
}
