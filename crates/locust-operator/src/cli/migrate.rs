//! `locust-operator migrate`: stores again as v2 what was once stored as v1.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::controller::chain;
use crate::migrate::{self, Migrated};

/// Arguments of `locust-operator migrate`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Needs get on the CRD locusttests.locust.io and patch on its status, and list and patch on LocustTests.
Nothing in the LocustTests changes, and none is run again. The operator does the same when it starts, if it may.")]
pub struct MigrateArgs {
    /// Kubeconfig of the cluster [default: as kubectl].
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
}

/// Migrates the cluster and says what was done.
pub fn main(args: &MigrateArgs) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let migrated = match runtime {
        Ok(runtime) => runtime.block_on(migrate::migrate(args.kubeconfig.as_deref())),
        Err(error) => {
            eprintln!("error: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match migrated {
        Ok(Migrated::Nothing) => println!("all LocustTests are stored as v2 already"),
        Ok(Migrated::Rewritten(count)) => println!("all LocustTests ({count}) are stored as v2"),
        Err(error) => {
            eprintln!("error: {}", chain(&error));
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
