//! The `locust-operator` binary: parse, then hand over to a subcommand.

use std::process::ExitCode;

use clap::Parser;
use locust_operator::cli::{Cli, Command};

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Run(args) => locust_operator::cli::run::main(args),
        Command::Local(args) => locust_operator::cli::local::main(args),
        Command::Demo(args) => locust_operator::cli::demo::main(args),
        Command::Target(args) => locust_operator::cli::target::main(args),
        Command::Exec(args) => locust_operator::local::launcher::exec::main(&args),
        Command::Crd => locust_operator::cli::crd::main(),
    }
}
