//! Authorities that change, and a replica that ends, under a steady stream of
//! calls. `ROTATIONS` sets how often; `cargo xtask test long` asks for twenty
//! times.

use std::sync::atomic::{AtomicUsize, Ordering};

use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use nix::sys::signal::Signal;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::tests_of::number;

const PORTS: [u16; 2] = [9443, 9444];
const ROTATIONS: usize = 1;

/// What went wrong, and how often it was tried.
#[derive(Default)]
struct Calls {
    made: AtomicUsize,
    failed: Mutex<Vec<String>>,
}

impl Calls {
    fn count<T>(&self, what: &str, result: Result<T>) {
        self.made.fetch_add(1, Ordering::Relaxed);
        if let Err(error) = result {
            let mut failed = self.failed.lock().unwrap();
            failed.push(format!("{what}: {error:#}"));
        }
    }
}

/// Reads, lists and writes by v1 until the end.
async fn stream(world: &World, name: &str, calls: &Calls, end: &CancellationToken) {
    let api = world.of_version("v1");
    let mut number = 0;
    while !end.is_cancelled() {
        number += 1;
        let replicas = json!({"spec": {"workerReplicas": number % 400 + 1}});
        let patch = Patch::Merge(&replicas);
        let written = api.patch(name, &PatchParams::default(), &patch).await;
        calls.count("patch", written.map_err(Into::into));
        calls.count("get", api.get(name).await.map_err(Into::into));
        calls.count("list", listed(&api).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// An API server lists again what it keeps of a kind whenever its CRD is
/// changed, whatever was changed there. For that moment it answers 429 with a
/// time after which to ask again, and kubectl and client-go do so by themselves.
async fn listed(api: &Api<DynamicObject>) -> Result<()> {
    let is_asked_to_wait = |error: &kube::Error| {
        matches!(error, kube::Error::Api(status)
            if status.code == 429 && status.message.contains("(re)initializing"))
    };
    for _ in 0..20 {
        match api.list(&ListParams::default()).await {
            Err(error) if is_asked_to_wait(&error) => {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            other => return Ok(other.map(drop)?),
        }
    }
    anyhow::bail!("told to wait again and again")
}

/// Connects anew to each replica, and trusts as the CRD says at that moment.
/// The API server keeps its connections, so it would notice late.
async fn strangers(world: &World, calls: &Calls, end: &CancellationToken) {
    while !end.is_cancelled() {
        for port in PORTS {
            let connected = async { world.is_trusted(port, &world.trusted().await?).await };
            calls.count("connect", connected.await);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Ends a replica as a roll-out does: it is asked to end at once, and no more
/// connections are handed to it a little later.
async fn leave(world: &World, replica: &mut Operator, port: u16) -> Result<()> {
    replica.signal(Signal::SIGTERM)?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    world.front.forget(port);
    let code = until("the replica to end", async || replica.ended()).await?;
    ensure!(code == 0, "it ended with {code}: {}", replica.log());
    // Others are asked now.
    tokio::time::sleep(Duration::from_secs(1)).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_fails_while_certificates_are_rotated_and_when_a_replica_ends() -> Result<()> {
    let count = number("ROTATIONS", ROTATIONS);
    let mut world = World::start(&PORTS, &[]).await?;
    let mut leaving = world.operators.remove(0);
    for name in ["a", "b"] {
        world.create_by_v1(name).await?;
    }
    world.rotated(None, &PORTS).await?;
    let (calls, rotated, end) = (
        Calls::default(),
        CancellationToken::new(),
        CancellationToken::new(),
    );
    let disturbances = async {
        let mut longest = Duration::ZERO;
        for _ in 0..count {
            let before = world.authority().await?;
            let params = DeleteParams::default();
            world.secrets().delete(SECRET, &params).await?;
            longest = longest.max(world.rotated(before, &PORTS).await?);
        }
        rotated.cancel();
        leave(&world, &mut leaving, PORTS[0]).await?;
        anyhow::Ok(longest)
    };
    let disturbed = async {
        let longest = disturbances.await;
        rotated.cancel();
        end.cancel();
        longest
    };
    let (longest, (), (), ()) = tokio::join!(
        disturbed,
        stream(&world, "a", &calls, &end),
        stream(&world, "b", &calls, &end),
        strangers(&world, &calls, &rotated),
    );
    let (made, failed) = (calls.made.into_inner(), calls.failed.into_inner().unwrap());
    println!(
        "{count} rotations, the longest {:?}, and an end: {made} calls, {} failed",
        longest?,
        failed.len()
    );
    ensure!(made > 25 * count, "only {made} calls");
    ensure!(failed.is_empty(), "{}", failed.join("\n"));
    Ok(())
}
