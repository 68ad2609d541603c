//! Workers and masters that are lost while real Locust loads the target.

use std::process::Output;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::api::{DeleteParams, EvictParams, ListParams};
use kube::{Api, ResourceExt};
use locust_api::latest::Phase;
use serde_json::json;

use super::target::Target;
use super::{World, names};
use crate::tests_of::{condition, load_test, locustfile, until};

#[tokio::test]
async fn a_run_goes_on_without_lost_workers_and_replacements_join_it() -> Result<()> {
    let world = World::new("lost", 1).await?;
    let target = Target::start(&world, &[]).await?;
    let grows = "\nimport os\n\nimport gevent\n\n\ndef grow_when_told():\n    hoard = []\n    while True:\n        gevent.sleep(0.1)\n        if os.path.exists(\"/dev/shm/grow\"):\n            hoard.append(bytearray(64 << 20))\n\n\ngevent.spawn(grow_when_told)\n";
    let file = format!("{}{grows}", locustfile(&["/"]));
    world.locustfile("lost", &file).await?;
    let mut test = load_test("lost", 4, 45);
    test["spec"]["worker"]["resources"] = json!({
        "requests": { "cpu": "20m", "memory": "64Mi" },
        "limits": { "memory": "192Mi" },
    });
    world.tests.create(test).await?;
    world
        .tests
        .wait_until("lost", "all workers", |test| {
            condition(test, "WorkersConnected").starts_with("True/AllWorkersConnected: 4/4")
        })
        .await?;
    until("load at the target", async || {
        Ok((target.counts(&world).await?.answered > 20).then_some(()))
    })
    .await?;

    let workers = pods_of(&world, "lost-worker").await?;
    let [evicted, killed, grown, _] = workers.as_slice() else {
        anyhow::bail!("{} workers", workers.len());
    };
    let gone = [evicted, killed, grown].map(ResourceExt::name_any);
    evict(&world, evicted).await?;
    pod_failure(&world, "Evicted: 1 pod(s) affected [lost-worker-").await?;
    in_container(&world, grown, "touch /proc/$pid/root/dev/shm/grow").await?;
    pod_failure(&world, "OOMKilled: 1 pod(s) affected [lost-worker-").await?;
    in_container(&world, killed, "kill -9 $pid").await?;
    pod_failure(&world, "Container lost-worker exited with code 137").await?;
    let lost = world
        .tests
        .wait_until("lost", "fewer workers", |test| {
            condition(test, "WorkersConnected").starts_with("False/WorkersMissing")
        })
        .await?;
    println!("{}", condition(&lost, "WorkersConnected"));
    let back = world
        .tests
        .wait_until("lost", "all workers again", |test| {
            condition(test, "WorkersConnected").starts_with("True/AllWorkersConnected: 4/4")
        })
        .await?;
    println!("{}", condition(&back, "PodsHealthy"));
    ensure!(back.status.and_then(|status| status.phase) == Some(Phase::Running));
    let now = names(&world.running_pods().await?);
    println!("{gone:?} were replaced: {now:?}");
    ensure!(now.len() == 5, "a master and four workers: {now:?}");

    let before = target.counts(&world).await?;
    until("load with the replacements", async || {
        let counts = target.counts(&world).await?;
        Ok((counts.answered > before.answered + 50).then_some(()))
    })
    .await?;
    let ended = world
        .tests
        .wait_for("lost", &[Phase::Succeeded, Phase::Failed])
        .await?;
    assert_eq!(
        condition(&ended, "TestCompleted"),
        "True/TestSucceeded: Test completed successfully"
    );
    Ok(())
}

#[tokio::test]
async fn a_run_without_master_or_workers_fails_and_its_load_ends_within_ten_seconds() -> Result<()>
{
    let world = World::new("alone", 1).await?;
    let target = Target::start(&world, &[]).await?;
    let tests = [
        (
            "evicted",
            1,
            "the master was lost: Evicted: 1 pod(s) affected [evicted-master-",
        ),
        (
            "killed",
            1,
            "the master was lost: Locust was killed (exit code 137)",
        ),
        (
            "deleted",
            2,
            "all workers were lost: their pods were deleted",
        ),
        ("slain", 2, "all workers were lost: CrashLoopBackOff: "),
    ];
    for (name, workers, _) in tests {
        world.locustfile(name, &locustfile(&["/"])).await?;
        world.tests.create(load_test(name, workers, 300)).await?;
    }
    for (name, ..) in tests {
        world
            .tests
            .wait_until(name, "all workers", |test| {
                condition(test, "WorkersConnected").starts_with("True/AllWorkersConnected")
            })
            .await?;
    }
    let before = target.counts(&world).await?;
    until("load at the target", async || {
        Ok((target.counts(&world).await?.answered > before.answered + 100).then_some(()))
    })
    .await?;

    evict(&world, first(&pods_of(&world, "evicted-master").await?)?).await?;
    in_container(
        &world,
        first(&pods_of(&world, "killed-master").await?)?,
        "kill -9 $pid",
    )
    .await?;
    let api: Api<Pod> = Api::namespaced(world.client.clone(), world.namespace.name());
    for worker in pods_of(&world, "deleted-worker").await? {
        api.delete(&worker.name_any(), &DeleteParams::default())
            .await?;
    }
    for worker in pods_of(&world, "slain-worker").await? {
        in_container(&world, &worker, "kill -9 $pid").await?;
    }

    tokio::time::sleep(Duration::from_secs(10)).await;
    let ten_seconds_later = target.counts(&world).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let later = target.counts(&world).await?;
    ensure!(
        later.answered <= ten_seconds_later.answered,
        "the target is still loaded by {:?}: {ten_seconds_later:?}, then {later:?}",
        names(&world.running_pods().await?)
    );
    for (name, _, words) in tests {
        let test = world
            .tests
            .wait_for(name, &[Phase::Succeeded, Phase::Failed])
            .await?;
        let verdict = condition(&test, "TestCompleted");
        println!("{name}: {verdict}");
        ensure!(
            verdict.starts_with(&format!("True/TestFailed: Test failed: {words}")),
            "{name}: {verdict}"
        );
    }
    until("all pods of the tests to be gone", async || {
        Ok(world.running_pods().await?.is_empty().then_some(()))
    })
    .await
}

async fn pods_of(world: &World, job: &str) -> Result<Vec<Pod>> {
    let api: Api<Pod> = Api::namespaced(world.client.clone(), world.namespace.name());
    let selector = format!("batch.kubernetes.io/job-name={job}");
    Ok(api
        .list(&ListParams::default().labels(&selector))
        .await?
        .items)
}

fn first(pods: &[Pod]) -> Result<&Pod> {
    pods.first().context("no pod")
}

async fn evict(world: &World, pod: &Pod) -> Result<()> {
    let api: Api<Pod> = Api::namespaced(world.client.clone(), world.namespace.name());
    api.evict(&pod.name_any(), &EvictParams::default()).await?;
    Ok(())
}

/// Runs a line of shell on the node, with `pid` as the process of the pod's
/// Locust.
async fn in_container(world: &World, pod: &Pod, line: &str) -> Result<()> {
    let uid = pod.uid().context("a pod without UID")?;
    let script = format!(
        "for dir in /proc/[0-9]*; do if grep -qs 'pod{uid}' $dir/cgroup && tr '\\0' ' ' < $dir/cmdline | grep -q 'bin/locust'; then pid=${{dir#/proc/}}; {line}; exit; fi; done; exit 9"
    );
    let mut command = world.node.command("bash");
    command.args(["-c", &script]);
    let Output { status, stderr, .. } =
        tokio::task::spawn_blocking(move || command.output()).await??;
    ensure!(
        status.success(),
        "{line} for {}: {status} {}",
        pod.name_any(),
        String::from_utf8_lossy(&stderr)
    );
    Ok(())
}

/// Waits for a Warning event of the operator about pods.
async fn pod_failure(world: &World, words: &str) -> Result<()> {
    let api: Api<Event> = Api::namespaced(world.client.clone(), world.namespace.name());
    let params = ListParams::default().fields("reason=PodFailure");
    until(&format!("an event that says {words}"), async || {
        let events = api.list(&params).await?.items;
        let says = |event: &Event| {
            event
                .message
                .as_deref()
                .is_some_and(|message| message.contains(words))
        };
        Ok(events.iter().any(says).then_some(()))
    })
    .await
}
