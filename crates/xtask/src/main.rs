//! Everything that the Makefile forwards to.

mod cluster;
mod kube;

use clap::Parser;

/// The chores of this repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Command {
    /// Run a one-node Kubernetes with the operator, and a shell in it.
    Cluster(cluster::Args),
    /// Build the Kubernetes programs that the test cluster runs.
    Kube(kube::Args),
}

fn main() -> anyhow::Result<()> {
    match Command::parse() {
        Command::Cluster(args) => cluster::main(&args, || Ok(Vec::new())),
        Command::Kube(args) => kube::main(&args),
    }
}
