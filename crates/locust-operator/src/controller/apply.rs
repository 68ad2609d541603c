//! Carries out steps, one write each, up to the first that fails.

use std::time::Duration;

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Service};
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::{Api, Client, ResourceExt};
use locust_api::latest::{LocustTest, LocustTestStatus};
use locust_api::names::{ANNOTATION_HELD, ANNOTATION_RUN, LABEL_RESULTS, Role, UPSTREAM_FINALIZER};
use locust_core::decide::Step;
use locust_core::fold::{Done, Outcome, Refusal};
use locust_core::observed::{Observed, RefusalCause};
use locust_core::report::{NotStored, Storing};
use locust_core::status;
use serde_json::{Value, json};

use super::answer::{code, message};

/// A write failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApplyError {
    /// The object changed meanwhile: look again.
    #[error("{what} changed meanwhile")]
    Conflict {
        /// The object.
        what: String,
    },
    /// The API server refuses to store the status.
    #[error("{object} was refused: {message}")]
    Refused {
        /// The object.
        object: String,
        /// The API server's words.
        message: String,
    },
    /// The API server or the network failed.
    #[error("cannot {verb} {what}")]
    Failed {
        /// What was tried.
        verb: &'static str,
        /// The object.
        what: String,
        /// What went wrong.
        #[source]
        source: kube::Error,
    },
}

/// Carries out the steps. An error ends them without a verdict about the test;
/// a refusal by the API server is part of the outcome.
pub(super) async fn apply(
    client: &Client,
    observed: &Observed,
    steps: Vec<Step>,
) -> (Outcome, Result<(), ApplyError>) {
    let mut outcome = Outcome::default();
    let mut test = observed.test.clone();
    for step in steps {
        match carry_out(client, &test, step).await {
            Ok(done) => {
                if let Done::TestPatched(patched) = &done {
                    test = (**patched).clone();
                }
                outcome.done.push(done);
            }
            Err(Stop::Refused(refusal)) => {
                outcome.refused = Some(refusal);
                return (outcome, Ok(()));
            }
            Err(Stop::Error(error)) => return (outcome, Err(error)),
        }
    }
    (outcome, Ok(()))
}

/// Stores a status over the version of the test that it was derived from.
pub(super) async fn write_status(
    client: &Client,
    test: &LocustTest,
    status: &LocustTestStatus,
) -> Result<LocustTest, ApplyError> {
    let patch = json!({
        "metadata": { "resourceVersion": test.resource_version() },
        "status": status::patch(test.status.as_ref(), status),
    });
    let what = format!("status of LocustTest {}", test.name_any());
    tests(client, test)
        .patch_status(
            &test.name_any(),
            &PatchParams::default(),
            &Patch::Merge(&patch),
        )
        .await
        .map_err(|error| match stop("write", what, error) {
            Stop::Error(error) => error,
            Stop::Refused(Refusal {
                object,
                message,
                cause: _,
            }) => ApplyError::Refused { object, message },
        })
}

enum Stop {
    Refused(Refusal),
    Error(ApplyError),
}

async fn carry_out(client: &Client, test: &LocustTest, step: Step) -> Result<Done, Stop> {
    let namespace = test.namespace().unwrap_or_default();
    let jobs = Api::<Job>::namespaced(client.clone(), &namespace);
    match step {
        Step::RemoveFinalizer => patch_test(client, test, without_finalizer(test)).await,
        Step::RecordRun { id } => {
            patch_test(
                client,
                test,
                json!({ "annotations": { ANNOTATION_RUN: id } }),
            )
            .await
        }
        Step::CreateService(service) => {
            let services = Api::<Service>::namespaced(client.clone(), &namespace);
            let what = format!("Service {}", service.name_any());
            create(&services, &service, what)
                .await
                .map(|created| Done::ServiceCreated(Box::new(created)))
        }
        Step::CreateJob(role, job) => {
            let what = format!("Job {}", job.name_any());
            create(&jobs, &job, what)
                .await
                .map(|created| Done::JobCreated(role, Box::new(created)))
        }
        Step::ReleaseMaster { name, uid } => release(&jobs, &name, &uid).await,
        Step::ReplaceWorker(pod) => {
            let pods = Api::<Pod>::namespaced(client.clone(), &namespace);
            let what = format!("Pod {}", pod.name_any());
            create(&pods, &pod, what)
                .await
                .map(|created| Done::WorkerReplaced(Box::new(created)))
        }
        Step::DeleteJob { role, name, uid } => delete(&jobs, role, &name, uid).await,
        Step::StoreResults(map) => Ok(Done::StoringTried(
            store_results(client, &namespace, &map).await,
        )),
    }
}

async fn create<K>(api: &Api<K>, object: &K, what: String) -> Result<K, Stop>
where
    K: kube::Resource + Clone + std::fmt::Debug + serde::Serialize + serde::de::DeserializeOwned,
{
    api.create(&PostParams::default(), object)
        .await
        .map_err(|error| stop("create", what, error))
}

async fn patch_test(client: &Client, test: &LocustTest, metadata: Value) -> Result<Done, Stop> {
    let mut metadata = metadata;
    if let Some(fields) = metadata.as_object_mut() {
        fields.insert("resourceVersion".to_owned(), json!(test.resource_version()));
    }
    let what = format!("LocustTest {}", test.name_any());
    tests(client, test)
        .patch(
            &test.name_any(),
            &PatchParams::default(),
            &Patch::Merge(&json!({ "metadata": metadata })),
        )
        .await
        .map(|patched| Done::TestPatched(Box::new(patched)))
        .map_err(|error| stop("patch", what, error))
}

fn without_finalizer(test: &LocustTest) -> Value {
    let others: Vec<&String> = test
        .finalizers()
        .iter()
        .filter(|finalizer| *finalizer != UPSTREAM_FINALIZER)
        .collect();
    json!({ "finalizers": others })
}

/// The UID in the patch makes the API server refuse it for another Job of the
/// same name.
async fn release(jobs: &Api<Job>, name: &str, uid: &str) -> Result<Done, Stop> {
    let patch = json!({
        "metadata": { "uid": uid, "annotations": { ANNOTATION_HELD: null } },
        "spec": { "suspend": false },
    });
    jobs.patch(name, &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .map(|job| Done::MasterReleased(Box::new(job)))
        .map_err(|error| stop("release", format!("Job {name}"), error))
}

async fn delete(jobs: &Api<Job>, role: Role, name: &str, uid: String) -> Result<Done, Stop> {
    let params = DeleteParams::background().preconditions(Preconditions {
        uid: Some(uid),
        resource_version: None,
    });
    match jobs.delete(name, &params).await {
        Err(error) if code(&error) != Some(404) => {
            Err(stop("delete", format!("Job {name}"), error))
        }
        _ => Ok(Done::JobDeleted(role)),
    }
}

/// Creates the ConfigMap, or writes that of an earlier test of the same name, or
/// attempt, anew. Whether it is one is asked in the patch itself: so no right to
/// read ConfigMaps is needed. A failure is the test's to tell, and no error: its
/// verdict does not wait for its results.
async fn store_results(client: &Client, namespace: &str, map: &ConfigMap) -> Storing {
    let maps = Api::<ConfigMap>::namespaced(client.clone(), namespace);
    let mut answer = maps.create(&PostParams::default(), map).await;
    let mut exists = false;
    if let Err(error) = &answer
        && code(error) == Some(409)
    {
        exists = true;
        answer = overwrite(&maps, map).await;
    }
    let why = match answer {
        Ok(_) => return Storing::Done,
        Err(error) if exists && code(&error) == Some(422) => NotStored::NameTaken(message(&error)),
        Err(error) => NotStored::Refused(message(&error)),
    };
    Storing::Failed {
        why,
        ago: Duration::ZERO,
    }
}

async fn overwrite(maps: &Api<ConfigMap>, map: &ConfigMap) -> Result<ConfigMap, kube::Error> {
    let patch = results_patch(map).map_err(kube::Error::SerdeError)?;
    let params = PatchParams::default();
    maps.patch(&map.name_any(), &params, &Patch::Json::<()>(patch))
        .await
}

/// Fails on an object that is not the results of a test of this name.
fn results_patch(map: &ConfigMap) -> Result<json_patch::Patch, serde_json::Error> {
    let label = LABEL_RESULTS.replace('/', "~1");
    serde_json::from_value(json!([
        {
            "op": "test",
            "path": format!("/metadata/labels/{label}"),
            "value": map.labels().get(LABEL_RESULTS),
        },
        { "op": "add", "path": "/metadata/ownerReferences", "value": map.owner_references() },
        { "op": "add", "path": "/data", "value": map.data },
        { "op": "add", "path": "/binaryData", "value": map.binary_data },
    ]))
}

fn tests(client: &Client, test: &LocustTest) -> Api<LocustTest> {
    Api::namespaced(client.clone(), &test.namespace().unwrap_or_default())
}

/// Sorts an error: did the world move, did the API server refuse the write for
/// what it is, or did something fail that may work next time?
fn stop(verb: &'static str, what: String, error: kube::Error) -> Stop {
    let refused = |what, cause| {
        Stop::Refused(Refusal {
            object: what,
            message: message(&error),
            cause,
        })
    };
    match code(&error) {
        Some(404 | 409) => Stop::Error(ApplyError::Conflict { what }),
        Some(400 | 413 | 422) => refused(what, RefusalCause::Invalid),
        Some(403) => refused(what, RefusalCause::Forbidden),
        _ => Stop::Error(ApplyError::Failed {
            verb,
            what,
            source: error,
        }),
    }
}
