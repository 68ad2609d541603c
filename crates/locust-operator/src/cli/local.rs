//! `locust-operator local`.

use std::process::ExitCode;

/// Arguments of `locust-operator local`.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct LocalArgs {}

/// Run LocustTests from files.
pub fn main(args: LocalArgs) -> ExitCode {
    let LocalArgs {} = args;
    ExitCode::SUCCESS
}
