//! `locust-operator local`.

use std::process::ExitCode;

/// Arguments of `locust-operator local`.
#[derive(Debug, clap::Args)]
pub struct LocalArgs {}

/// Run LocustTests from files.
pub fn main(args: LocalArgs) -> ExitCode {
    let LocalArgs {} = args;
    ExitCode::SUCCESS
}
