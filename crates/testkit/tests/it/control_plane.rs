//! A control plane: reachable, private, and gone with its owner.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use k8s_openapi::api::core::v1::{ConfigMap, Pod, ServiceAccount};
use k8s_openapi::api::rbac::v1::ClusterRole;
use kube::api::{ListParams, ObjectMeta, PostParams};
use kube::{Api, Client};
use testkit::{AuditEvent, ControlPlane, control_plane};

use crate::leftovers;
use crate::owner::Owner;

#[tokio::test]
async fn a_control_plane_gets_ready_and_gives_out_namespaces() {
    let started = Instant::now();
    let cluster = ControlPlane::start(control_plane::Options::default())
        .await
        .unwrap();
    println!(
        "control plane ready in {:.1} s",
        started.elapsed().as_secs_f64()
    );
    let version = cluster
        .client()
        .await
        .unwrap()
        .apiserver_version()
        .await
        .unwrap();
    assert_eq!(version.git_version, testkit::kube::KUBERNETES_VERSION);

    let (first, second) = (
        cluster.namespace("twin").await.unwrap(),
        cluster.namespace("twin").await.unwrap(),
    );
    assert_ne!(first.name(), second.name());
    create_config_map(&cluster.client().await.unwrap(), first.name(), "in-first")
        .await
        .unwrap();
    let listed = cluster
        .kubectl(&["get", "configmap", "-n", second.name(), "-o", "name"])
        .await
        .unwrap();
    assert!(!listed.contains("in-first"), "{listed}");
    first.finish().await.unwrap();
}

#[tokio::test]
async fn a_control_plane_begins_with_what_the_first_one_stored() {
    let options = control_plane::Options::default;
    drop(ControlPlane::start(options()).await.unwrap());
    let started = SystemTime::now();
    let cluster = ControlPlane::start(options()).await.unwrap();
    let roles: Api<ClusterRole> = Api::all(cluster.client().await.unwrap());
    let role = roles.get("cluster-admin").await.unwrap();
    let made = SystemTime::from(role.metadata.creation_timestamp.unwrap().0);
    assert!(made + Duration::from_secs(1) < started, "{made:?}");
    // Its keys are its own.
    let bundles: Api<ConfigMap> = Api::namespaced(cluster.client().await.unwrap(), "default");
    let own = fs::read_to_string(cluster.pki().path("ca.crt")).unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while bundles.get("kube-root-ca.crt").await.unwrap().data.unwrap()["ca.crt"] != own {
        assert!(
            Instant::now() < deadline,
            "pods would trust another cluster"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_dropped_namespace_is_deleted() {
    let cluster = ControlPlane::shared().await.unwrap();
    let namespace = cluster.namespace("dropped").await.unwrap();
    let name = namespace.name().to_owned();
    drop(namespace);
    let shown = cluster
        .kubectl(&["get", "namespace", &name, "-o", "jsonpath={.status.phase}"])
        .await;
    match shown {
        Ok(phase) => assert_eq!(phase, "Terminating"),
        Err(error) => assert!(format!("{error:#}").contains("NotFound"), "{error:#}"),
    }
}

#[tokio::test]
async fn nothing_outside_can_be_reached() {
    let cluster = ControlPlane::shared().await.unwrap();
    let started = Instant::now();
    let error = cluster
        .tcp_connect("192.0.2.1:80".parse().unwrap())
        .await
        .unwrap_err();
    assert!(
        format!("{error:#}").contains("Network is unreachable"),
        "{error:#}"
    );
    assert!(
        started.elapsed() < Duration::from_secs(1),
        "at once, not after a time-out"
    );
}

#[tokio::test]
async fn a_user_may_do_only_what_was_bound_to_it() {
    let cluster = ControlPlane::shared().await.unwrap();
    let namespace = cluster.namespace("rights").await.unwrap();
    let client = cluster.client_as("nobody-special", None).await.unwrap();
    let error = create_config_map(&client, namespace.name(), "x")
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("User \"nobody-special\" cannot create"),
        "{error}"
    );

    let master = cluster
        .client_as("somebody", Some("system:masters"))
        .await
        .unwrap();
    create_config_map(&master, namespace.name(), "x")
        .await
        .unwrap();
}

#[tokio::test]
async fn a_service_account_kubeconfig_acts_as_that_service_account() {
    let cluster = ControlPlane::shared().await.unwrap();
    let namespace = cluster.namespace("token").await.unwrap();
    let accounts: Api<ServiceAccount> =
        Api::namespaced(cluster.client().await.unwrap(), namespace.name());
    let account = ServiceAccount {
        metadata: named("robot"),
        ..ServiceAccount::default()
    };
    accounts
        .create(&PostParams::default(), &account)
        .await
        .unwrap();
    let kubeconfig = cluster
        .service_account_kubeconfig(namespace.name(), "robot")
        .await
        .unwrap();
    let who = cluster
        .kubectl(&[
            "--kubeconfig",
            &kubeconfig.to_string_lossy(),
            "auth",
            "whoami",
        ])
        .await
        .unwrap();
    let expected = format!("system:serviceaccount:{}:robot", namespace.name());
    assert!(who.contains(&expected), "{who}");
}

#[tokio::test]
async fn the_audit_log_tells_who_wrote_and_read_what_and_with_which_outcome() {
    let cluster = ControlPlane::shared().await.unwrap();
    let namespace = cluster.namespace("audit").await.unwrap();
    let client = cluster
        .client_as("writer", Some("system:masters"))
        .await
        .unwrap();
    create_config_map(&client, namespace.name(), "once")
        .await
        .unwrap();
    create_config_map(&client, namespace.name(), "once")
        .await
        .unwrap_err();
    Api::<Pod>::namespaced(client, namespace.name())
        .list(&ListParams::default().labels("a=b"))
        .await
        .unwrap();

    let deadline = Instant::now() + Duration::from_secs(10);
    let mine = |mut events: Vec<AuditEvent>| {
        events.retain(|event| event.user == "writer" && event.namespace == namespace.name());
        events
    };
    let (seen, reads) = loop {
        let writes = mine(cluster.audit_log().unwrap());
        let reads = mine(cluster.audited_reads().unwrap());
        if (writes.len() >= 2 && !reads.is_empty()) || Instant::now() > deadline {
            break (writes, reads);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let told: Vec<_> = seen
        .iter()
        .map(|event| (event.verb.as_str(), event.resource.as_str(), event.code))
        .collect();
    assert_eq!(
        told,
        [("create", "configmaps", 201), ("create", "configmaps", 409)]
    );
    let uris: Vec<&str> = reads.iter().map(|event| event.uri.as_str()).collect();
    let namespace = namespace.name();
    assert_eq!(
        uris,
        [format!(
            "/api/v1/namespaces/{namespace}/pods?&labelSelector=a%3Db"
        )]
    );
}

#[tokio::test]
async fn killed_components_can_be_started_again_with_all_data() {
    let cluster = ControlPlane::start(control_plane::Options::default())
        .await
        .unwrap();
    let client = cluster.client().await.unwrap();
    create_config_map(&client, "default", "kept").await.unwrap();
    for component in ["kube-apiserver", "etcd"] {
        cluster.kill(component).unwrap();
        assert!(!cluster.sandbox().runs(component));
        cluster.launch(component).unwrap();
        cluster.wait_until_ready().await.unwrap();
    }
    let config_maps: Api<ConfigMap> = Api::namespaced(client, "default");
    config_maps.get("kept").await.unwrap();
}

#[tokio::test]
async fn a_component_that_does_not_start_is_named_with_its_log() {
    let error = ControlPlane::start(control_plane::Options {
        api_server_arguments: vec!["--no-such-flag".into()],
        ..control_plane::Options::default()
    })
    .await
    .unwrap_err();
    let message = format!("{error:#}");
    assert!(message.contains("kube-apiserver ended"), "{message}");
    assert!(
        message.contains("unknown flag: --no-such-flag"),
        "{message}"
    );
}

#[tokio::test]
async fn another_process_can_attach_while_the_owner_lives() {
    let owner = Owner::start(&["control-plane"]);
    let attached = ControlPlane::attach(owner.state_directory()).unwrap();
    attached
        .client()
        .await
        .unwrap()
        .apiserver_version()
        .await
        .unwrap();
    drop(attached);
    assert!(
        ControlPlane::attach(owner.state_directory()).is_ok(),
        "detaching ends nothing"
    );

    let dir = owner.state_directory().to_owned();
    owner.end();
    let error = ControlPlane::attach(&dir).unwrap_err();
    assert!(
        error.to_string().starts_with("no test cluster runs in"),
        "{error}"
    );
}

#[tokio::test]
async fn the_programs_of_kubebuilder_assets_make_a_control_plane_without_ours() {
    let kube = testkit::kube::find_or_build().unwrap().kube;
    let assets = tempfile::tempdir().unwrap();
    for program in ["etcd", "kube-apiserver", "kubectl"] {
        symlink(&kube, assets.path().join(program)).unwrap();
    }
    let empty_cache = tempfile::tempdir().unwrap();
    let owner = Owner::start_with(
        &["control-plane"],
        &[
            ("KUBEBUILDER_ASSETS", assets.path()),
            ("XDG_CACHE_HOME", empty_cache.path()),
        ],
    );
    let cluster = ControlPlane::attach(owner.state_directory()).unwrap();
    let used = fs::read_link(cluster.dir().join("bin/kube-apiserver")).unwrap();
    assert_eq!(used, assets.path().join("kube-apiserver"));
    assert!(!cluster.sandbox().is_described("kube-controller-manager"));
    let namespace = cluster.namespace("assets").await.unwrap();
    let client = cluster.client().await.unwrap();
    create_config_map(&client, namespace.name(), "x")
        .await
        .unwrap();
    namespace.finish().await.unwrap();
}

#[test]
fn without_the_right_to_make_namespaces_the_command_to_run_is_named() {
    let output = Command::new("setpriv")
        .args(["--bounding-set=-sys_admin", "--inh-caps=-all", "--"])
        .args([env!("CARGO_BIN_EXE_hold-cluster"), "control-plane"])
        .output()
        .unwrap();
    assert!(!output.status.success());
    let told = String::from_utf8_lossy(&output.stderr);
    let command = format!(
        "run `sudo -E env \"PATH=$PATH\" {}",
        env!("CARGO_BIN_EXE_hold-cluster")
    );
    assert!(told.contains(&command), "{told}");
}

#[test]
fn nothing_is_left_when_the_owner_is_killed() {
    let owner = Owner::start(&["control-plane"]);
    let dir = owner.state_directory().to_owned();
    assert!(
        leftovers::of(&dir)
            .iter()
            .any(|left| left.contains("kube-apiserver"))
    );
    owner.kill();
    leftovers::assert_none_soon(&dir);
}

#[tokio::test]
async fn nothing_is_left_when_a_control_plane_is_dropped() {
    let cluster = ControlPlane::start(control_plane::Options::default())
        .await
        .unwrap();
    let dir: PathBuf = Path::new(cluster.dir()).to_owned();
    drop(cluster);
    assert_eq!(leftovers::of(&dir), Vec::<String>::new());
}

async fn create_config_map(
    client: &Client,
    namespace: &str,
    name: &str,
) -> kube::Result<ConfigMap> {
    let config_map = ConfigMap {
        metadata: named(name),
        ..ConfigMap::default()
    };
    Api::namespaced(client.clone(), namespace)
        .create(&PostParams::default(), &config_map)
        .await
}

fn named(name: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        ..ObjectMeta::default()
    }
}
