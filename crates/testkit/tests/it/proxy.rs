//! The fault proxy: what it records, where it stops a write, and what the API
//! server and the client see of it.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use hyper::StatusCode;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;
use testkit::proxy::{Moment, Recorded, Trouble, When};
use testkit::{ControlPlane, FaultProxy, Namespace};

struct Fixture {
    cluster: ControlPlane,
    namespace: Namespace,
    proxy: FaultProxy,
    /// Through the proxy.
    client: Client,
}

impl Fixture {
    async fn new(prefix: &str) -> Self {
        let cluster = ControlPlane::shared().await.unwrap();
        let namespace = cluster.namespace(prefix).await.unwrap();
        let kubeconfig = cluster
            .user_kubeconfig("operator", Some("system:masters"))
            .unwrap();
        let proxy = FaultProxy::start(&cluster, &kubeconfig).await.unwrap();
        let client = client_of(&cluster, proxy.kubeconfig()).await;
        Self {
            cluster,
            namespace,
            proxy,
            client,
        }
    }

    fn through_proxy(&self) -> Api<ConfigMap> {
        Api::namespaced(self.client.clone(), self.namespace.name())
    }

    /// What the API server has, past the proxy.
    async fn stored(&self, name: &str) -> bool {
        let client = self.cluster.client().await.unwrap();
        let config_maps: Api<ConfigMap> = Api::namespaced(client, self.namespace.name());
        config_maps.get_opt(name).await.unwrap().is_some()
    }

    /// A process that creates a ConfigMap through the proxy, to be killed.
    fn spawn_creator(&self, name: &str) -> Child {
        let mut kubectl = self.cluster.network_command("kubectl");
        kubectl.arg("--kubeconfig").arg(self.proxy.kubeconfig());
        kubectl.args(["-n", self.namespace.name(), "create", "configmap", name]);
        kubectl.stdout(Stdio::piped()).stderr(Stdio::null());
        kubectl.spawn().unwrap()
    }
}

#[tokio::test]
async fn writes_are_recorded_in_order_and_reads_are_not() {
    let fixture = Fixture::new("record").await;
    let config_maps = fixture.through_proxy();
    create(&config_maps, "one").await.unwrap();
    config_maps.list(&Default::default()).await.unwrap();
    let patch = Patch::Merge(json!({"data": {"key": "value"}}));
    config_maps
        .patch("one", &PatchParams::default(), &patch)
        .await
        .unwrap();
    create(&config_maps, "one").await.unwrap_err();
    config_maps
        .delete("one", &Default::default())
        .await
        .unwrap();

    let requests = fixture.proxy.requests();
    let told: Vec<_> = requests
        .iter()
        .map(|request| {
            (
                request.method.as_str(),
                request.status.map(|code| code.as_u16()),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("POST", Some(201)),
            ("PATCH", Some(200)),
            ("POST", Some(409)),
            ("DELETE", Some(200))
        ]
    );
    let patched = &requests[1];
    assert_eq!(patched.content_type, "application/merge-patch+json");
    assert_eq!(patched.body, json!({"data": {"key": "value"}}));
    assert!(patched.path.contains("/configmaps/one"), "{}", patched.path);
}

#[tokio::test]
async fn trouble_befalls_reads_too_until_it_is_healed() {
    let fixture = Fixture::new("trouble").await;
    let config_maps = fixture.through_proxy();
    let is_here = |path: &str| path.contains("/configmaps/one");
    let unavailable = StatusCode::SERVICE_UNAVAILABLE;
    let answer = Trouble::Answer(unavailable, "ServiceUnavailable");
    fixture.proxy.make_trouble(answer, is_here);
    let error = config_maps.get_opt("one").await.unwrap_err();
    assert!(error.to_string().contains("fault proxy"), "{error}");
    assert!(config_maps.get_opt("two").await.unwrap().is_none());

    fixture.proxy.heal();
    let delay = Duration::from_millis(300);
    fixture.proxy.make_trouble(Trouble::Delay(delay), is_here);
    let asked = Instant::now();
    assert!(config_maps.get_opt("one").await.unwrap().is_none());
    assert!(asked.elapsed() >= delay);

    fixture.proxy.heal();
    fixture.proxy.make_trouble(Trouble::Silence, is_here);
    let silent = tokio::time::timeout(delay, config_maps.get_opt("one"));
    assert!(silent.await.is_err());
    fixture.proxy.heal();
    assert!(config_maps.get_opt("one").await.unwrap().is_none());
}

#[tokio::test]
async fn it_acts_as_the_user_it_was_given() {
    let fixture = Fixture::new("user").await;
    let namespace = fixture.namespace.name();
    let token = fixture
        .cluster
        .service_account_kubeconfig(namespace, "default")
        .await
        .unwrap();
    let proxy = FaultProxy::start(&fixture.cluster, &token).await.unwrap();
    let client = client_of(&fixture.cluster, proxy.kubeconfig()).await;
    let error = create(&Api::namespaced(client, namespace), "x")
        .await
        .unwrap_err();
    let user = format!("User \"system:serviceaccount:{namespace}:default\" cannot create");
    assert!(error.to_string().contains(&user), "{error}");
}

#[tokio::test]
async fn a_request_held_before_it_is_sent_is_lost_with_its_sender() {
    let fixture = Fixture::new("before").await;
    let mut held = fixture.proxy.hold(1, Moment::BeforeRequest, is_creation);
    let mut creator = fixture.spawn_creator("never");
    let request = held.reached().await.unwrap();
    assert_eq!(request.method, hyper::Method::POST);
    assert_eq!(request.status, None);
    creator.kill().unwrap();
    creator.wait().unwrap();
    drop(held);
    assert!(!fixture.stored("never").await);
}

#[tokio::test]
async fn a_request_whose_sender_was_killed_can_still_arrive() {
    let fixture = Fixture::new("late").await;
    let mut held = fixture.proxy.hold(1, Moment::BeforeRequest, is_creation);
    let mut creator = fixture.spawn_creator("late");
    held.reached().await.unwrap();
    creator.kill().unwrap();
    creator.wait().unwrap();
    assert!(!fixture.stored("late").await);
    held.forward().await;
    assert!(fixture.stored("late").await);
}

#[tokio::test]
async fn a_request_held_before_its_answer_is_applied_and_its_sender_does_not_know() {
    let fixture = Fixture::new("between").await;
    let mut held = fixture.proxy.hold(1, Moment::BeforeAnswer, is_creation);
    let config_maps = fixture.through_proxy();
    let mut sender = tokio::spawn(async move { create(&config_maps, "applied").await });
    let request = held.reached().await.unwrap();
    assert_eq!(request.status, Some(StatusCode::CREATED));
    assert!(fixture.stored("applied").await);
    let waited = tokio::time::timeout(Duration::from_millis(300), &mut sender).await;
    assert!(waited.is_err(), "it still waits for the answer");
    drop(held);
    sender.await.unwrap().unwrap_err();
}

#[tokio::test]
async fn a_request_held_after_its_answer_has_reached_its_sender() {
    let fixture = Fixture::new("after").await;
    let mut held = fixture.proxy.hold(1, Moment::AfterAnswer, is_creation);
    let creator = fixture.spawn_creator("told");
    held.reached().await.unwrap();
    let waiting = tokio::task::spawn_blocking(|| creator.wait_with_output());
    let output = soon(waiting).await.unwrap().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "configmap/told created\n"
    );
}

#[tokio::test]
async fn nothing_else_is_written_while_a_request_is_held() {
    let fixture = Fixture::new("gate").await;
    let config_maps = fixture.through_proxy();
    let mut held = fixture.proxy.hold(2, Moment::AfterAnswer, is_creation);
    create(&config_maps, "first").await.unwrap();
    create(&config_maps, "second").await.unwrap();
    held.reached().await.unwrap();
    let third = tokio::spawn({
        let config_maps = config_maps.clone();
        async move { create(&config_maps, "third").await }
    });
    // Reads pass, so the operator stays alive in other ways.
    config_maps.list(&Default::default()).await.unwrap();
    assert_eq!(fixture.proxy.requests().len(), 2);

    drop(held);
    third.await.unwrap().unwrap_err();
    create(&config_maps, "fourth").await.unwrap();
    assert!(!fixture.stored("third").await);
}

#[tokio::test]
async fn an_answer_can_be_chosen_and_the_request_is_not_sent() {
    let fixture = Fixture::new("answer").await;
    let config_maps = fixture.through_proxy();
    fixture
        .proxy
        .answer(When::Nth(2), StatusCode::CONFLICT, "Conflict", is_creation);
    create(&config_maps, "one").await.unwrap();
    let error = create(&config_maps, "two").await.unwrap_err();
    assert!(
        matches!(&error, kube::Error::Api(status) if status.is_conflict()),
        "{error}"
    );
    assert!(!fixture.stored("two").await);
    create(&config_maps, "two").await.unwrap();
    assert_eq!(
        fixture.proxy.requests()[1].status,
        Some(StatusCode::CONFLICT)
    );
}

#[tokio::test]
async fn a_request_can_hang_until_the_rule_is_removed() {
    let fixture = Fixture::new("hang").await;
    let config_maps = fixture.through_proxy();
    fixture.proxy.hang(When::Always, is_creation);
    let waited = tokio::time::timeout(Duration::from_millis(500), create(&config_maps, "stuck"));
    assert!(waited.await.is_err());
    assert!(!fixture.stored("stuck").await);
    fixture.proxy.heal();
    soon(create(&config_maps, "stuck")).await.unwrap();
}

#[tokio::test]
async fn watches_stream_through_it() {
    use futures::TryStreamExt;

    let fixture = Fixture::new("watch").await;
    let config_maps = fixture.through_proxy();
    let events = soon(config_maps.watch(&Default::default(), "0"))
        .await
        .unwrap();
    let mut events = std::pin::pin!(events);
    let started = Instant::now();
    create(&config_maps, "seen").await.unwrap();
    loop {
        let event = soon(events.try_next()).await.unwrap().unwrap();
        if matches!(&event, kube::core::WatchEvent::Added(added) if added.metadata.name.as_deref() == Some("seen"))
        {
            break;
        }
    }
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "at once, not at the end"
    );
}

/// For what hangs when the proxy is at fault.
async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(10), future)
        .await
        .unwrap()
}

fn is_creation(request: &Recorded) -> bool {
    request.method == hyper::Method::POST && request.path.contains("/configmaps")
}

async fn client_of(cluster: &ControlPlane, kubeconfig: &Path) -> Client {
    cluster
        .network()
        .kubernetes_client(kubeconfig)
        .await
        .unwrap()
}

async fn create(config_maps: &Api<ConfigMap>, name: &str) -> kube::Result<ConfigMap> {
    let config_map = ConfigMap {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            ..ObjectMeta::default()
        },
        ..ConfigMap::default()
    };
    config_maps
        .create(&PostParams::default(), &config_map)
        .await
}
