//! What is: first from memory, to see whether there is anything to do, and then
//! from the API server, before anything is done. So a stale memory can cost a
//! moment, but never a wrong write.

use jiff::Timestamp;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Pod, Service};
use kube::api::ListParams;
use kube::{Api, Client, Resource, ResourceExt};
use locust_api::latest::LocustTest;
use locust_api::names::{Role, role_name};
use locust_core::observed::{Child, Observed};

use super::caches::Caches;

/// Reading one object failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {what}")]
pub(super) struct ObserveError {
    what: String,
    #[source]
    source: kube::Error,
}

/// The world as remembered.
pub(super) fn remembered(caches: &Caches, test: LocustTest) -> Observed {
    let namespace = test.namespace().unwrap_or_default();
    let name = test.name_any();
    let master = role_name(&name, Role::Master);
    let worker = role_name(&name, Role::Worker);
    let service = caches.services.get(&namespace, &master);
    let master_job = caches.jobs.get(&namespace, &master);
    let worker_job = caches.jobs.get(&namespace, &worker);
    let pods = pods_of(caches, &[&master_job, &worker_job]);
    Observed {
        now: Timestamp::now(),
        service: Child::classify(service, &test),
        master_job: Child::classify(master_job, &test),
        worker_job: Child::classify(worker_job, &test),
        pods,
        test,
    }
}

/// The world as it is. `None`: the test is gone, or another one has its name.
pub(super) async fn fresh(
    client: &Client,
    caches: &Caches,
    test: &LocustTest,
) -> Result<Option<Observed>, ObserveError> {
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
    let mut pods = pods_of(caches, &[&worker_job]);
    if let Some(uid) = master_job.as_ref().and_then(ResourceExt::uid) {
        pods.extend(pods_of_job(client, &namespace, &uid).await?);
    }
    Ok(Some(Observed {
        now: Timestamp::now(),
        service: Child::classify(service, &current),
        master_job: Child::classify(master_job, &current),
        worker_job: Child::classify(worker_job, &current),
        pods,
        test: current,
    }))
}

fn pods_of(caches: &Caches, jobs: &[&Option<Job>]) -> Vec<Pod> {
    jobs.iter()
        .filter_map(|job| job.as_ref()?.uid())
        .flat_map(|uid| caches.pods.controlled_by(&uid))
        .collect()
}

async fn get<K>(api: &Api<K>, name: &str) -> Result<Option<K>, ObserveError>
where
    K: Resource<DynamicType = ()> + Clone + std::fmt::Debug + serde::de::DeserializeOwned,
{
    api.get_opt(name).await.map_err(|source| ObserveError {
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
        .map_err(|source| ObserveError {
            what: format!("pods of Job {uid}"),
            source,
        })
}
