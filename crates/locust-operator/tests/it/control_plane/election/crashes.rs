//! The leader is killed, or shut down. `KILLS` sets how often it is killed;
//! `cargo xtask test long` asks for twenty times.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;
use futures::{StreamExt, TryStreamExt, stream};
use kube::Client;
use locust_api::latest::Phase;
use nix::sys::signal::Signal;
use serde_json::Value;
use testkit::ControlPlane;
use testkit::proxy::{Moment, Recorded};
use tokio::time::Instant;

use super::oracle::{each_child_was_created_once, end_state, only_the_leader_writes};
use super::pair::{LEASE, Pair, control_plane, works};
use crate::pods;
use crate::tests_of::{Tests, locust_test, number};

/// How often the leader is killed: at each write once.
const KILLS: usize = 4;
/// How many pairs are at work at a time.
const AT_A_TIME: usize = 10;
/// The writes of a test's life.
const WRITES: usize = 8;
/// How long a take-over may take.
const TAKE_OVER: Duration = Duration::from_secs(20);
/// And after a shutdown.
const HAND_OVER: Duration = Duration::from_secs(2);

/// Brings the test `t` to its end, as a kubelet would.
async fn live(client: &Client, namespace: &str) -> Result<()> {
    let tests = Tests::new(client.clone(), namespace);
    pods::put(client, namespace, "t-worker", 2, "Running").await?;
    pods::put(client, namespace, "t-master", 1, "Running").await?;
    tests.wait_for("t", &[Phase::Running]).await?;
    pods::put(client, namespace, "t-worker", 2, "Succeeded").await?;
    pods::put(client, namespace, "t-master", 1, "Succeeded").await?;
    tests.wait_for("t", &[Phase::Succeeded]).await?;
    Ok(())
}

/// A write that is neither about the Lease nor an event.
fn is_work(request: &Recorded) -> bool {
    !request.path.contains(LEASE) && !request.path.contains("/leases") && !is_event(request)
}

fn is_event(request: &Recorded) -> bool {
    request.path.contains("/events")
}

#[tokio::test]
async fn a_leader_that_is_killed_at_any_write_is_replaced_within_twenty_seconds() -> Result<()> {
    let control_plane = control_plane().await?;
    let undisturbed = Pair::new(&control_plane, "undisturbed").await?;
    let replicas = undisturbed.start_both().await?;
    undisturbed.tests.create(locust_test("t", 2)).await?;
    live(&undisturbed.client, undisturbed.namespace()).await?;
    let expected = end_state(&undisturbed).await?;
    only_the_leader_writes(&undisturbed)?;
    drop(replicas);

    let moments = [
        Moment::BeforeRequest,
        Moment::BeforeAnswer,
        Moment::AfterAnswer,
    ];
    let count = number("KILLS", KILLS);
    // In a fixed order that looks like none: each write is hit, and each moment.
    let plans = (0..count).map(|kill| (1 + kill * 5 % WRITES, moments[kill * 2 % 3]));
    let kills = stream::iter(plans).map(|(write, moment)| {
        let (expected, control_plane) = (&expected, &control_plane);
        async move {
            let (taken, end) = kill(control_plane, write, moment)
                .await
                .with_context(|| format!("killed at write {write}, {moment:?}"))?;
            ensure!(
                end == *expected,
                "killed at write {write}, {moment:?}: {end:#} instead of {expected:#}"
            );
            Ok(taken)
        }
    });
    let taken: Vec<Duration> = kills.buffer_unordered(AT_A_TIME).try_collect().await?;
    let longest = taken.iter().max().copied().unwrap_or_default();
    println!(
        "{count} kills, longest take-over {:.1} s",
        longest.as_secs_f64()
    );
    assert_eq!(taken.len(), count);
    assert!(longest <= TAKE_OVER, "{longest:?}");
    Ok(())
}

/// Kills the leader at a moment of its nth write, and waits for the end of the
/// test. Returns how long nobody led, and what is there in the end.
async fn kill(
    control_plane: &ControlPlane,
    write: usize,
    moment: Moment,
) -> Result<(Duration, Value)> {
    let pair = Pair::new(control_plane, "killed").await?;
    let [mut leader, standby] = pair.start_both().await?;
    let mut held = pair.proxies[0].hold(write, moment, is_work);
    pair.tests.create(locust_test("t", 2)).await?;
    let kill_and_wait = async {
        held.reached().await?;
        leader.kill()?;
        let killed = Instant::now();
        held.forward().await;
        anyhow::Ok(works(&standby).await?.duration_since(killed))
    };
    let life = live(&pair.client, pair.namespace());
    let (taken, ()) = tokio::try_join!(kill_and_wait, life)?;
    ensure!(pair.holder().await?.as_deref() == Some(&*pair.users[1]));
    only_the_leader_writes(&pair)?;
    each_child_was_created_once(&pair)?;
    Ok((taken, end_state(&pair).await?))
}

#[tokio::test]
async fn a_leader_that_is_shut_down_finishes_its_looks_and_hands_over_in_two_seconds() -> Result<()>
{
    let control_plane = control_plane().await?;
    let shutdowns = (0..4).map(|write| shut_down(&control_plane, write));
    let taken = try_join_all(shutdowns).await?;
    let longest = taken.iter().max().copied().unwrap_or_default();
    println!(
        "{} shutdowns, longest hand-over {:.2} s",
        taken.len(),
        longest.as_secs_f64()
    );
    assert!(longest <= HAND_OVER, "{longest:?}");
    Ok(())
}

/// Shuts the leader down while it is at its nth write.
async fn shut_down(control_plane: &ControlPlane, write: usize) -> Result<Duration> {
    let pair = Pair::new(control_plane, "shut-down").await?;
    let [mut leader, standby] = pair.start_both().await?;
    let mut held = pair.proxies[0].hold(1 + write, Moment::BeforeAnswer, is_work);
    pair.tests.create(locust_test("t", 2)).await?;
    held.reached().await?;
    let told = Instant::now();
    leader.signal(Signal::SIGTERM)?;
    held.forward().await;
    let (taken, code) = tokio::join!(works(&standby), leader.terminate());
    ensure!(code? == Some(0), "{}", leader.log());
    let log = leader.log();
    ensure!(log.contains("given_back=true"), "{log}");
    ensure!(!log.contains("reconcile failed"), "{log}");
    live(&pair.client, pair.namespace()).await?;

    only_the_leader_writes(&pair)?;
    each_child_was_created_once(&pair)?;
    let given_back = pair.renewals(0)?.pop().context("no Lease")?;
    let later = pair.writes(0)?.into_iter();
    let later: Vec<_> = later
        .filter(|write| write.timestamp > given_back.timestamp)
        .collect();
    ensure!(later.is_empty(), "after giving the Lease back: {later:?}");
    Ok(taken?.duration_since(told))
}
