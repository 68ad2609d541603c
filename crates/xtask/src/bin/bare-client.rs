//! What the bench holds the operator against: a client that begins tests with
//! the very writes of the operator, as many tests at a time, and does nothing
//! else. It watches nothing, reads nothing and decides nothing: all bodies are
//! made before the first write.
//!
//! `bare-client KUBECONFIG NAMESPACE TESTS_AT_A_TIME`

use std::path::Path;

use anyhow::{Context, Result, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Service;
use kube::api::{ListParams, Patch, PatchParams, PostParams, Request};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config, Resource, ResourceExt};
use locust_api::latest::LocustTest;
use locust_api::names::{ANNOTATION_HELD, ANNOTATION_RUN};
use locust_core::decide::{Step, decide};
use locust_core::events::Event;
use locust_core::fold::Done;
use locust_core::observed::{Child, Observed};
use locust_core::settings::Settings;
use serde::Deserialize;
use serde_json::{Value, json};

/// Stands for the UID of the master Job, which is not known before it is made.
const RUN: &str = "the-uid-of-the-master-job";

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kubeconfig, namespace, at_a_time] = arguments.as_slice() else {
        anyhow::bail!("usage: bare-client KUBECONFIG NAMESPACE TESTS_AT_A_TIME");
    };
    let client = connect(Path::new(kubeconfig)).await?;
    let tests = Api::<LocustTest>::namespaced(client.clone(), namespace)
        .list(&ListParams::default())
        .await
        .context("listing the tests")?;
    let starts: Vec<Start> = tests.into_iter().map(Start::of).collect::<Result<_>>()?;
    stream::iter(starts)
        .map(|start| start.carry_out(&client, namespace))
        .buffer_unordered(at_a_time.parse()?)
        .try_collect()
        .await
}

async fn connect(kubeconfig: &Path) -> Result<Client> {
    let kubeconfig = Kubeconfig::read_from(kubeconfig)?;
    let mut config =
        Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    config.default_retry = false;
    Ok(Client::try_from(config)?)
}

/// All bodies of one start, in the order in which they are sent.
struct Start {
    test: String,
    version: String,
    service: Value,
    jobs: [Value; 2],
    master_job: String,
    status: Value,
    events: Vec<Value>,
}

/// As much of an answer as the next write needs.
#[derive(Deserialize)]
struct Answer {
    metadata: Meta,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Meta {
    uid: String,
    resource_version: String,
}

impl Start {
    /// Plays the start with the operator's own decisions.
    fn of(test: LocustTest) -> Result<Self> {
        let settings = Settings::default();
        let mut observed = Observed {
            now: Timestamp::now(),
            test,
            service: Child::Absent,
            master_job: Child::Absent,
            worker_job: Child::Absent,
            pods: Vec::new(),
            heard: None,
            notices: Vec::new(),
            refused: None,
            storing: None,
        };
        let creations = decide(&observed, &settings).steps;
        let [
            Step::CreateService(service),
            Step::CreateJob(master_role, master),
            Step::CreateJob(worker_role, worker),
        ] = creations.as_slice()
        else {
            anyhow::bail!("a start creates something else: {creations:?}");
        };
        let mut created = master.clone();
        created.metadata.uid = Some(RUN.to_owned());
        observed.absorb(&Done::ServiceCreated(service.clone()));
        observed.absorb(&Done::JobCreated(*master_role, created.clone()));
        observed.absorb(&Done::JobCreated(*worker_role, worker.clone()));
        let begin = decide(&observed, &settings).steps;
        ensure!(
            matches!(
                begin.as_slice(),
                [Step::RecordRun { .. }, Step::ReleaseMaster { .. }]
            ),
            "a start goes on with something else: {begin:?}"
        );
        let annotations = observed.test.annotations_mut();
        annotations.insert(ANNOTATION_RUN.to_owned(), RUN.to_owned());
        created.annotations_mut().remove(ANNOTATION_HELD);
        created.spec.get_or_insert_default().suspend = Some(false);
        observed.absorb(&Done::MasterReleased(created));
        let last = decide(&observed, &settings);
        ensure!(last.steps.is_empty(), "more follows: {:?}", last.steps);
        let events = [
            Event::created("Service", &service.name_any()),
            Event::created("Job", &master.name_any()),
            Event::created("Job", &worker.name_any()),
        ];
        Ok(Self {
            version: observed.test.resource_version().context("a version")?,
            service: serde_json::to_value(service)?,
            jobs: [serde_json::to_value(master)?, serde_json::to_value(worker)?],
            master_job: master.name_any(),
            status: serde_json::to_value(&last.status)?,
            events: events
                .iter()
                .map(|event| event_body(&observed.test, event))
                .collect(),
            test: observed.test.name_any(),
        })
    }

    async fn carry_out(self, client: &Client, namespace: &str) -> Result<()> {
        let services = Request::new(Service::url_path(&(), Some(namespace)));
        let jobs = Request::new(Job::url_path(&(), Some(namespace)));
        let tests = Request::new(LocustTest::url_path(&(), Some(namespace)));
        let events = Request::new(format!(
            "/apis/events.k8s.io/v1/namespaces/{namespace}/events"
        ));
        let post = PostParams::default();
        let params = PatchParams::default();

        create(client, &services, &self.service).await?;
        let [master, worker] = &self.jobs;
        let run = create(client, &jobs, master).await?.metadata.uid;
        create(client, &jobs, worker).await?;
        let record = Patch::Merge(json!({ "metadata": {
            "annotations": { ANNOTATION_RUN: run },
            "resourceVersion": self.version,
        } }));
        let recorded: Answer = client
            .request(tests.patch(&self.test, &params, &record)?)
            .await
            .context("recording the run")?;
        let release = Patch::Merge(json!({
            "metadata": { "uid": run, "annotations": { ANNOTATION_HELD: null } },
            "spec": { "suspend": false },
        }));
        let _: Answer = client
            .request(jobs.patch(&self.master_job, &params, &release)?)
            .await
            .context("releasing the master")?;
        let mut status = self.status;
        if let Some(id) = status.pointer_mut("/run/id") {
            *id = json!(run);
        }
        let status = Patch::Merge(json!({
            "metadata": { "resourceVersion": recorded.metadata.resource_version },
            "status": status,
        }));
        let _: Answer = client
            .request(tests.patch_subresource("status", &self.test, &params, &status)?)
            .await
            .context("writing the status")?;
        for event in &self.events {
            let _: Answer = client
                .request(events.create(&post, serde_json::to_vec(event)?)?)
                .await
                .context("sending an event")?;
        }
        Ok(())
    }
}

async fn create(client: &Client, request: &Request, body: &Value) -> Result<Answer> {
    let body = serde_json::to_vec(body)?;
    client
        .request(request.create(&PostParams::default(), body)?)
        .await
        .context("creating a child")
}

/// As the operator sends it.
fn event_body(test: &LocustTest, event: &Event) -> Value {
    let now = Timestamp::now();
    let name = format!("{}.{:x}", test.name_any(), now.as_nanosecond());
    json!({
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": { "name": name, "namespace": test.namespace() },
        "type": "Normal",
        "reason": event.reason,
        "action": event.action,
        "note": event.note,
        "eventTime": format!("{now:.6}"),
        "reportingController": "locusttest-controller",
        "reportingInstance": "bare-client",
        "regarding": {
            "apiVersion": LocustTest::api_version(&()),
            "kind": LocustTest::kind(&()),
            "name": test.name_any(),
            "namespace": test.namespace(),
            "uid": test.uid(),
        },
    })
}
