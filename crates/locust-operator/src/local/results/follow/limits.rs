//! What a run that is followed has to keep to, and what is done when it does not.

use std::time::Duration;

use locust_api::failure::FailureReason;
use locust_api::latest::Threshold;
use locust_core::judgement::{deadline_words, never_connected_words};
use locust_core::locust::Ended;
use locust_core::thresholds::aborting;

use super::{Follow, Followed};

/// What a run has to keep to.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    /// `spec.thresholds`.
    pub thresholds: Vec<Threshold>,
    /// `spec.activeDeadlineSeconds`.
    pub deadline_seconds: Option<i64>,
    /// `spec.startDeadlineSeconds`.
    pub start_deadline_seconds: Option<i64>,
    /// Whether the load may be made by fewer workers than there are to be.
    pub may_lack_workers: bool,
}

impl Follow<'_> {
    /// Why the load is to stop now, if it is.
    pub(super) fn wanted(&self, followed: &Followed, now: Duration) -> Option<Ended> {
        let stopped = |reason, message| Some(Ended::Stopped { reason, message });
        let is_over = followed.watch.phase().is_over();
        let standings = followed.judge.standings(is_over);
        if let Some(words) = aborting(&standings).filter(|_| !is_over) {
            return stopped(FailureReason::ThresholdBreached, words.to_owned());
        }
        // A master that is to stay after its load is not over with it.
        if is_over && !self.stay {
            return None;
        }
        if let Some((seconds, connected)) = self.overdue(followed, now)
            && (connected == 0 || !self.limits.may_lack_workers)
        {
            let words = never_connected_words([connected, self.expected_workers], seconds);
            return stopped(FailureReason::WorkersNeverConnected, words);
        }
        let seconds = self.limits.deadline_seconds?;
        (now >= seconds_of(seconds)).then(|| Ended::Stopped {
            reason: FailureReason::DeadlineExceeded,
            message: deadline_words(seconds),
        })
    }

    /// The deadline by which all workers were to be connected and how many are,
    /// if they never all were.
    fn overdue(&self, followed: &Followed, now: Duration) -> Option<(i64, u64)> {
        let seconds = self.limits.start_deadline_seconds?;
        let watch = &followed.watch;
        let waits = !watch.phase().has_begun() && watch.most_workers() < self.expected_workers;
        let sample = followed.sample.as_ref();
        let connected = sample.map_or(0, |sample| sample.workers.connected);
        (waits && now >= seconds_of(seconds)).then_some((seconds, connected))
    }

    /// Has the load started without the workers that are missing, if it is to be.
    /// That is repeated until it has had its effect, and said once.
    pub(super) async fn start_anyway(&mut self, followed: &mut Followed, now: Duration) {
        let Some((_, connected)) = self.overdue(followed, now) else {
            return;
        };
        if connected == 0 || !self.limits.may_lack_workers {
            return;
        }
        let expected = self.expected_workers;
        if followed.started_with.replace(connected) != Some(connected) {
            self.view.say(&format!(
                "{connected}/{expected} workers connected: starting without the others"
            ));
        }
        if let Err(error) = self.api.start_without_all().await {
            self.view
                .say(&format!("Locust did not start without them: {error}"));
        }
    }
}

fn seconds_of(seconds: i64) -> Duration {
    Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
}
