//! The sidecar of a master that stores the full results of its run. What it
//! does when is decided in `locust_core`; here it is done.
//!
//! | file | does |
//! |---|---|
//! | `mod.rs` | asks the master, and stores what it told until that succeeds |
//! | `serve.rs` | says what became of that, and hears that the master is about to end |
//! | `volume.rs` | writes files |
//! | `bucket.rs` | puts objects |

pub(crate) mod bucket;
mod serve;
#[cfg(test)]
mod tests;
mod volume;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use locust_core::polling::{Following, Moment, Silence, jittered};
use locust_core::report::{Gathered, Report};
use locust_core::storage::{Attempt, Outcome, Place, Plan};
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::controller::chain;
use crate::local::api::{Api, Statistics, gather, silence};
use bucket::Bucket;
use volume::Volume;

/// How often it is tried to store them, at first and later.
const FIRST_RETRY: Duration = Duration::from_secs(2);
const LAST_RETRY: Duration = Duration::from_secs(30);
/// How often it has to be tried before the end of the master is the end of that,
/// and how long at most after it: Kubernetes gives a pod 30 s.
const ENOUGH_ROUNDS: u32 = 4;
const LAST_ATTEMPTS: Duration = Duration::from_secs(20);

/// What the sidecar works with.
pub(crate) struct Options {
    /// What it is told.
    pub(crate) plan: Plan,
    /// Where the volume is mounted.
    pub(crate) directory: PathBuf,
    /// Who it is to the bucket; `None`: nobody said.
    pub(crate) credentials: Option<rusty_s3::Credentials>,
}

/// Follows the master and stores its results, until `end`. The last word of
/// that.
pub(crate) async fn run(
    options: Options,
    listener: TcpListener,
    end: CancellationToken,
) -> Outcome {
    let said = watch::Sender::new(Outcome::Waiting);
    let hurry = Arc::new(Notify::new());
    let serving = serve::serve(listener, said.subscribe(), hurry.clone());
    let mut sidecar = Sidecar::new(&options, &said);
    tokio::select! {
        () = sidecar.play(&hurry, &end) => {}
        error = serving => tracing::error!(%error, "nobody is told any more what becomes of the results"),
    }
    end.cancelled().await;
    sidecar.close().await;
    let outcome = said.borrow();
    outcome.clone()
}

/// Somewhere that takes files.
enum Store {
    Volume(Volume),
    Bucket(Box<Bucket>),
    /// It cannot; why.
    Unusable(String),
}

impl Store {
    /// Puts all files of a report there, in the words of whoever does not take
    /// them.
    async fn put(&self, report: &Report) -> Result<(), String> {
        for file in report.files() {
            let put = match self {
                Self::Volume(volume) => {
                    let written = volume.write(file.name, file.content.bytes()).await;
                    written.map_err(|error| chain(&error))
                }
                Self::Bucket(bucket) => {
                    let put = bucket.put(file.name, file.content.bytes()).await;
                    put.map_err(|error| chain(&error))
                }
                Self::Unusable(why) => Err(why.clone()),
            };
            put?;
        }
        Ok(())
    }
}

struct Sidecar<'a> {
    plan: &'a Plan,
    api: Api,
    following: Following,
    begun: Instant,
    /// With what a person calls them.
    stores: Vec<(Store, String)>,
    attempts: Vec<Attempt>,
    rounds: u32,
    said: &'a watch::Sender<Outcome>,
}

impl<'a> Sidecar<'a> {
    fn new(options: &'a Options, said: &'a watch::Sender<Outcome>) -> Self {
        let plan = &options.plan;
        let master = plan.master();
        let mut stores = Vec::new();
        for place in plan.places() {
            let path = place.path(&plan.folder);
            let store = match place {
                Place::Volume(_) => Store::Volume(Volume::new(options.directory.join(path))),
                Place::Bucket(bucket) => {
                    match Bucket::new(bucket, path, options.credentials.clone()) {
                        Ok(bucket) => Store::Bucket(Box::new(bucket)),
                        Err(error) => Store::Unusable(chain(&error)),
                    }
                }
            };
            stores.push((store, place.words(&plan.folder)));
        }
        Self {
            plan,
            api: Statistics::default().of(master.address, &master.base_path),
            following: Following::new(&master, Timestamp::now()),
            begun: Instant::now(),
            attempts: vec![Attempt::None; stores.len()],
            stores,
            rounds: 0,
            said,
        }
    }

    /// Until everything is stored, or the end.
    async fn play(&mut self, hurry: &Notify, end: &CancellationToken) {
        let mut is_in_hurry = false;
        while !end.is_cancelled() {
            if self.report().is_none() {
                self.ask().await;
                if is_in_hurry || self.following.wants_report() {
                    self.read().await;
                }
            }
            self.store().await;
            if is_in_hurry && *self.said.borrow() == Outcome::Waiting {
                // Whoever waits for it waits for nothing.
                let why = self.why_not_read();
                let why = why.unwrap_or_else(|| "there had been no load yet".to_owned());
                self.said.send_replace(Outcome::NotRead(why));
            }
            let pause = self.pause();
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = hurry.notified() => is_in_hurry = true,
                () = end.cancelled() => return,
            }
        }
    }

    /// What is left to do once the master has ended.
    async fn close(&mut self) {
        if self.report().is_none() && self.following.heard().phase.has_begun() {
            tracing::warn!("the master ended before it told its full results");
            let nothing = Gathered::default();
            self.following.keep_report(&self.plan.test, nothing);
        }
        let last = Instant::now() + LAST_ATTEMPTS;
        self.store().await;
        while self.report().is_some()
            && !self.is_done()
            && self.rounds < ENOUGH_ROUNDS
            && Instant::now() < last
        {
            tokio::time::sleep(FIRST_RETRY).await;
            self.store().await;
        }
        if let Some(why) = self.why_not_read() {
            self.said.send_replace(Outcome::NotRead(why));
        }
    }

    /// Why a master that was there told nothing.
    fn why_not_read(&self) -> Option<String> {
        let heard = self.following.heard();
        match heard.silence {
            Some(silence @ (Silence::AuthRequired | Silence::NotStatistics(_)))
                if heard.report.is_none() =>
            {
                Some(silence.message())
            }
            Some(_) | None => None,
        }
    }

    fn report(&self) -> Option<Arc<Report>> {
        self.following.heard().report
    }

    fn is_done(&self) -> bool {
        self.attempts.iter().all(Attempt::is_done)
    }

    async fn ask(&mut self) {
        let following = &self.following;
        let wants_table = |sample: &_| following.wants_table(sample);
        let answer = self.api.completed_sample(wants_table).await;
        let moment = Moment {
            elapsed: self.begun.elapsed(),
            now: Timestamp::now(),
        };
        let answer = answer.map_err(|error| silence(&error));
        self.following.hear(moment, answer);
        if self.following.wants_version() {
            let version = self.api.version().await;
            self.following.hear_version(version.ok().flatten());
        }
    }

    /// Reads the full results, if there was load.
    async fn read(&mut self) {
        if self.following.heard().phase.has_begun() {
            let gathered = gather(&self.api).await;
            self.following.keep_report(&self.plan.test, gathered);
        }
    }

    /// Tries every place that has not got them.
    async fn store(&mut self) {
        let Some(report) = self.report() else {
            return;
        };
        if self.is_done() {
            return;
        }
        self.rounds = self.rounds.saturating_add(1);
        for ((store, place), attempt) in self.stores.iter().zip(&mut self.attempts) {
            if attempt.is_done() {
                continue;
            }
            *attempt = match store.put(&report).await {
                Ok(()) => {
                    tracing::info!(place, "stored");
                    Attempt::Stored(report.words(place))
                }
                Err(why) => {
                    tracing::warn!(place, why, "not stored, it is tried again");
                    Attempt::Failed(format!("{place} does not take the results: {why}"))
                }
            };
        }
        self.said.send_replace(Outcome::of(&self.attempts));
    }

    fn pause(&self) -> Duration {
        if self.report().is_none() {
            return jittered(self.following.pause(), 0);
        }
        match self.is_done() {
            true => Duration::MAX,
            false => FIRST_RETRY
                .saturating_mul(2_u32.saturating_pow(self.rounds.saturating_sub(1)))
                .min(LAST_RETRY),
        }
    }
}
