//! `locust-operator target`: a small HTTP server to try load tests against.

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Context;
use clap::CommandFactory;
use tokio::net::TcpListener;

use super::ending::Ending;
use crate::target::{Behaviour, FailRule, Latency, Target, serve};

const AFTER_HELP: &str = "\
Every path answers `200 ok`, and every request is counted except these:
  GET  /-/stats      what was counted, as JSON
  POST /-/reset      starts counting again from zero
  POST /-/behaviour  changes the answers: {\"latency\": \"20ms\", \"fail\": [\"/pay=503:0.5\"]}";

/// Arguments of `locust-operator target`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct TargetArgs {
    /// Address and port to listen on; port 0 takes any free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "0.0.0.0:8080", value_parser = listen_address)]
    pub listen: SocketAddr,
    /// Time that every answer takes, such as 5ms or 1.5s.
    #[arg(long, value_name = "TIME", default_value = "0s")]
    pub latency: Latency,
    /// A path that fails, such as /pay=500 (always) or /pay=503:0.1 (one
    /// request in ten). May be given once per path.
    #[arg(long, value_name = "PATH=STATUS[:RATIO]")]
    pub fail: Vec<FailRule>,
}

/// Serves a small HTTP target until it is told to stop.
pub fn main(args: TargetArgs) -> ExitCode {
    let TargetArgs {
        listen,
        latency,
        fail,
    } = args;
    let behaviour = match Behaviour::new(latency, fail) {
        Ok(behaviour) => behaviour,
        Err(error) => super::Cli::command()
            .error(
                clap::error::ErrorKind::ValueValidation,
                format!("invalid value for '--fail': {error}"),
            )
            .exit(),
    };
    match run(listen, behaviour) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

#[tokio::main]
async fn run(listen: SocketAddr, behaviour: Behaviour) -> anyhow::Result<()> {
    let mut ending = Ending::listen()?;
    let listener = match TcpListener::bind(listen).await {
        Ok(listener) => listener,
        Err(error) => anyhow::bail!(
            "cannot listen on {listen}: {error}; choose another address or port with --listen"
        ),
    };
    let address = listener.local_addr().context("asking for the own port")?;
    println!("target: listening on http://{address}");
    let target = Target::new(behaviour);
    serve(listener, target.clone(), ending.asked()).await;
    let stats = target.stats();
    println!(
        "target: stopped after {} requests, {} answered, {} failures",
        stats.received, stats.answered, stats.failures
    );
    Ok(())
}

fn listen_address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse()
        .map_err(|_| "expected an IP address and a port, such as 127.0.0.1:8080")
}
