//! Everything that the Makefile forwards to.
//!
//! One module per subcommand. A new one is a `mod` line, a variant of
//! [`Command`] and its arm in `main`; its arguments live in its own module.

mod image;

use std::process::ExitCode;

use clap::Parser;

/// The chores of this repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Command {
    /// Build the operator's container image into dist/.
    Image(image::Args),
}

fn main() -> ExitCode {
    let outcome = match Command::parse() {
        Command::Image(args) => image::main(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
