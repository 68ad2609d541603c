//! What is: first from memory, to see whether there is anything to do, and then
//! from the API server, as far as what is to be done relies on it. So a stale
//! memory can cost a moment, but never a wrong write.

use jiff::Timestamp;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::api::events::v1::Event;
use kube::api::ListParams;
use kube::{Api, Client, Resource, ResourceExt};
use locust_api::latest::LocustTest;
use locust_api::names::{Role, role_name};
use locust_core::decide::Reading;
use locust_core::observed::{Child, Notice, Observed};

use super::caches::Caches;

/// How many events of one object are read. Their writers count repetitions
/// instead of writing them again.
const EVENTS: u32 = 50;

/// The world could not be seen.
#[derive(Debug, thiserror::Error)]
pub(super) enum ObserveError {
    /// Reading failed.
    #[error("cannot read {what}")]
    Failed {
        /// What was read.
        what: String,
        /// What went wrong.
        #[source]
        source: kube::Error,
    },
    /// An object is gone and its watch has not told of that yet, and so not of
    /// how it ended.
    #[error("{what} is gone, its last state is yet to come")]
    Behind {
        /// The object.
        what: String,
    },
}

/// The world as remembered.
pub(super) fn remembered(caches: &Caches, test: LocustTest) -> Observed {
    let namespace = test.namespace().unwrap_or_default();
    let name = test.name_any();
    let master = role_name(&name, Role::Master);
    let worker = role_name(&name, Role::Worker);
    let service = caches.services.get(&namespace, &master);
    let remembered = |name: &str| {
        let job = caches.jobs.get(&namespace, name);
        job_or_last(caches, &test, name, job)
    };
    let (master_job, worker_job) = (remembered(&master), remembered(&worker));
    Observed {
        now: Timestamp::now(),
        service: Child::classify(service, &test),
        pods: pods_of(caches, &test, &[&master_job, &worker_job]),
        master_job,
        worker_job,
        heard: None,
        notices: Vec::new(),
        refused: None,
        storing: None,
        test,
    }
}

fn job_or_last(caches: &Caches, test: &LocustTest, name: &str, job: Option<Job>) -> Child<Job> {
    Child::classify(job, test).or_gone(caches.last_seen.job(test, name), test)
}

/// The world with so much of it read afresh. `None`: the test is gone, or
/// another one has its name.
pub(super) async fn read(
    client: &Client,
    caches: &Caches,
    remembered: Observed,
    reading: Reading,
) -> Result<Option<Observed>, ObserveError> {
    match reading {
        Reading::Nothing => Ok(Some(remembered)),
        Reading::Test => read_test(client, remembered).await,
        Reading::Everything => {
            let read = Box::pin(read_everything(client, caches, &remembered)).await?;
            let notices = remembered.notices;
            Ok(read.map(|read| Observed { notices, ..read }))
        }
    }
}

async fn read_test(
    client: &Client,
    remembered: Observed,
) -> Result<Option<Observed>, ObserveError> {
    let namespace = remembered.test.namespace().unwrap_or_default();
    let tests = Api::<LocustTest>::namespaced(client.clone(), &namespace);
    let current = get(&tests, &remembered.test.name_any()).await?;
    let current = current.filter(|current| current.uid() == remembered.test.uid());
    Ok(current.map(|test| Observed { test, ..remembered }))
}

async fn read_everything(
    client: &Client,
    caches: &Caches,
    remembered: &Observed,
) -> Result<Option<Observed>, ObserveError> {
    let test = &remembered.test;
    let namespace = test.namespace().unwrap_or_default();
    let name = test.name_any();
    let master = role_name(&name, Role::Master);
    let worker = role_name(&name, Role::Worker);
    let tests = Api::<LocustTest>::namespaced(client.clone(), &namespace);
    let services = Api::<Service>::namespaced(client.clone(), &namespace);
    let jobs = Api::<Job>::namespaced(client.clone(), &namespace);
    let (current, service, master_job, worker_job) = tokio::try_join!(
        get(&tests, &name),
        get(&services, &master),
        get(&jobs, &master),
        get(&jobs, &worker),
    )?;
    let Some(current) = current.filter(|current| current.uid() == test.uid()) else {
        return Ok(None);
    };
    for (name, job) in [(&master, &master_job), (&worker, &worker_job)] {
        if job.is_none() && is_behind(caches, &current, name) {
            let what = format!("Job {name}");
            return Err(ObserveError::Behind { what });
        }
    }
    let listed = match master_job.as_ref().and_then(ResourceExt::uid) {
        Some(uid) => pods_of_job(client, &namespace, &uid).await?,
        None => Vec::new(),
    };
    let master_job = job_or_last(caches, &current, &master, master_job);
    let worker_job = job_or_last(caches, &current, &worker, worker_job);
    let mut pods = match listed.is_empty() {
        true => pods_of(caches, &current, &[&master_job, &worker_job]),
        false => pods_of(caches, &current, &[&worker_job]),
    };
    pods.extend(listed);
    Ok(Some(Observed {
        now: Timestamp::now(),
        service: Child::classify(service, &current),
        master_job,
        worker_job,
        pods,
        heard: remembered.heard.clone(),
        notices: Vec::new(),
        refused: remembered.refused,
        storing: remembered.storing.clone(),
        test: current,
    }))
}

/// Whether memory still has a Job of this test that is gone.
fn is_behind(caches: &Caches, test: &LocustTest, name: &str) -> bool {
    let stored = caches.jobs.get(&test.namespace().unwrap_or_default(), name);
    let is_stored = Child::classify(stored, test).last().is_some();
    // In this order: a Job is noted as gone before it is forgotten.
    is_stored && caches.last_seen.job(test, name).is_none()
}

/// Pods of Jobs, those included that are gone and had ended.
fn pods_of(caches: &Caches, test: &LocustTest, jobs: &[&Child<Job>]) -> Vec<Pod> {
    let uids: Vec<String> = jobs
        .iter()
        .filter_map(|job| job.last().and_then(ResourceExt::uid))
        .collect();
    let gone = caches.last_seen.pods(test).into_iter();
    let gone = gone.filter(|pod| {
        let mut owners = pod.owner_references().iter();
        owners.any(|owner| uids.contains(&owner.uid))
    });
    uids.iter()
        .flat_map(|uid| caches.pods.controlled_by(uid))
        .chain(gone)
        .collect()
}

async fn get<K>(api: &Api<K>, name: &str) -> Result<Option<K>, ObserveError>
where
    K: Resource<DynamicType = ()> + Clone + std::fmt::Debug + serde::de::DeserializeOwned,
{
    api.get_opt(name)
        .await
        .map_err(|source| ObserveError::Failed {
            what: format!("{} {name}", K::kind(&())),
            source,
        })
}

/// The master's pods are read afresh, because the verdict quotes them.
async fn pods_of_job(
    client: &Client,
    namespace: &str,
    uid: &str,
) -> Result<Vec<Pod>, ObserveError> {
    let selector = format!("batch.kubernetes.io/controller-uid={uid}");
    Api::<Pod>::namespaced(client.clone(), namespace)
        .list(&ListParams::default().labels(&selector).limit(50))
        .await
        .map(|list| list.items)
        .map_err(|source| ObserveError::Failed {
            what: format!("pods of Job {uid}"),
            source,
        })
}

/// What events say of some objects.
pub(super) async fn notices(
    client: &Client,
    namespace: &str,
    about: &[String],
) -> Result<Vec<Notice>, ObserveError> {
    let api = Api::<Event>::namespaced(client.clone(), namespace);
    let lists = about.iter().map(|uid| notices_of(&api, uid));
    let lists = futures::future::try_join_all(lists).await?;
    Ok(lists.into_iter().flatten().collect())
}

async fn notices_of(api: &Api<Event>, uid: &str) -> Result<Vec<Notice>, ObserveError> {
    let params = ListParams::default()
        .fields(&format!("regarding.uid={uid},type=Warning"))
        .limit(EVENTS);
    let events = api
        .list(&params)
        .await
        .map_err(|source| ObserveError::Failed {
            what: format!("events about {uid}"),
            source,
        })?;
    let notice = |event: Event| {
        Some(Notice {
            about: uid.to_owned(),
            at: last_seen(&event)?,
            reason: event.reason?,
            message: event.note?,
        })
    };
    Ok(events.items.into_iter().filter_map(notice).collect())
}

/// Kubernetes' own components write events in the old way, others in the new.
fn last_seen(event: &Event) -> Option<Timestamp> {
    let series = event
        .series
        .as_ref()
        .map(|series| series.last_observed_time.0);
    let new = event.event_time.as_ref().map(|time| time.0);
    let old = event.deprecated_last_timestamp.as_ref().map(|time| time.0);
    let created = event
        .metadata
        .creation_timestamp
        .as_ref()
        .map(|time| time.0);
    series.or(old).or(new).or(created)
}
