//! `locust-operator demo`.

use std::process::ExitCode;

/// Arguments of `locust-operator demo`.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct DemoArgs {}

/// Watch a small load test.
pub fn main(args: DemoArgs) -> ExitCode {
    let DemoArgs {} = args;
    ExitCode::SUCCESS
}
