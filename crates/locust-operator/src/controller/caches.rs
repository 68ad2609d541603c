//! What the operator remembers of the cluster: its own kind, and the Jobs,
//! Services and pods that carry its label, each pruned to what is looked at.

use futures::{Stream, StreamExt, TryStreamExt};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Pod, PodSpec, PodTemplateSpec, Service};
use kube::core::DeserializeGuard;
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, Resource, ResourceExt};
use locust_api::latest::LocustTest;
use locust_api::names::{LABEL_MANAGED_BY, MANAGED_BY};
use tokio::sync::watch;

use super::scope::Scope;

/// A LocustTest, or what is left of one that cannot be decoded.
pub(super) type Guarded = DeserializeGuard<LocustTest>;

/// Seconds after which the server ends a watch, so that one that has gone
/// silent is noticed.
const WATCH_SECONDS: u32 = 60;

/// The stores of one scope.
#[derive(Clone)]
pub(super) struct Caches {
    pub(super) tests: Store<Guarded>,
    pub(super) jobs: Store<Job>,
    pub(super) services: Store<Service>,
    pub(super) pods: Store<Pod>,
}

/// Streams that keep the stores up to date and name the test to look at.
pub(super) struct Streams<T, C> {
    /// LocustTests that changed.
    pub(super) tests: T,
    /// Tests whose children or pods changed.
    pub(super) children: Vec<C>,
}

/// A stream of tests to look at.
pub(super) type Triggers = futures::stream::BoxStream<'static, ObjectRef<Guarded>>;

/// Opens the watches. `relist` makes that of the LocustTests start anew.
pub(super) fn open(
    client: &Client,
    scope: &Scope,
    relist: watch::Receiver<u32>,
) -> (
    Caches,
    Streams<impl Stream<Item = Result<Guarded, watcher::Error>> + Send + 'static, Triggers>,
) {
    let (tests, tests_writer) = reflector::store();
    let (jobs, jobs_writer) = reflector::store();
    let (services, services_writer) = reflector::store();
    let (pods, pods_writer) = reflector::store();

    let tests_api = scope.api::<Guarded>(client);
    let tests_stream = restartable(relist, move || own_watch(tests_api.clone()))
        .default_backoff()
        .modify(prune_metadata)
        .reflect(tests_writer)
        .applied_objects();
    let jobs_stream = labelled(scope.api::<Job>(client), prune_job)
        .reflect(jobs_writer)
        .touched_objects();
    let services_stream = labelled(scope.api::<Service>(client), prune_metadata)
        .reflect(services_writer)
        .touched_objects();
    let pods_stream = labelled(scope.api::<Pod>(client), prune_pod)
        .reflect(pods_writer)
        .touched_objects();

    let known_jobs = jobs.clone();
    let children = vec![
        triggers(jobs_stream, |job| owner_test(&job)),
        triggers(services_stream, |service| owner_test(&service)),
        triggers(pods_stream, move |pod| owner_of_pod(&pod, &known_jobs)),
    ];
    let caches = Caches {
        tests,
        jobs,
        services,
        pods,
    };
    let streams = Streams {
        tests: tests_stream,
        children,
    };
    (caches, streams)
}

impl Caches {
    /// Waits until every store has been filled once.
    pub(super) async fn filled(&self) -> Result<(), reflector::store::WriterDropped> {
        self.jobs.wait_until_ready().await?;
        self.services.wait_until_ready().await?;
        self.pods.wait_until_ready().await
    }
}

fn own_watch(
    api: Api<Guarded>,
) -> futures::stream::BoxStream<'static, watcher::Result<watcher::Event<Guarded>>> {
    watcher(api, watcher::Config::default().timeout(WATCH_SECONDS)).boxed()
}

fn labelled<K>(
    api: Api<K>,
    prune: fn(&mut K),
) -> impl Stream<Item = watcher::Result<watcher::Event<K>>> + Send
where
    K: Resource<DynamicType = ()>
        + Clone
        + std::fmt::Debug
        + serde::de::DeserializeOwned
        + Send
        + 'static,
{
    let config = watcher::Config::default()
        .timeout(WATCH_SECONDS)
        .labels(&format!("{LABEL_MANAGED_BY}={MANAGED_BY}"));
    watcher(api, config).default_backoff().modify(prune)
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

/// Names the test behind each object; errors are logged, since the watch tries
/// again by itself.
fn triggers<K: Send + 'static>(
    stream: impl Stream<Item = Result<K, watcher::Error>> + Send + 'static,
    owner: impl Fn(K) -> Option<ObjectRef<Guarded>> + Send + Sync + 'static,
) -> Triggers {
    stream
        .inspect_err(
            |error| tracing::warn!(%error, "watch was interrupted, it will be opened again"),
        )
        .filter_map(move |object| {
            let trigger = object.ok().and_then(&owner);
            async move { trigger }
        })
        .boxed()
}

fn owner_test<K: ResourceExt>(object: &K) -> Option<ObjectRef<Guarded>> {
    let owner = object
        .owner_references()
        .iter()
        .find(|owner| owner.controller == Some(true) && owner.kind == LocustTest::kind(&()))?;
    Some(ObjectRef::new(&owner.name).within(&object.namespace()?))
}

fn owner_of_pod(pod: &Pod, jobs: &Store<Job>) -> Option<ObjectRef<Guarded>> {
    let owner = pod
        .owner_references()
        .iter()
        .find(|owner| owner.controller == Some(true) && owner.kind == Job::kind(&()))?;
    let job = jobs.get(&ObjectRef::new(&owner.name).within(&pod.namespace()?))?;
    owner_test(job.as_ref())
}

fn prune_metadata<K: ResourceExt>(object: &mut K) {
    object.managed_fields_mut().clear();
    object
        .annotations_mut()
        .remove("kubectl.kubernetes.io/last-applied-configuration");
}

fn prune_job(job: &mut Job) {
    prune_metadata(job);
    if let Some(spec) = job.spec.as_mut() {
        spec.template = PodTemplateSpec::default();
    }
}

fn prune_pod(pod: &mut Pod) {
    prune_metadata(pod);
    pod.annotations_mut().clear();
    if pod.spec.is_some() {
        pod.spec = Some(PodSpec::default());
    }
}
