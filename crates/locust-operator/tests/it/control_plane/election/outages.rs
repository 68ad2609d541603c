//! The leader is paused, or cannot reach its Lease or anything at all.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;
use hyper::StatusCode;
use jiff::Timestamp;
use nix::sys::signal::Signal;
use testkit::ControlPlane;
use testkit::proxy::Trouble;
use tokio::time::Instant;

use super::oracle::{each_child_was_created_once, only_the_leader_writes};
use super::pair::{Pair, control_plane, ends, later, time_of, works};
use crate::tests_of::{locust_test, until};

/// How long a leader may act that cannot renew its Lease.
const STOPS: Duration = Duration::from_secs(10);
/// From its last moment to its end as a process, on a busy machine.
const TO_END: Duration = Duration::from_secs(1);
/// Work for the replicas while one is in trouble: a test each half a second.
const TESTS: usize = 30;

#[derive(Clone, Copy, Debug)]
enum Outage {
    Leases(Trouble),
    Everything,
    Paused,
}

async fn in_trouble(outages: &[Outage]) -> Result<()> {
    let control_plane = &control_plane().await?;
    let outages = outages.iter().map(|outage| async move {
        let stopped = one(control_plane, *outage)
            .await
            .with_context(|| format!("{outage:?}"))?;
        println!(
            "{outage:?}: last write {:.1} s after",
            stopped.as_secs_f64()
        );
        anyhow::Ok(())
    });
    try_join_all(outages).await.map(drop)
}

/// Gets the leader into trouble while there is work to do. Returns how long it
/// went on writing.
async fn one(control_plane: &ControlPlane, outage: Outage) -> Result<Duration> {
    let pair = Pair::new(control_plane, "outage").await?;
    let [mut leader, standby] = pair.start_both().await?;
    let work = work(&pair);
    let trouble = async {
        until("work to be under way", async || {
            Ok((!pair.writes(0)?.is_empty()).then_some(()))
        })
        .await?;
        let (begun, began) = (Timestamp::now(), Instant::now());
        let is_lease = |path: &str| path.contains("/leases");
        match outage {
            Outage::Leases(trouble) => pair.proxies[0].make_trouble(trouble, is_lease),
            Outage::Everything => pair.proxies[0].make_trouble(Trouble::Silence, |_| true),
            Outage::Paused => leader.signal(Signal::SIGSTOP)?,
        }
        if matches!(outage, Outage::Paused) {
            works(&standby).await?;
            leader.signal(Signal::SIGCONT)?;
            ends(&mut leader).await?;
        } else {
            let (ended, _) = tokio::try_join!(ends(&mut leader), works(&standby))?;
            let ended = ended.duration_since(began);
            ensure!(ended <= STOPS + TO_END, "ended only after {ended:?}");
        }
        Ok(begun)
    };
    let (begun, ()) = tokio::try_join!(trouble, work)?;
    until("all tests to be begun", async || {
        let tests = pair.tests.api.list(&Default::default()).await?.items;
        let is_begun = |status: &_| begun_run(status);
        Ok(tests.iter().all(is_begun).then_some(()))
    })
    .await?;
    let writes = only_the_leader_writes(&pair)?;
    each_child_was_created_once(&pair)?;
    ensure!(writes >= TESTS * 6, "only {writes} writes");
    let last = pair.writes(0)?.pop().context("no write")?;
    let stopped = later(begun, time_of(&last)?);
    ensure!(stopped <= STOPS, "still wrote after {stopped:?}: {last:?}");
    Ok(stopped)
}

fn begun_run(test: &locust_api::latest::LocustTest) -> bool {
    let status = test.status.as_ref();
    status.is_some_and(|status| status.run.is_some())
}

async fn work(pair: &Pair<'_>) -> Result<()> {
    let mut pace = tokio::time::interval(Duration::from_millis(500));
    for number in 0..TESTS {
        pace.tick().await;
        pair.tests
            .create(locust_test(&format!("t{number}"), 1))
            .await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_leader_whose_lease_cannot_be_renewed_stops_within_ten_seconds() -> Result<()> {
    let too_many = Trouble::Answer(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests");
    let unavailable = Trouble::Answer(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable");
    in_trouble(&[
        Outage::Leases(too_many),
        Outage::Leases(unavailable),
        Outage::Leases(Trouble::Delay(Duration::from_secs(9))),
    ])
    .await
}

#[tokio::test]
async fn a_leader_without_a_network_or_that_is_paused_never_meets_the_next_one() -> Result<()> {
    in_trouble(&[Outage::Everything, Outage::Paused]).await
}
