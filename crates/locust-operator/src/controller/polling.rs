//! Asks the masters of all runs, each by a task of its own, so that one that
//! does not answer holds up nobody: looks only read what was last heard.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use futures::channel::mpsc::UnboundedSender;
use jiff::Timestamp;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::{Resource, ResourceExt};
use locust_api::latest::LocustTest;
use locust_core::locust::Sample;
use locust_core::metrics::{Labels, Run};
use locust_core::polling::{
    Following, Heard, Master, Moment, News, Order, Silence, Source, jittered,
};
use locust_core::report::{Gathered, Page};
use tokio::sync::{Notify, Semaphore};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;

use super::answer::chain;
use super::known::Known;
use crate::local::api::{Api, Statistics, gather, silence};

/// How many masters are asked at a time: an answer that does not come takes
/// three seconds.
const AT_A_TIME: usize = 256;
/// How many masters are asked for all that they can tell at a time: a report is
/// a megabyte and more before it is packed.
const REPORTS_AT_A_TIME: usize = 2;

/// Follows masters; what they say is kept until their test is over.
pub(super) struct Pollers {
    shared: Arc<Shared>,
    /// They end with this.
    tasks: Mutex<JoinSet<()>>,
}

struct Shared {
    /// By the test's UID.
    followed: Mutex<HashMap<String, Followed>>,
    statistics: Statistics,
    places: Semaphore,
    reports: Semaphore,
    tests: Store<Known>,
    /// Tests of which there is news.
    news: UnboundedSender<ObjectRef<Known>>,
}

struct Followed {
    test: ObjectRef<Known>,
    master: Master,
    following: Following,
    task: AbortHandle,
    /// Ends the pause between two questions.
    hurry: Arc<Notify>,
}

impl Followed {
    /// Goes on with what is wanted of the same master now.
    fn attend(&mut self, master: Master) {
        self.following.attend(&master);
        if master.order.is_some() && master.order != self.master.order {
            self.hurry.notify_one();
        }
        self.master = master;
    }
}

impl Pollers {
    /// Nobody is followed yet. News goes to `news`.
    pub(super) fn new(tests: Store<Known>, news: UnboundedSender<ObjectRef<Known>>) -> Self {
        Self {
            shared: Arc::new(Shared {
                followed: Mutex::default(),
                statistics: Statistics::default(),
                places: Semaphore::new(AT_A_TIME),
                reports: Semaphore::new(REPORTS_AT_A_TIME),
                tests,
                news,
            }),
            tasks: Mutex::default(),
        }
    }

    /// Follows the master of a test from now on, if it has one, and tells what
    /// it has said so far. What a master said that has ended is still told.
    pub(super) fn follow(&self, test: &LocustTest, source: Source) -> Option<Heard> {
        let uid = test.uid()?;
        let mut followed = self.shared.lock();
        let known = followed.get_mut(&uid);
        match source {
            Source::Headless => return None,
            Source::Nobody => known.map(|known| {
                known.task.abort();
                &*known
            }),
            Source::Master(master)
                if known.as_ref().is_some_and(|known| known.master.is(&master)) =>
            {
                known.map(|known| {
                    known.attend(*master);
                    &*known
                })
            }
            Source::Master(master) => {
                let begun = self.begin(test, &uid, *master);
                if let Some(before) = followed.insert(uid.clone(), begun) {
                    before.task.abort();
                }
                followed.get(&uid)
            }
        }
        .map(|known| known.following.heard())
    }

    /// Forgets what was said about a test.
    pub(super) fn forget(&self, test: &LocustTest) {
        let gone = test.uid().and_then(|uid| self.shared.lock().remove(&uid));
        if let Some(gone) = gone {
            gone.task.abort();
        }
    }

    /// Ends the pause between two questions to the master of a test.
    pub(super) fn hurry(&self, uid: &str) {
        if let Some(known) = self.shared.lock().get(uid) {
            known.hurry.notify_one();
        }
    }

    /// Forgets all tests but these, by UID.
    pub(super) fn keep(&self, is_kept: impl Fn(&str) -> bool) {
        self.shared.lock().retain(|uid, _| is_kept(uid));
    }

    /// What metrics say of the runs of tests that are there, and the labels
    /// that tell these from each other.
    pub(super) fn runs(&self) -> Vec<(Labels, Option<Arc<Run>>)> {
        let followed = self.shared.lock();
        let there = followed
            .iter()
            .filter(|(uid, known)| self.shared.has(&known.test, uid));
        let runs = there.map(|(_, known)| {
            let namespace = known.test.namespace.clone().unwrap_or_default();
            let test = known.test.name.clone();
            let labels = vec![("namespace", namespace), ("test", test)];
            (labels, known.following.run())
        });
        let mut runs: Vec<_> = runs.collect();
        runs.sort_by(|(one, _), (other, _)| one.cmp(other));
        runs
    }

    fn begin(&self, test: &LocustTest, uid: &str, master: Master) -> Followed {
        let following = Following::new(&master, Timestamp::now());
        let namespace = test.namespace().unwrap_or_default();
        let hurry = Arc::new(Notify::new());
        let test = ObjectRef::new(&test.name_any()).within(&namespace);
        let poll = Poll {
            shared: self.shared.clone(),
            hurry: hurry.clone(),
            test: test.clone(),
            uid: uid.to_owned(),
            master: master.clone(),
        };
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(ended) = tasks.try_join_next() {
            if let Err(error) = ended
                && error.is_panic()
            {
                tracing::error!(%error, "a poll of a master panicked, its test goes on without live numbers");
            }
        }
        tracing::debug!(address = %master.address, "following the master");
        Followed {
            test,
            master,
            following,
            task: tasks.spawn(poll.play()),
            hurry,
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Followed>> {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a test has not been deleted.
    fn has(&self, test: &ObjectRef<Known>, uid: &str) -> bool {
        let known = self.tests.get(test);
        known.is_some_and(|known| known.meta().uid.as_deref() == Some(uid))
    }
}

/// The questions to one master.
struct Poll {
    shared: Arc<Shared>,
    hurry: Arc<Notify>,
    test: ObjectRef<Known>,
    uid: String,
    master: Master,
}

impl Poll {
    async fn play(self) {
        let begun = Instant::now();
        let api = self
            .shared
            .statistics
            .of(self.master.address, &self.master.base_path);
        while self.is_there() {
            if let Some(order) = self.order() {
                tell(order, &api).await;
            }
            let answer = self.ask(&api).await;
            let moment = Moment {
                elapsed: begun.elapsed(),
                now: Timestamp::now(),
            };
            let Some((mut news, pause)) = self.hear(moment, answer) else {
                return;
            };
            if self.wants_report() {
                self.hear_report(self.ask_report(&api).await);
                news = News::Some;
            }
            if let Some(sidecar) = self.sidecar() {
                news = news.max(self.ask_outcome(&sidecar).await);
            }
            if news == News::Some {
                // Whoever would look is gone when the operator ends.
                let _ = self.shared.news.unbounded_send(self.test.clone());
            }
            if self.wants_version() {
                self.hear_version(self.ask_version(&api).await);
            }
            let chance = RandomState::new().hash_one(&self.uid);
            let pause = tokio::time::sleep(jittered(pause, chance));
            tokio::select! {
                () = pause => {}
                () = self.hurry.notified() => {}
            }
        }
        // Kubernetes takes a while to find and end the pods of a test that is gone.
        if self.followed(|known| known.following.has_yet_to(Order::Stop)) == Some(true) {
            tell(Order::Stop, &api).await;
        }
        self.shared.lock().remove(&self.uid);
    }

    /// A test that is deleted is not looked at again.
    fn is_there(&self) -> bool {
        self.shared.has(&self.test, &self.uid)
    }

    /// What the master is still to be told.
    fn order(&self) -> Option<Order> {
        self.followed(|known| {
            let order = known.master.order?;
            known.following.has_yet_to(order).then_some(order)
        })
        .flatten()
    }

    async fn ask(&self, api: &Api) -> Result<Sample, Silence> {
        // It is never closed.
        let _place = self.shared.places.acquire().await;
        let wants_table = |sample: &Sample| {
            self.followed(|known| known.following.wants_table(sample)) == Some(true)
        };
        let answer = api.completed_sample(wants_table).await;
        answer.map_err(|error| silence(&error))
    }

    fn wants_report(&self) -> bool {
        self.followed(|known| known.following.wants_report())
            .unwrap_or(false)
    }

    async fn ask_report(&self, api: &Api) -> Gathered {
        // It is never closed.
        let _place = self.shared.reports.acquire().await;
        packed(gather(api).await).await
    }

    fn hear_report(&self, gathered: Gathered) {
        self.followed(|known| known.following.hear_report(&self.test.name, gathered));
    }

    /// Whom to ask what became of the full results, if somebody can say.
    fn sidecar(&self) -> Option<Api> {
        let wants = self.followed(|known| known.following.wants_outcome()) == Some(true);
        let address = self.master.sidecar.filter(|_| wants)?;
        Some(self.shared.statistics.of(address, ""))
    }

    async fn ask_outcome(&self, sidecar: &Api) -> News {
        // It is never closed.
        let _place = self.shared.places.acquire().await;
        match sidecar.outcome().await {
            Ok(outcome) => self
                .followed(|known| known.following.hear_outcome(outcome))
                .unwrap_or(News::None),
            Err(error) => {
                tracing::debug!(error = %chain(&error), "the sidecar does not say what became of the results");
                News::None
            }
        }
    }

    fn wants_version(&self) -> bool {
        self.followed(|known| known.following.wants_version())
            .unwrap_or(false)
    }

    async fn ask_version(&self, api: &Api) -> Option<String> {
        // It is never closed.
        let _place = self.shared.places.acquire().await;
        let answer = api.version().await;
        answer
            .inspect_err(|error| {
                tracing::debug!(error = %chain(error), "the master did not say which Locust it is");
            })
            .ok()
            .flatten()
    }

    fn hear_version(&self, version: Option<String>) {
        self.followed(|known| known.following.hear_version(version));
    }

    /// `None`: somebody else is followed by now.
    fn hear(&self, moment: Moment, answer: Result<Sample, Silence>) -> Option<(News, Duration)> {
        self.followed(|known| {
            let news = known.following.hear(moment, answer);
            (news, known.following.pause())
        })
    }

    /// What is known of this master; `None`: somebody else is followed by now.
    fn followed<T>(&self, look: impl FnOnce(&mut Followed) -> T) -> Option<T> {
        let mut followed = self.shared.lock();
        let known = followed.get_mut(&self.uid)?;
        known.master.is(&self.master).then(|| look(known))
    }
}

async fn tell(order: Order, api: &Api) {
    let told = match order {
        Order::Stop => api.stop().await,
        Order::StartWithoutAll => api.start_without_all().await,
    };
    if let Err(error) = told {
        tracing::warn!(error = %chain(&error), ?order, "the master could not be told, it is tried again");
    }
}

/// The page packed by gzip, which takes some tens of milliseconds.
async fn packed(gathered: Gathered) -> Gathered {
    let page = match gathered.page {
        Some(Page::Plain(page)) => {
            let pack = move || {
                let mut packer = GzEncoder::new(Vec::new(), Compression::default());
                packer.write_all(&page)?;
                packer.finish()
            };
            let packed = tokio::task::spawn_blocking(pack).await;
            packed.ok().and_then(std::io::Result::ok).map(Page::Packed)
        }
        page => page,
    };
    Gathered { page, ..gathered }
}

#[cfg(test)]
mod tests;
