//! The `locust-operator` binary: parse, then hand over to a subcommand.

use std::process::ExitCode;

use clap::Parser;
use locust_operator::cli::run::go;
use locust_operator::cli::{Cli, Command, export_metrics};

fn main() -> ExitCode {
    let arguments = export_metrics::arguments(
        go::arguments(std::env::args_os()),
        std::env::var_os(export_metrics::URI).as_deref(),
    );
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    match cli.command {
        Command::Run(args) => locust_operator::cli::run::main(*args),
        Command::Local(args) => locust_operator::cli::local::main(args),
        Command::Demo(args) => locust_operator::cli::demo::main(args),
        Command::Target(args) => locust_operator::cli::target::main(args),
        Command::ExportMetrics(args) => export_metrics::main(args),
        Command::StoreResults(args) => locust_operator::cli::store_results::main(*args),
        Command::Exec(args) => locust_operator::local::launcher::exec::main(&args),
        Command::Convert(args) => locust_operator::cli::convert::main(&args),
        Command::Migrate(args) => locust_operator::cli::migrate::main(&args),
        Command::Crd => locust_operator::cli::crd::main(),
    }
}

/// Of `run` in the words of Go, whose flags these are; help and all else in
/// clap's.
fn refuse(error: &clap::Error) -> ExitCode {
    let is_run = go::arguments(std::env::args_os())
        .get(1)
        .is_some_and(|subcommand| subcommand == "run");
    match go::words(error).filter(|_| is_run) {
        Some(words) => {
            eprintln!("error: {words}\n\nFor the flags that there are: locust-operator run --help");
            ExitCode::from(2)
        }
        None => error.exit(),
    }
}
