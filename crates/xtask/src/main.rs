//! Everything that the Makefile forwards to.
//!
//! One module per subcommand. A new one is a `mod` line, a variant of
//! [`Command`] and its arm in `main`; its arguments live in its own module.
//! Start reading in [`test`], which is what every change has to pass.

mod apply;
mod bench;
mod cluster;
mod codegen;
mod conditions;
mod deviations;
mod fuzz;
mod image;
mod kube;
mod lint;
mod metrics;
mod reference;
mod refusals;
mod setup;
mod shell;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::Parser;

/// The chores of this repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Command {
    /// Run every check and test, or only the steps named.
    Test(test::Args),
    /// Check formatting, lints and dependencies.
    Lint,
    /// Format the code.
    Fmt,
    /// Install what tests and cluster need on this machine.
    Setup,
    /// Measure size and speed, and write docs/figures.md.
    Bench(bench::Args),
    /// Send the webhooks what they have never seen, and look for panics.
    Fuzz(fuzz::Args),
    /// Check the conventions that no compiler checks.
    Tidy,
    /// Write every file that is made from code.
    Codegen(codegen::Args),
    /// Install the CRD into the cluster that kubectl points at.
    Install,
    /// Remove the CRD, and with it every LocustTest, from that cluster.
    Uninstall,
    /// Build the operator's container image into dist/.
    Image(image::Args),
    /// Build the Kubernetes programs that the test cluster runs.
    Kube(kube::Args),
    /// Run a one-node Kubernetes with the operator, and a shell in it.
    Cluster(cluster::Args),
}

fn main() -> ExitCode {
    let outcome = match Command::parse() {
        Command::Test(args) => test::main(&args),
        Command::Lint => lint::main(),
        Command::Fmt => lint::format(),
        Command::Setup => setup::main(),
        Command::Bench(args) => bench::main(&args),
        Command::Fuzz(args) => fuzz::main(&args),
        Command::Tidy => tidy::main(),
        Command::Codegen(args) => codegen::main(&args),
        Command::Install => apply::install(),
        Command::Uninstall => apply::uninstall(),
        Command::Image(args) => image::main(&args),
        Command::Kube(args) => kube::main(&args),
        Command::Cluster(args) => cluster::main(&args, image::all),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            match error.downcast_ref::<setup::Missing>() {
                Some(_) => ExitCode::from(2),
                None => ExitCode::FAILURE,
            }
        }
    }
}
