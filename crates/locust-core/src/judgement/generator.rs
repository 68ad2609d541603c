//! Whether the load was made as asked for, so that its numbers speak of the
//! target.

use locust_api::condition::Reason;

use crate::locust::generator::{Shortfall, Strain};
use crate::locust::{RunPhase, RunWatch};

/// How the load of a run is made, or was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Making {
    /// The most workers that were connected at a time.
    pub workers: u64,
    /// How many were asked for; `None`: fewer are as good.
    pub wanted_workers: Option<u64>,
    /// How many went away under load.
    pub lost_workers: u64,
    /// What was too much for them.
    pub strain: Strain,
}

impl Making {
    /// By what was folded of a run.
    pub const fn of(watch: &RunWatch, strain: Strain, wanted_workers: Option<u64>) -> Self {
        Self {
            workers: watch.most_workers(),
            wanted_workers,
            lost_workers: watch.lost_workers(),
            strain,
        }
    }

    /// Why the load of a run that stands there is not as asked for, if it is not:
    /// the gravest of what is known.
    pub fn unhealthy(&self, phase: RunPhase) -> Option<(Reason, String)> {
        if phase == RunPhase::AllWorkersLost {
            let message = "all workers were lost under load".to_owned();
            return Some((Reason::AllWorkersLost, message));
        }
        if self.lost_workers > 0 {
            let lost = counted(self.lost_workers, "worker was", "workers were");
            let message = format!(
                "{lost} lost under load, with what they had counted since their last report"
            );
            return Some((Reason::WorkersLost, message));
        }
        if self.strain.saturated_workers > 0 {
            let busy = counted(self.strain.saturated_workers, "worker", "workers");
            let message = format!(
                "{busy} used more than 90 % of a core for 10 s or longer, so response times may be the workers' own"
            );
            return Some((Reason::WorkersSaturated, message));
        }
        if let Some(Shortfall { most, wanted }) = self.strain.users {
            let message = format!("{most} of {wanted} users were at work at most");
            return Some((Reason::UsersMissing, message));
        }
        let wanted = self
            .wanted_workers
            .filter(|wanted| *wanted > self.workers)?;
        (phase.has_begun() && self.workers > 0).then(|| {
            let message = format!("{} of {wanted} workers took part at most", self.workers);
            (Reason::WorkersMissing, message)
        })
    }
}

fn counted(count: u64, one: &str, many: &str) -> String {
    let what = if count == 1 { one } else { many };
    format!("{count} {what}")
}
