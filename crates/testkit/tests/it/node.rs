//! A node: runs containers from archives, with the cluster's network and DNS.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use testkit::{ControlPlane, Namespace, Node, control_plane, node};

use crate::archive;
use crate::leftovers;
use crate::owner::Owner;

/// The multi-call binary as an image: it is static, and its etcd makes a
/// small HTTP server.
const IMAGE: &str = "testkit.local/kube:test";

#[tokio::test]
async fn a_node_gets_ready_and_runs_a_pod_from_an_imported_archive() {
    let dir = tempfile::tempdir().unwrap();
    let images = vec![archive_of(&dir, IMAGE, &[]), pause_archive(&dir)];
    let started = Instant::now();
    let node = Node::start(node::Options {
        images,
        ..node::Options::default()
    })
    .await
    .unwrap();
    println!("node ready in {:.1} s", started.elapsed().as_secs_f64());
    let namespace = node.namespace("pod").await.unwrap();
    let address = run_server(&node, &namespace).await;

    let url = format!("http://{address}:2379/version");
    eventually("the server answers with its version", async || {
        let answer = node.http_get(&url).await;
        answer.is_ok_and(|(status, body)| status.is_success() && body.contains("etcdserver"))
    })
    .await;
}

#[tokio::test]
async fn services_and_their_names_work_from_the_node_and_from_pods() {
    let (node, _dir) = shared_node().await;
    let namespace = node.namespace("service").await.unwrap();
    run_server(&node, &namespace).await;
    kubectl(
        &node,
        &namespace,
        &["expose", "pod", "server", "--port=2379"],
    )
    .await;

    let name = format!("server.{}.svc.cluster.local", namespace.name());
    let found = testkit::sandbox::run(node.command("getent").args(["hosts", &name])).unwrap();
    let address = found.split_whitespace().next().unwrap();
    assert!(address.starts_with("10.96."), "{found}");
    let url = format!("http://{address}:2379/version");
    eventually("the service answers", async || {
        let answer = node.http_get(&url).await;
        answer.is_ok_and(|(status, _)| status.is_success())
    })
    .await;

    let url = format!("--server=http://{name}:2379");
    let answer = exec(
        &node,
        &namespace,
        &["kubectl", &url, "get", "--raw", "/version"],
    )
    .await;
    assert!(answer.unwrap().contains("etcdserver"));
}

#[tokio::test]
async fn a_pod_can_reach_nothing_outside() {
    let (node, _dir) = shared_node().await;
    let namespace = node.namespace("outside").await.unwrap();
    run_server(&node, &namespace).await;
    let away = ["kubectl", "--server=http://192.0.2.1", "get", "--raw", "/"];
    let error = exec(&node, &namespace, &away).await.unwrap_err();
    assert!(
        format!("{error:#}").contains("network is unreachable"),
        "{error:#}"
    );
}

#[tokio::test]
async fn nothing_is_left_when_the_owner_of_a_node_with_pods_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let archives = [archive_of(&dir, IMAGE, &[]), pause_archive(&dir)];
    let archives = archives.each_ref().map(|path| path.to_str().unwrap());
    let owner = Owner::start(&["node", archives[0], archives[1]]);
    let state = owner.state_directory().to_owned();
    let node = Node::attach(&state).unwrap();
    let namespace = node.namespace("left").await.unwrap();
    run_server(&node, &namespace).await;
    let running = leftovers::of(&state);
    assert!(
        running.iter().any(|left| left.contains("kubepods")),
        "{running:#?}"
    );

    std::mem::forget(namespace);
    owner.kill();
    leftovers::assert_none_soon(&state);
}

#[tokio::test]
async fn what_a_killed_keeper_leaves_is_removed_by_the_next_start() {
    let owner = Owner::start(&["node"]);
    let state = owner.state_directory().to_owned();
    owner.kill_keeper();
    owner.kill();
    eventually("only directories are left", async || {
        leftovers::of(&state)
            .iter()
            .all(|left| !left.starts_with("process"))
    })
    .await;
    let left = leftovers::of(&state);
    assert!(
        left.iter().any(|left| left.starts_with("cgroup")),
        "{left:#?}"
    );

    drop(
        ControlPlane::start(control_plane::Options::default())
            .await
            .unwrap(),
    );
    assert_eq!(leftovers::of(&state), Vec::<String>::new());
}

/// The service proxy follows a new Service within a second or so.
async fn eventually(what: &str, condition: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !condition().await {
        assert!(Instant::now() < deadline, "not within 30 s: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The node of the test run, with this file's image in any case.
async fn shared_node() -> (Node, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let options = node::Options {
        images: vec![pause_archive(&dir)],
        ..node::Options::default()
    };
    let node = Node::shared(options).await.unwrap();
    node.import(&archive_of(&dir, IMAGE, &[])).await.unwrap();
    (node, dir)
}

fn pause_archive(dir: &TempDir) -> PathBuf {
    archive_of(dir, node::PAUSE_IMAGE, &["pause"])
}

fn archive_of(dir: &TempDir, name: &str, arguments: &[&str]) -> PathBuf {
    let binaries = testkit::kube::find_or_build().unwrap();
    let path = dir
        .path()
        .join(format!("{}.tar", name.replace(['/', ':'], "-")));
    archive::write(&path, name, &binaries.kube, arguments);
    path
}

/// A pod `server` that answers HTTP at port 2379; returns its address.
async fn run_server(node: &Node, namespace: &Namespace) -> String {
    let run = format!("run server --image={IMAGE} --restart=Never -- etcd --data-dir=/data");
    let urls = ["--listen-client-urls", "--advertise-client-urls"]
        .map(|flag| format!("{flag}=http://0.0.0.0:2379"));
    let mut arguments: Vec<&str> = run.split(' ').collect();
    arguments.extend(urls.iter().map(String::as_str));
    kubectl(node, namespace, &arguments).await;
    let ready = [
        "wait",
        "--for=condition=Ready",
        "pod/server",
        "--timeout=60s",
    ];
    kubectl(node, namespace, &ready).await;
    let address = ["get", "pod", "server", "-o", "jsonpath={.status.podIP}"];
    kubectl(node, namespace, &address).await
}

async fn exec(node: &Node, namespace: &Namespace, program: &[&str]) -> anyhow::Result<String> {
    let mut arguments = vec!["-n", namespace.name(), "exec", "server", "--", "/program"];
    arguments.extend(program);
    node.kubectl(&arguments).await
}

async fn kubectl(node: &Node, namespace: &Namespace, arguments: &[&str]) -> String {
    let mut all = vec!["-n", namespace.name()];
    all.extend(arguments);
    node.kubectl(&all).await.unwrap()
}
