//! Everything that the Makefile forwards to.

mod codegen;

use clap::Parser;

/// The chores of this repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Command {
    /// Write every file that is made from code.
    Codegen(codegen::Args),
}

fn main() -> anyhow::Result<()> {
    match Command::parse() {
        Command::Codegen(args) => codegen::main(&args),
    }
}
