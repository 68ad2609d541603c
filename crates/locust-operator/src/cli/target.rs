//! `locust-operator target`.

use std::process::ExitCode;

/// Arguments of `locust-operator target`.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct TargetArgs {}

/// Serve a small HTTP target.
pub fn main(args: TargetArgs) -> ExitCode {
    let TargetArgs {} = args;
    ExitCode::SUCCESS
}
