//! Polls the master until its numbers are final, and gathers them.
//!
//! What was read last is kept: a master that quits early (a short `--autoquit`)
//! leaves the numbers of the last moment at which it could be asked.

mod limits;

use std::pin::pin;
use std::time::Duration;

use hyper::body::Bytes;
use jiff::Timestamp;
use locust_api::latest::Threshold;
use locust_core::judgement::Making;
use locust_core::locust::{
    Ended, Endpoint, Generator, History, Load, Rate, RunPhase, RunWatch, Sample, parse_stats_csv,
};
use locust_core::thresholds::{Judge, RunTime};
use tokio::time::Instant;

use crate::local::api::Api;
use crate::local::view::{Frame, View};

pub use limits::Limits;

const POLL: Duration = Duration::from_secs(1);
/// From an order to stop until the load must have ended, beside the time that
/// `--stop-timeout` gives the users.
const STOP_PATIENCE: Duration = Duration::from_secs(15);

/// A run that is to be followed.
#[derive(Debug)]
pub struct Follow<'a> {
    /// The master.
    pub api: &'a Api,
    /// Where to show it.
    pub view: &'a mut View,
    /// What its arguments ask for.
    pub load: Load,
    /// Workers that were started.
    pub expected_workers: u64,
    /// The master is to stay after the load, until a person ends it.
    pub stay: bool,
    /// What the run has to keep to.
    pub limits: Limits,
}

/// A run that was followed.
#[derive(Clone, Debug)]
pub struct Followed {
    /// The fold over all samples.
    pub watch: RunWatch,
    /// Whether its workers were strong enough.
    pub generator: Generator,
    /// Requests per second while there was load.
    pub rate: Rate,
    /// Its numbers while there was load.
    pub history: History,
    /// What made the load end.
    pub ended: Ended,
    /// With how many workers it was told to start, if it was not to wait for all.
    pub started_with: Option<u64>,
    /// How it keeps to its thresholds.
    pub judge: Judge,
    /// When load was first seen, up to three seconds late.
    pub began_at: Option<Timestamp>,
    /// When its end was first seen, up to three seconds late.
    pub ended_at: Option<Timestamp>,
    /// The last sample.
    pub sample: Option<Sample>,
    /// The table of requests as Locust writes it.
    pub stats_csv: Option<String>,
    /// The table of failures as Locust writes it.
    pub failures_csv: Option<String>,
    /// The table of exceptions as Locust writes it.
    pub exceptions_csv: Option<String>,
    /// Locust's HTML report.
    pub report: Option<Bytes>,
}

impl Followed {
    /// Nothing is seen yet.
    pub fn new(load: &Load, thresholds: &[Threshold]) -> Self {
        Self {
            watch: RunWatch::new(load.run_time),
            generator: Generator::new(load.users),
            rate: Rate::default(),
            history: History::default(),
            ended: Ended::Itself,
            started_with: None,
            judge: Judge::new(thresholds),
            began_at: None,
            ended_at: None,
            sample: None,
            stats_csv: None,
            failures_csv: None,
            exceptions_csv: None,
            report: None,
        }
    }

    /// How the load was made, where so many workers were wanted.
    pub fn making(&self, wanted_workers: Option<u64>) -> Making {
        Making::of(&self.watch, self.generator.strain(), wanted_workers)
    }

    /// All requests together.
    pub fn totals(&self) -> Option<Endpoint> {
        self.rows().pop()
    }

    /// The rows of the final table, the totals last; those of the last sample
    /// when that is newer or the table could not be read.
    pub fn rows(&self) -> Vec<Endpoint> {
        let table = self.stats_csv.as_deref().and_then(parse_stats_csv);
        let of_table = table
            .as_ref()
            .and_then(|rows| rows.last())
            .map(|row| row.requests);
        match (table, &self.sample) {
            (Some(rows), Some(sample)) if of_table >= Some(sample.totals.requests) => rows,
            (Some(rows), None) => rows,
            (_, Some(sample)) => {
                let mut rows = sample.endpoints.clone();
                rows.push(sample.totals.clone());
                rows
            }
            (None, None) => Vec::new(),
        }
    }

    /// Kinds of exceptions that the locustfile raised.
    pub(super) fn exceptions(&self) -> u64 {
        let table = self.exceptions_csv.as_deref().unwrap_or_default();
        u64::try_from(locust_core::locust::csv::count_rows(table)).unwrap_or(u64::MAX)
    }
}

impl Follow<'_> {
    /// Follows the run until its numbers are final, all its workers are lost,
    /// or `master_gone` is done.
    ///
    /// When `stop` is done the load is ended, and its numbers are still
    /// gathered. A runner that cannot wait for that drops this future.
    pub async fn run(
        mut self,
        stop: impl Future<Output = ()>,
        master_gone: impl Future<Output = ()>,
    ) -> Followed {
        let begun = Instant::now();
        let mut followed = Followed::new(&self.load, &self.limits.thresholds);
        let (mut stop, mut master_gone) = (pin!(stop), pin!(master_gone));
        let mut poll = tokio::time::interval(POLL);
        poll.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut give_up: Option<Duration> = None;
        let mut is_told = false;
        let mut has_stayed = false;
        loop {
            tokio::select! {
                () = &mut master_gone => {
                    if followed.ended == Ended::Itself {
                        followed.ended = followed.watch.master_gone(begun.elapsed());
                    }
                    return followed;
                }
                () = &mut stop, if !is_told => {
                    is_told = true;
                    if give_up.is_some() {
                        self.view.say("the load is being stopped already; its results follow (Ctrl-C again ends at once)");
                    } else if self.stop(&mut followed, Ended::Interrupted).await {
                        give_up = Some(begun.elapsed() + self.patience());
                    } else {
                        return followed;
                    }
                }
                _ = poll.tick() => {
                    self.poll(&mut followed, begun.elapsed()).await;
                    self.start_anyway(&mut followed, begun.elapsed()).await;
                    if give_up.is_none() && let Some(why) = self.wanted(&followed, begun.elapsed()) {
                        if !self.stop(&mut followed, why).await {
                            return followed;
                        }
                        give_up = Some(begun.elapsed() + self.patience());
                    }
                    let is_over = followed.watch.phase().is_over();
                    let is_given_up = give_up.is_some_and(|at| begun.elapsed() >= at);
                    if is_given_up || is_over && (!self.stay || give_up.is_some()) {
                        return followed;
                    }
                    if is_over && !has_stayed {
                        let web_ui = self.api.web_ui();
                        self.view.say(&format!("the load has ended; the web UI stays at {web_ui} until Ctrl-C"));
                    }
                    has_stayed = is_over;
                }
            }
        }
    }

    fn patience(&self) -> Duration {
        STOP_PATIENCE + self.load.stop_timeout.unwrap_or_default()
    }

    /// Ends the load. False when there is nothing to wait for.
    async fn stop(&mut self, followed: &mut Followed, why: Ended) -> bool {
        let phase = followed.watch.phase();
        let said = match &why {
            Ended::Stopped { message, .. } => {
                format!("{message}: stopping the load; its results follow")
            }
            Ended::Itself | Ended::Early | Ended::Interrupted => {
                "stopping the load; its results follow (Ctrl-C again ends at once)".to_owned()
            }
        };
        let has_load = matches!(phase, RunPhase::Starting | RunPhase::Running);
        if has_load || why != Ended::Interrupted {
            followed.ended = why;
        }
        if phase.is_over() || !phase.has_begun() {
            if let Ended::Stopped { message, .. } = &followed.ended {
                self.view.say(message);
            }
            return false;
        }
        self.view.say(&said);
        match self.api.stop().await {
            Ok(()) => true,
            Err(error) => {
                self.view
                    .say(&format!("the load cannot be stopped in order: {error}"));
                false
            }
        }
    }

    async fn poll(&mut self, followed: &mut Followed, now: Duration) {
        // A master that is still starting, or has gone, does not answer; that
        // its process is gone is said by the process.
        let wants_table = |sample: &Sample| followed.judge.wants_table(sample);
        let answer = self.api.completed_sample(wants_table).await.ok();
        if let Some(sample) = answer {
            let before = followed.watch.phase();
            let phase = followed.watch.observe(now, &sample);
            followed.generator.observe(now, &sample);
            let began = followed.watch.began().unwrap_or(now);
            if phase == RunPhase::Running {
                followed.rate.observe(now, sample.totals.requests);
                followed.history.observe(now.saturating_sub(began), &sample);
            } else if let Some(ended) = followed.watch.ended() {
                followed
                    .history
                    .observe_end(ended.saturating_sub(began), &sample);
            }
            followed.sample = Some(sample);
            note_times(followed, before, phase);
            if phase.is_over() || phase == RunPhase::Ending {
                self.gather(followed, before != phase).await;
            }
            judge(followed, now);
        }
        self.view.show(&self.frame(followed, now));
    }

    /// Reads the tables, and the report (a megabyte) when `with_report`.
    async fn gather(&self, followed: &mut Followed, with_report: bool) {
        if let Ok(table) = self.api.stats_csv().await {
            followed.stats_csv = Some(table);
        }
        if let Ok(table) = self.api.failures_csv().await {
            followed.failures_csv = Some(table);
        }
        if let Ok(table) = self.api.exceptions_csv().await {
            followed.exceptions_csv = Some(table);
        }
        if with_report && let Ok(report) = self.api.report().await {
            followed.report = Some(report);
        }
    }

    fn frame(&self, followed: &Followed, now: Duration) -> Frame {
        let since = followed
            .watch
            .began()
            .map(|began| now.saturating_sub(began));
        Frame {
            phase: followed.watch.phase(),
            sample: followed.sample.clone(),
            rate: match followed.watch.phase() {
                RunPhase::Running => followed.rate.per_second(),
                RunPhase::Starting
                | RunPhase::Ending
                | RunPhase::Ended
                | RunPhase::AllWorkersLost => None,
            },
            elapsed: now,
            load: since.zip(self.load.run_time),
            wanted_users: self.load.users,
            expected_workers: self.expected_workers,
            is_stopping: followed.ended != Ended::Itself,
            thresholds: followed.judge.readings(followed.watch.phase().is_over()),
        }
    }
}

/// By the final table, once there is one: it is not cut, and in the answers of
/// Locust 2.20 there is no 95th percentile.
fn judge(followed: &mut Followed, now: Duration) {
    let mut endpoints = followed.rows();
    let (Some(sample), Some(totals)) = (&followed.sample, endpoints.pop()) else {
        return;
    };
    let sample = Sample {
        totals,
        endpoints,
        ..sample.clone()
    };
    let watch = &followed.watch;
    let until = watch.ended().unwrap_or(now);
    let time = RunTime {
        phase: watch.phase(),
        load: watch
            .began()
            .map_or(Duration::ZERO, |began| until.saturating_sub(began)),
        lately: followed
            .rate
            .per_second()
            .unwrap_or(sample.requests_per_second),
    };
    followed.judge.observe(time, &sample);
}

fn note_times(followed: &mut Followed, before: RunPhase, phase: RunPhase) {
    if phase == before {
        return;
    }
    let now = Timestamp::now();
    if phase == RunPhase::Running || followed.began_at.is_none() {
        followed.began_at = Some(now);
        followed.ended_at = None;
    }
    if matches!(phase, RunPhase::Ending | RunPhase::AllWorkersLost) {
        followed.ended_at = Some(now);
    }
}
