//! `locust-operator store-results`: the sidecar of a master that puts the full
//! results of its run where the test says.

use std::net::{Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use locust_api::names::RESULTS_PORT;
use locust_core::storage::{CREDENTIALS, DIRECTORY, Plan, VARIABLE};
use rusty_s3::Credentials;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::ending::Ending;
use crate::storage::{Options, run};
use crate::telemetry::{self, Logs};

const AFTER_HELP: &str = "\
The operator starts this beside the master of a test with results.persistentVolumeClaim or results.s3.
AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN are the credentials of its bucket.";

/// Arguments of `locust-operator store-results`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct StoreResultsArgs {
    /// What is to be stored and where, as JSON.
    #[arg(long, value_name = "JSON", env = VARIABLE, value_parser = plan)]
    pub plan: Plan,
    /// Where the volume is mounted.
    #[arg(long, value_name = "DIR", default_value = DIRECTORY)]
    pub directory: PathBuf,
    /// Where to say what became of the results.
    #[arg(long, value_name = "ADDR", default_value_t = SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), RESULTS_PORT))]
    pub listen: SocketAddr,
    /// The file for the last word about that.
    #[arg(long, value_name = "FILE", default_value = "/dev/termination-log")]
    pub last_word: PathBuf,
}

fn plan(json: &str) -> Result<Plan, serde_json::Error> {
    serde_json::from_str(json)
}

/// Stores until it is told to end.
pub fn main(args: StoreResultsArgs) -> ExitCode {
    match follow(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn follow(args: StoreResultsArgs) -> anyhow::Result<()> {
    let StoreResultsArgs {
        plan,
        directory,
        listen,
        last_word,
    } = args;
    telemetry::start(&Logs::of_a_sidecar());
    let mut ending = Ending::listen()?;
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}: choose another --listen"))?;
    let end = CancellationToken::new();
    let options = Options {
        plan,
        directory,
        credentials: credentials(),
    };
    let running = run(options, listener, end.clone());
    tokio::pin!(running);
    let outcome = tokio::select! {
        outcome = &mut running => outcome,
        () = ending.asked() => {
            end.cancel();
            running.await
        }
    };
    tracing::info!(?outcome, "the end");
    std::fs::write(&last_word, outcome.to_text())
        .with_context(|| format!("writing {}", last_word.display()))
}

/// Those of the environment. A variable that is set but empty counts as unset.
fn credentials() -> Option<Credentials> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let [key, secret, token] = CREDENTIALS.map(variable);
    let (key, secret) = (key?, secret?);
    Some(match token {
        Some(token) => Credentials::new_with_token(key, secret, token),
        None => Credentials::new(key, secret),
    })
}
