//! A load that a person starts in the web UI, with real Locust.

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::events::v1::Event;
use kube::Api;
use locust_api::latest::Phase;
use serde_json::{Value, json};

use crate::node::World;
use crate::node::target::Target;
use crate::operator::Operator;
use crate::tests_of::{condition, load_test, locustfile, phase, until};

/// The master ends a second after the load has been stopped: its web UI has no
/// button for that.
const QUIT_AFTER_STOP: &str = r#"
import gevent
from locust import events
from locust.runners import MasterRunner


@events.test_stop.add_listener
def quit_soon(environment, **_):
    def leave():
        environment.web_ui.stop()
        environment.runner.quit()

    if isinstance(environment.runner, MasterRunner):
        gevent.spawn_later(1, leave)
"#;

#[tokio::test]
async fn a_person_starts_the_load_in_the_web_ui() -> Result<()> {
    let world = World::new("byhand", 0).await?;
    let kubeconfig = world.node.kubeconfig();
    let _operator = Operator::start(&world.node, &kubeconfig, world.namespace.name())?;
    let target = Target::start(&world, &[]).await?;
    let file = format!("{}\n{QUIT_AFTER_STOP}", locustfile(&["/"]));
    world.locustfile("byhand", &file).await?;
    world.tests.create(test()).await?;

    let waiting = world
        .tests
        .wait_until("byhand", "a master that waits", |test| {
            condition(test, "TestCompleted").contains("/WaitingForStart: ")
        })
        .await?;
    let namespace = world.namespace.name();
    assert_eq!(
        condition(&waiting, "TestCompleted"),
        format!(
            "False/WaitingForStart: Waiting for the load to be started in the web UI at http://byhand-master.{namespace}:8089"
        )
    );
    assert_eq!(phase(&waiting), Some(Phase::Pending));
    assert_eq!(
        condition(&waiting, "Ready"),
        "True/ResourcesCreated: All resources created"
    );

    let web_ui = web_ui(&world).await?;
    let (status, page) = world.node.http_get(&format!("{web_ui}/")).await?;
    ensure!(
        status.is_success() && page.contains("<html"),
        "{status} {page}"
    );
    assert_eq!(target.counts(&world).await?.answered, 0, "nobody began");
    // Locust answers `success` to a start without workers, and starts nothing.
    world
        .tests
        .wait_until("byhand", "a connected worker", |test| {
            condition(test, "WorkersConnected").starts_with("True/AllWorkersConnected")
        })
        .await?;
    post(
        &world,
        &format!("{web_ui}/swarm"),
        "user_count=5&spawn_rate=5",
    )
    .await?;
    world.tests.wait_for("byhand", &[Phase::Running]).await?;
    until("load at the target", async || {
        Ok((target.counts(&world).await?.answered > 20).then_some(()))
    })
    .await?;
    let events: Api<Event> = Api::namespaced(world.client.clone(), namespace);
    until("the event of the start", async || {
        let events = events.list(&Default::default()).await?.items;
        let is_it = |event: &Event| event.reason.as_deref() == Some("TestStarted");
        Ok(events.iter().any(is_it).then_some(()))
    })
    .await?;

    post(&world, &format!("{web_ui}/stop"), "").await?;
    let over = world
        .tests
        .wait_for("byhand", &[Phase::Succeeded, Phase::Failed])
        .await?;
    assert_eq!(
        condition(&over, "TestCompleted"),
        "True/TestSucceeded: Test completed successfully"
    );
    Ok(())
}

fn test() -> Value {
    let mut test = load_test("byhand", 1, 5);
    if let Some(master) = test
        .pointer_mut("/spec/master")
        .and_then(Value::as_object_mut)
    {
        master.remove("autoquit");
        master.insert("autostart".to_owned(), json!(false));
        let command = "-f /lotest/src/locustfile.py --host http://target";
        master.insert("command".to_owned(), json!(command));
    }
    test
}

/// The web UI by the Service.
async fn web_ui(world: &World) -> Result<String> {
    let services: Api<Service> = Api::namespaced(world.client.clone(), world.namespace.name());
    let spec = services.get("byhand-master").await?.spec;
    let spec = spec.context("a spec")?;
    let mut ports = spec.ports.into_iter().flatten();
    let port = ports
        .find(|port| port.name.as_deref() == Some("web"))
        .context("the port `web`")?;
    let address = spec.cluster_ip.context("a cluster IP")?;
    Ok(format!("http://{address}:{}", port.port))
}

async fn post(world: &World, url: &str, form: &str) -> Result<()> {
    let (status, body) = world.node.http_post_form(url, form).await?;
    ensure!(status.is_success(), "{url}: {status} {body}");
    let answer: Value = serde_json::from_str(&body)?;
    ensure!(answer.get("success") == Some(&json!(true)), "{url}: {body}");
    Ok(())
}
