//! What replicas say of themselves, and what people may do to the Lease.

use anyhow::{Result, ensure};
use futures::future::try_join_all;
use k8s_openapi::api::events::v1::Event;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};
use testkit::ControlPlane;
use tokio::time::Instant;

use super::oracle::only_the_leader_writes;
use super::pair::{LEASE, Pair, control_plane, ends, works};
use crate::tests_of::{locust_test, until};

#[tokio::test]
async fn a_standby_is_ready_and_the_leader_is_told_by_an_event() -> Result<()> {
    let control_plane = control_plane().await?;
    let pair = Pair::new(&control_plane, "standby").await?;
    let network = control_plane.network();
    let free = || anyhow::Ok(network.listen(([127, 0, 0, 1], 0).into())?.local_addr()?);
    let probes = [free()?, free()?];
    let leader = pair.start_with(0, &probes[0].to_string())?;
    works(&leader).await?;
    let standby = pair.start_with(1, &probes[1].to_string())?;
    for address in probes {
        for path in ["healthz", "readyz"] {
            let url = format!("http://{address}/{path}");
            until(&format!("{url} to be ok"), async || {
                let answer = control_plane.http_get(&url).await;
                let is_ok = answer.is_ok_and(|(code, _)| code.as_u16() == 200);
                Ok(is_ok.then_some(()))
            })
            .await?;
        }
    }
    pair.tests.create(locust_test("t", 1)).await?;
    let reached = |test: &locust_api::latest::LocustTest| {
        test.status
            .as_ref()
            .is_some_and(|status| status.run.is_some())
    };
    pair.tests.wait_until("t", "a run", reached).await?;
    ensure!(!standby.log().contains("successfully acquired"));
    ensure!(pair.writes(1)?.is_empty(), "{:?}", pair.writes(1)?);

    let events: Api<Event> = Api::namespaced(pair.client.clone(), pair.namespace());
    let events = events.list(&Default::default()).await?.items;
    let note = events
        .iter()
        .find(|event| event.reason.as_deref() == Some("LeaderElection"))
        .and_then(|event| event.note.clone())
        .unwrap_or_default();
    ensure!(note.starts_with(&pair.users[0]), "{note}");
    ensure!(note.ends_with(" became leader"), "{note}");
    Ok(())
}

#[tokio::test]
async fn a_lease_that_is_deleted_is_made_again_by_the_leader() -> Result<()> {
    let control_plane = control_plane().await?;
    let pair = Pair::new(&control_plane, "deleted").await?;
    let [mut leader, standby] = pair.start_both().await?;
    let before = pair.leases.get(LEASE).await?;
    pair.leases.delete(LEASE, &DeleteParams::default()).await?;
    let after = until("the Lease to be there again", async || {
        Ok(pair.leases.get_opt(LEASE).await?)
    })
    .await?;
    ensure!(before.metadata.uid != after.metadata.uid);
    ensure!(pair.holder().await?.as_deref() == Some(&*pair.users[0]));
    ensure!(leader.ended()?.is_none(), "{}", leader.log());
    ensure!(!standby.log().contains("successfully acquired"));
    Ok(())
}

/// Takes the Lease from the leader by hand, and waits for the next one.
async fn deposed(control_plane: &ControlPlane, spec: Value) -> Result<()> {
    let pair = Pair::new(control_plane, "deposed").await?;
    let [mut leader, standby] = pair.start_both().await?;
    pair.tests.create(locust_test("t", 1)).await?;
    let edit = Patch::Merge(json!({ "spec": spec }));
    let edited = Instant::now();
    pair.leases
        .patch(LEASE, &PatchParams::default(), &edit)
        .await?;
    let ended = ends(&mut leader).await?.duration_since(edited);
    ensure!(ended.as_secs() < 5, "ended only after {ended:?}");
    let taken = works(&standby).await?.duration_since(edited);
    ensure!(
        taken.as_secs() <= 20,
        "took over after {taken:?}: {}",
        standby.log()
    );
    only_the_leader_writes(&pair)?;
    Ok(())
}

#[tokio::test]
async fn a_lease_that_is_edited_by_hand_deposes_the_leader_and_is_taken_in_time() -> Result<()> {
    let garbage = [
        json!({ "holderIdentity": "somebody" }),
        json!({ "holderIdentity": null }),
        json!({
            "holderIdentity": "somebody",
            "leaseDurationSeconds": 2_000_000_000,
            "renewTime": "2999-01-01T00:00:00.000000Z",
            "leaseTransitions": null,
        }),
    ];
    let control_plane = control_plane().await?;
    let deposed = garbage.map(|spec| deposed(&control_plane, spec));
    try_join_all(deposed).await.map(drop)
}
