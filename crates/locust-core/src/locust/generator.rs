//! Whether what makes the load is able to: a generator at its limit measures
//! itself, not the target.

use std::time::Duration;

use super::{Sample, State};

/// The part of a core, in percent, from which a worker is busy: Locust itself
/// warns beyond it. A worker is one process that uses one core.
pub(super) const BUSY_PERCENT: f64 = 90.0;
/// How long something has to last to count. Locust measures a worker's processor
/// time over five seconds.
const LASTING: Duration = Duration::from_secs(10);

/// Folds samples into what they show of the workers' strength.
///
/// Times are counted from any fixed moment, on a clock that never goes back.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Generator {
    wanted_users: Option<u64>,
    most_users: u64,
    short_since: Option<Duration>,
    users: Option<Shortfall>,
    busy_since: Option<Duration>,
    saturated_workers: u64,
}

/// What was too much for the workers, if anything was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Strain {
    /// How many workers were busy at a time, while some were for so long that
    /// their response times may be their own.
    pub saturated_workers: u64,
    /// There were never as many users as asked for, though Locust had started
    /// all it would.
    pub users: Option<Shortfall>,
}

/// Less than asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortfall {
    /// The most that there were.
    pub most: u64,
    /// How many were asked for.
    pub wanted: u64,
}

impl Generator {
    /// Nothing is seen yet. `users`: how many are asked for, if that is known.
    pub fn new(users: Option<u64>) -> Self {
        Self {
            wanted_users: users,
            ..Self::default()
        }
    }

    /// Takes in what the master said at `now`.
    pub fn observe(&mut self, now: Duration, sample: &Sample) {
        self.observe_workers(now, sample);
        self.observe_users(now, sample);
    }

    /// What was too much so far.
    pub const fn strain(&self) -> Strain {
        Strain {
            saturated_workers: self.saturated_workers,
            users: self.users,
        }
    }

    fn observe_workers(&mut self, now: Duration, sample: &Sample) {
        let busy = sample.workers.busy;
        if busy == 0 || !sample.is_loading() {
            self.busy_since = None;
            return;
        }
        let since = *self.busy_since.get_or_insert(now);
        if now.saturating_sub(since) >= LASTING {
            self.saturated_workers = self.saturated_workers.max(busy);
        }
    }

    /// Users that have done all they had to do leave: so the most counts, and
    /// only once Locust says that it has started all.
    fn observe_users(&mut self, now: Duration, sample: &Sample) {
        self.most_users = self.most_users.max(sample.users);
        let wanted = self.wanted_users.filter(|wanted| *wanted > self.most_users);
        let (Some(wanted), State::Running) = (wanted, sample.state) else {
            self.short_since = None;
            self.users = self.users.filter(|_| wanted.is_some());
            return;
        };
        let since = *self.short_since.get_or_insert(now);
        if now.saturating_sub(since) >= LASTING {
            self.users = Some(Shortfall {
                most: self.most_users,
                wanted,
            });
        }
    }
}
