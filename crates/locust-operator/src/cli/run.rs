//! `locust-operator run`.

use std::process::ExitCode;

/// Arguments of `locust-operator run`.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct RunArgs {}

/// Run the operator.
pub fn main(args: RunArgs) -> ExitCode {
    let RunArgs {} = args;
    ExitCode::SUCCESS
}
