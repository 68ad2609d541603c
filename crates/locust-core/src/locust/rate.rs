//! Requests per second as they go on.
//!
//! Locust's own `current_rps` leaves out the two youngest seconds of twelve and
//! counts only requests that workers have reported, so that it says 0 for the
//! first seconds of every run and lags for the rest. The growth of the totals
//! says it sooner. They grow in steps, every three seconds for each worker, so
//! the growth is taken between steps that lie a few seconds apart.

use std::collections::VecDeque;
use std::time::Duration;

/// Steps older than this no longer count, as long as there are two younger.
const WINDOW: Duration = Duration::from_secs(9);

/// Folds totals into a rate.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rate {
    steps: VecDeque<(Duration, u64)>,
    /// When it was last looked.
    looked: Duration,
}

impl Rate {
    /// Takes in the number of requests at `now`, from the beginning of the load
    /// on.
    pub fn observe(&mut self, now: Duration, requests: u64) {
        self.looked = now;
        match self.steps.back() {
            // The counting has begun anew.
            Some((_, last)) if requests < *last => self.steps.clear(),
            Some((_, last)) if requests == *last => return,
            _ => {}
        }
        self.steps.push_back((now, requests));
        while self.steps.len() > 2
            && self
                .steps
                .get(1)
                .is_some_and(|(at, _)| now.saturating_sub(*at) >= WINDOW)
        {
            self.steps.pop_front();
        }
    }

    /// Requests per second between the steps, and none once they have not grown
    /// for longer than they count. `None` before there are two.
    pub fn per_second(&self) -> Option<f64> {
        let (from, first) = self.steps.front()?;
        let (to, last) = self.steps.back()?;
        if from != to && self.looked.saturating_sub(*to) > WINDOW {
            return Some(0.0);
        }
        let seconds = to.saturating_sub(*from).as_secs_f64();
        let requests = last.saturating_sub(*first);
        (seconds > 0.0).then(|| super::sample::float(requests) / seconds)
    }
}
