//! Clocks that jump: the operator's, not the API server's.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use locust_core::settings::Settings;
use locust_operator::server::{End, Protocols};
use locust_operator::webhook::{Certificates, Clock, Listening, Options, Own, Served, serve};

use super::*;

const PORT: u16 = 9443;
const HOUR: i64 = 3600;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_is_healed_within_a_minute_and_no_call_fails() -> Result<()> {
    let world = World::without_operators(&[PORT]).await?;
    let wrong_by = Arc::new(AtomicI64::new(0));
    let shift = wrong_by.clone();
    let clock: Clock = Arc::new(move || {
        Timestamp::now() + SignedDuration::from_secs(shift.load(Ordering::Relaxed))
    });
    let address = SocketAddr::from(([127, 0, 0, 1], PORT));
    let listening = Listening::from(world.control_plane.network().listen(address)?);
    let options = Options {
        port: PORT,
        protocols: Protocols::Http1,
        served: Served::Conversion,
        certificates: Certificates::Own(Own {
            namespace: world.namespace.name().to_owned(),
            conversion: true,
            configuration: None,
        }),
        settings: Settings::default(),
    };
    let end = End::default();
    let serving = tokio::spawn(serve(
        listening,
        options,
        world.client.clone(),
        clock,
        || {},
        end.clone(),
    ));
    world.create_by_v1("a").await?;
    let before = world.authority().await?;
    let calls = async |seconds: u64| {
        let until = std::time::Instant::now() + Duration::from_secs(seconds);
        while std::time::Instant::now() < until {
            world.of_version("v1").get("a").await.context("a call")?;
            world.is_trusted(PORT, &world.trusted().await?).await?;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        anyhow::Ok(())
    };
    // By its clock everything has expired; it makes all of it anew.
    wrong_by.store(400 * 24 * HOUR, Ordering::Relaxed);
    let (took, called) = tokio::join!(world.rotated(before, &[PORT]), calls(40));
    called?;
    println!("healed {:?} after a jump of 400 days", took?);
    // Back, and before everything was made: what there is still holds.
    for days in [0, -400] {
        wrong_by.store(days * 24 * HOUR, Ordering::Relaxed);
        calls(5).await?;
    }
    end.gone.cancel();
    Ok(serving.await??)
}
