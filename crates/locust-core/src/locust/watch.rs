//! Where a run stands, folded from samples.
//!
//! No single field of a sample says it: `stopped` is also reported before any
//! load, a lost worker keeps the master in `stopping` for ever, and a master
//! whose workers all died idles in `stopped` and later exits with 0.
//!
//! ```text
//! Starting ──▶ Running ──▶ Ending ──6 s──▶ Ended
//!                 │  ▲        │
//!                 │  └────────┘ load started again, by a person
//!                 └──▶ AllWorkersLost
//! ```

use std::time::Duration;

use super::{Ended, Sample, State};

/// From the end of the load until all that the workers counted has arrived:
/// three seconds between two reports, two seconds of cache, one to spare.
pub const SETTLING: Duration = Duration::from_secs(6);

/// How long a running test may show no worker before they count as lost. Longer
/// than the two seconds for which a master at its regular end shows none.
pub const LOST_AFTER: Duration = Duration::from_secs(4);

/// How far before the planned end a stop still counts as that end: Locust's
/// clock starts at the spawn order, ours when a sample first shows load.
const END_TOLERANCE: Duration = Duration::from_secs(5);

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunPhase {
    /// No load yet.
    Starting,
    /// There is load, or a person has paused it.
    Running,
    /// The load is over, the totals may still grow.
    Ending,
    /// The load is over and the totals are final.
    Ended,
    /// There was load, and all that made it are gone. Locust itself does not
    /// take this for an error.
    AllWorkersLost,
}

impl RunPhase {
    /// Whether load was ever seen.
    pub const fn has_begun(self) -> bool {
        !matches!(self, Self::Starting)
    }

    /// Whether nothing more is to come.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Ended | Self::AllWorkersLost)
    }
}

/// Folds samples into the phase of the run.
///
/// Times are counted from any fixed moment, on a clock that never goes back.
#[derive(Clone, Debug, PartialEq)]
pub struct RunWatch {
    phase: RunPhase,
    run_time: Option<Duration>,
    began: Option<Duration>,
    ended: Option<Duration>,
    no_worker_since: Option<Duration>,
    connected: u64,
    missing: u64,
    most_workers: u64,
    lost_workers: u64,
}

impl RunWatch {
    /// Begins before the start of the load. `run_time` is the planned length of
    /// the load, if it is known.
    pub const fn new(run_time: Option<Duration>) -> Self {
        Self {
            phase: RunPhase::Starting,
            run_time,
            began: None,
            ended: None,
            no_worker_since: None,
            connected: 0,
            missing: 0,
            most_workers: 0,
            lost_workers: 0,
        }
    }

    /// Goes on with a run whose load began at the moment from which times are
    /// counted.
    pub const fn resumed(run_time: Option<Duration>) -> Self {
        Self {
            phase: RunPhase::Running,
            began: Some(Duration::ZERO),
            ..Self::new(run_time)
        }
    }

    /// Takes in what the master said at `now`.
    pub fn observe(&mut self, now: Duration, sample: &Sample) -> RunPhase {
        self.count_workers(now, sample);
        self.phase = match self.phase {
            RunPhase::Starting => self.after_starting(now, sample),
            RunPhase::Running => self.after_running(now, sample),
            RunPhase::Ending | RunPhase::Ended => self.after_ending(now, sample),
            RunPhase::AllWorkersLost => RunPhase::AllWorkersLost,
        };
        self.phase
    }

    /// The phase after the last sample.
    pub const fn phase(&self) -> RunPhase {
        self.phase
    }

    /// When load was first seen.
    pub const fn began(&self) -> Option<Duration> {
        self.began
    }

    /// When the end of the load was first seen.
    pub const fn ended(&self) -> Option<Duration> {
        self.ended
    }

    /// The highest number of workers that were connected at a time.
    pub const fn most_workers(&self) -> u64 {
        self.most_workers
    }

    /// How many workers went away while there was load. What they counted since
    /// their last report is lost.
    pub const fn lost_workers(&self) -> u64 {
        self.lost_workers
    }

    /// What made the load end when the master's process is gone at `now`.
    pub fn master_gone(&self, now: Duration) -> Ended {
        match self.time_left(now) {
            Some(left) if left > END_TOLERANCE => Ended::Early,
            _ => Ended::Itself,
        }
    }

    /// Time until the planned end of the load, if it is known and running.
    pub fn time_left(&self, now: Duration) -> Option<Duration> {
        if self.phase != RunPhase::Running {
            return None;
        }
        let planned_end = self.began?.checked_add(self.run_time?)?;
        Some(planned_end.saturating_sub(now))
    }

    /// How long after `now` the numbers are final, while that is waited for.
    pub fn final_in(&self, now: Duration) -> Option<Duration> {
        let ended = self.ended.filter(|_| self.phase == RunPhase::Ending)?;
        Some(ended.saturating_add(SETTLING).saturating_sub(now))
    }

    fn after_starting(&mut self, now: Duration, sample: &Sample) -> RunPhase {
        if sample.is_loading() {
            self.began = Some(now);
            return RunPhase::Running;
        }
        // A run shorter than the pause between two samples. Without workers the
        // requests are those of an earlier master's orphans.
        if sample.is_idle() && sample.totals.requests > 0 && sample.workers.connected > 0 {
            self.began = Some(now);
            self.ended = Some(now);
            return RunPhase::Ending;
        }
        RunPhase::Starting
    }

    fn after_running(&mut self, now: Duration, sample: &Sample) -> RunPhase {
        let is_due = self
            .time_left(now)
            .is_some_and(|left| left <= END_TOLERANCE);
        if let (Some(since), false) = (self.no_worker_since, is_due) {
            let is_lost = now.saturating_sub(since) >= LOST_AFTER;
            return if is_lost {
                self.ended = Some(now);
                RunPhase::AllWorkersLost
            } else {
                RunPhase::Running
            };
        }
        if sample.is_idle() {
            self.ended = Some(now);
            return RunPhase::Ending;
        }
        RunPhase::Running
    }

    fn after_ending(&mut self, now: Duration, sample: &Sample) -> RunPhase {
        if sample.is_loading() && sample.users > 0 {
            self.began = Some(now);
            self.ended = None;
            return RunPhase::Running;
        }
        match self.ended {
            Some(ended) if now.saturating_sub(ended) >= SETTLING => RunPhase::Ended,
            _ => RunPhase::Ending,
        }
    }

    fn count_workers(&mut self, now: Duration, sample: &Sample) {
        let connected = sample.workers.connected;
        // While it stops its users a master lists no workers, for as long as
        // `--stop-timeout` says.
        if connected > 0 || sample.state == State::Stopping {
            self.no_worker_since = None;
        } else if self.no_worker_since.is_none() {
            self.no_worker_since = Some(now);
        }
        // One that is replaced at once is missing all the same, for a minute.
        let missing = sample.workers.missing;
        if self.phase == RunPhase::Running && sample.is_loading() {
            let fewer = self.connected.saturating_sub(connected);
            self.lost_workers += fewer.max(missing.saturating_sub(self.missing));
        }
        self.connected = connected;
        self.missing = missing;
        self.most_workers = self.most_workers.max(connected);
    }
}
