//! How closely a run is looked at.

use std::time::Duration;

use super::Numbers;
use crate::locust::{RunPhase, State};

/// How many seconds before the planned end it is looked at more closely.
const NEAR_THE_END: Duration = Duration::from_secs(6);

/// Whether something may be different at the next question.
pub(super) fn is_changing(phase: RunPhase, before: Option<&Numbers>, now: &Numbers) -> bool {
    let shape = |numbers: &Numbers| {
        let Numbers {
            state,
            users,
            workers_connected,
            workers_missing,
            ..
        } = numbers;
        (*state, *users, *workers_connected, *workers_missing)
    };
    let is_near_the_end = now.remaining.is_some_and(|left| left <= NEAR_THE_END);
    matches!(now.state, State::Spawning | State::Stopping)
        || phase == RunPhase::Ending
        || is_near_the_end
        || before.is_none_or(|before| shape(before) != shape(now))
}

/// A pause that differs from all others, so that many masters are not asked at
/// once: up to a tenth shorter or longer. `chance` is any number.
pub fn jittered(pause: Duration, chance: u64) -> Duration {
    let thousandths = u32::try_from(chance % 201).unwrap_or_default();
    pause * (900 + thousandths) / 1000
}
