//! Whoever can reach the port may connect to it: the API server's own calls do
//! not wait for that.

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::*;

const PORT: u16 = 9443;
/// More than the operator has room for.
const SILENT: usize = 300;
const CALLS: usize = 60;
/// This machine may be busy; what is feared are the ten seconds after which the
/// API server gives a call up.
const SOON: Duration = Duration::from_secs(2);
/// The API server may still have to notice whom to trust.
const FIRST: Duration = Duration::from_secs(5);

async fn connect(world: &World) -> Result<TcpStream> {
    let address = SocketAddr::from(([127, 0, 0, 1], PORT));
    world.control_plane.tcp_connect(address).await
}

/// Connects and sends nonsense until the end; returns how often.
async fn flood(world: &World, end: &CancellationToken) -> Result<usize> {
    let mut sent = 0;
    while !end.is_cancelled() {
        let mut stream = connect(world).await?;
        // The head of a TLS record that never comes.
        let _ = stream.write_all(b"\x16\x03\x01\xff\xff\x01\x00").await;
        sent += 1;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(sent)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_and_slow_clients_do_not_delay_the_calls_of_the_api_server() -> Result<()> {
    let world = World::start(&[PORT], &[]).await?;
    world.rotated(None, &[PORT]).await?;
    let mut silent = Vec::new();
    for _ in 0..SILENT {
        silent.push(connect(&world).await?);
    }
    // The API server comes last. It keeps its connection for later calls.
    let began = std::time::Instant::now();
    world.create_by_v1("a").await?;
    let first = began.elapsed();
    ensure!(first < FIRST, "{first:?}");
    let end = CancellationToken::new();
    let calls = async {
        let api = world.of_version("v1");
        let mut slowest = Duration::ZERO;
        for _ in 0..CALLS {
            let began = std::time::Instant::now();
            let called = api.get("a").await;
            slowest = slowest.max(began.elapsed());
            if let Err(error) = called {
                end.cancel();
                return Err(error.into());
            }
        }
        end.cancel();
        anyhow::Ok(slowest)
    };
    let (slowest, one, two) = tokio::join!(calls, flood(&world, &end), flood(&world, &end));
    let (slowest, sent) = (slowest?, one? + two?);
    println!(
        "slowest of {CALLS} calls beside {SILENT} silent clients and {sent} bad ones: {slowest:?}"
    );
    ensure!(sent > 20, "{sent}");
    ensure!(slowest < SOON, "{slowest:?}");
    Ok(())
}
