//! What the operator remembers of the cluster: its own kind, and the Jobs,
//! Services and pods that carry its label.
//!
//! | file | holds |
//! |---|---|
//! | `prune.rs` | what is looked at of each kind; the rest is dropped |
//! | `text.rs` | an object on its way from a list or a watch into memory |
//! | `packed.rs` | how texts are kept small |
//! | `known.rs`, `children.rs` | LocustTests in kube's store, and all else by name and by controller |
//! | `ahead.rs` | reading of tests while their children are still listed |

use futures::channel::mpsc;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Pod, Service};
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, Resource, ResourceExt};
use locust_api::latest::LocustTest;
use locust_api::names::{LABEL_MANAGED_BY, MANAGED_BY};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use super::ahead;
use super::children::Children;
use super::known::Known;
use super::last_seen::LastSeen;
use super::scope::Scope;
use super::text::{self, Prune, Text};

/// Seconds after which the server ends a watch, so that one that has gone
/// silent is noticed.
const WATCH_SECONDS: u32 = 60;
/// Objects listed at a time. A page is in memory as a whole, and what a burst
/// took is not all given back; but each costs the API server about as much as a
/// hundred pods.
const PAGE: u32 = 250;

/// The stores of one scope.
#[derive(Clone)]
pub(super) struct Caches {
    pub(super) tests: Store<Known>,
    pub(super) jobs: Children<Job>,
    pub(super) services: Children<Service>,
    pub(super) pods: Children<Pod>,
    /// What has gone from them while its test still ran.
    pub(super) last_seen: LastSeen,
}

/// Streams that keep the stores up to date and name the test to look at.
pub(super) struct Streams<T, C> {
    /// LocustTests that changed.
    pub(super) tests: T,
    /// Tests whose children or pods changed.
    pub(super) children: Vec<C>,
    /// How often all tests have been listed. The store could tell too whether
    /// they were, but it wakes only the last who asked, and the controller asks
    /// it as well.
    pub(super) listed: watch::Receiver<u32>,
    /// UIDs of LocustTests that are gone.
    pub(super) gone: mpsc::UnboundedReceiver<String>,
}

/// A stream of tests to look at.
pub(super) type Triggers = futures::stream::BoxStream<'static, ObjectRef<Known>>;

/// Opens the watches. `relist` makes that of the LocustTests start anew.
pub(super) fn open(
    client: &Client,
    scope: &Scope,
    relist: watch::Receiver<u32>,
) -> (
    Caches,
    Streams<impl Stream<Item = Result<Known, watcher::Error>> + Send + 'static, Triggers>,
) {
    let (tests, tests_writer) = reflector::store();
    let caches = Caches {
        tests,
        jobs: Children::by_name(),
        services: Children::by_name(),
        pods: Children::by_controller(),
        last_seen: LastSeen::default(),
    };
    let (has_listed, listed) = watch::channel(0);
    let (is_gone, gone) = mpsc::unbounded();
    let tests_api = scope.api::<Known>(client);
    let tests_stream = restartable(relist, move || own_watch(tests_api.clone()))
        .default_backoff()
        .reflect(tests_writer)
        .inspect_ok(move |event| match event {
            watcher::Event::InitDone => {
                has_listed.send_modify(|times: &mut u32| *times = times.wrapping_add(1));
            }
            watcher::Event::Delete(test) => {
                // Whoever would be told is gone when the operator ends.
                let _ = is_gone.unbounded_send(test.uid().unwrap_or_default());
            }
            watcher::Event::Init | watcher::Event::InitApply(_) | watcher::Event::Apply(_) => {}
        })
        .applied_objects();
    let streams = Streams {
        tests: ahead::read(tests_stream),
        children: watch_children(client, scope, &caches),
        listed,
        gone,
    };
    (caches, streams)
}

fn watch_children(client: &Client, scope: &Scope, caches: &Caches) -> Vec<Triggers> {
    let (for_jobs, for_pods, known_jobs) = (caches.clone(), caches.clone(), caches.jobs.clone());
    let jobs = Watched {
        children: caches.jobs.clone(),
        gone: move |job: &Job| for_jobs.last_seen.job_gone(job, &for_jobs),
        owner: |job: &Job| owner_test(job),
    };
    let services = Watched {
        children: caches.services.clone(),
        gone: |_: &Service| {},
        owner: |service: &Service| owner_test(service),
    };
    let pods = Watched {
        children: caches.pods.clone(),
        gone: move |pod: &Pod| for_pods.last_seen.pod_gone(pod, &for_pods),
        owner: move |pod: &Pod| owner_of_pod(pod, &known_jobs),
    };
    vec![
        triggers(scope.api(client), jobs),
        triggers(scope.api(client), services),
        triggers(scope.api(client), pods),
    ]
}

impl Caches {
    /// Waits until all children have been listed once.
    pub(super) async fn filled(&self) {
        self.jobs.filled().await;
        self.services.filled().await;
        self.pods.filled().await;
    }
}

fn own_watch(
    api: Api<Known>,
) -> futures::stream::BoxStream<'static, watcher::Result<watcher::Event<Known>>> {
    watcher(api, config()).boxed()
}

fn config() -> watcher::Config {
    watcher::Config::default()
        .timeout(WATCH_SECONDS)
        .page_size(PAGE)
}

/// A watch that begins again, with a fresh list, whenever `signal` changes.
fn restartable<S: Stream + Unpin>(
    signal: watch::Receiver<u32>,
    open: impl Fn() -> S,
) -> impl Stream<Item = S::Item> {
    let first = open();
    futures::stream::unfold(
        (first, signal, open),
        |(mut current, mut signal, open)| async move {
            loop {
                tokio::select! {
                    item = current.next() => return item.map(|item| (item, (current, signal, open))),
                    Ok(()) = signal.changed() => current = open(),
                }
            }
        },
    )
}

/// Children of one kind, and what is done about them.
struct Watched<K, G, O> {
    children: Children<K>,
    /// Called before a deleted one is forgotten.
    gone: G,
    /// Names the test behind one.
    owner: O,
}

/// Watches children, remembers them, and names the test behind each that
/// changed; errors are logged, since the watch tries again by itself.
fn triggers<K, G, O>(api: Api<Text<K>>, watched: Watched<K, G, O>) -> Triggers
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Prune
        + Clone
        + std::fmt::Debug
        + Serialize
        + DeserializeOwned
        + Send
        + 'static,
    G: Fn(&K) + Send + 'static,
    O: Fn(&K) -> Option<ObjectRef<Known>> + Send + 'static,
{
    let labels = format!("{LABEL_MANAGED_BY}={MANAGED_BY}");
    watcher(api, config().labels(&labels))
        .default_backoff()
        .inspect_err(
            |error| tracing::warn!(%error, "watch was interrupted, it will be opened again"),
        )
        .flat_map(move |event| {
            let changed = event.map(|event| {
                if let watcher::Event::Delete(gone) = &event
                    && let Some(object) = text::read(gone.json())
                {
                    (watched.gone)(&object);
                }
                watched.children.absorb(event)
            });
            let changed = changed.into_iter().flatten();
            let owners: Vec<_> = changed
                .filter_map(|child| (watched.owner)(&child))
                .collect();
            stream::iter(owners)
        })
        .boxed()
}

pub(super) fn owner_test<K: ResourceExt>(object: &K) -> Option<ObjectRef<Known>> {
    let owner = object
        .owner_references()
        .iter()
        .find(|owner| owner.controller == Some(true) && owner.kind == LocustTest::kind(&()))?;
    Some(ObjectRef::new(&owner.name).within(&object.namespace()?))
}

pub(super) fn owner_of_pod(pod: &Pod, jobs: &Children<Job>) -> Option<ObjectRef<Known>> {
    let owner = pod
        .owner_references()
        .iter()
        .find(|owner| owner.controller == Some(true) && owner.kind == Job::kind(&()))?;
    owner_test(&jobs.get(&pod.namespace()?, &owner.name)?)
}
