//! `locust-operator local`.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::local::locust::Consent;
use crate::local::prepare::Changes;
use crate::local::run::{self, COULD_NOT_RUN, Options};

/// Arguments of `locust-operator local`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit code: 0 all tests passed, 1 a test ran and failed (a breached threshold, too), 2 a test could not be run, 3 a test ran and its numbers do not say whether it was good, 130 interrupted.
Ctrl-C stops the load, gathers the results and ends; a second Ctrl-C ends at once.")]
pub struct LocalArgs {
    /// Files with LocustTests and the ConfigMaps and Secrets that they refer
    /// to; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Run only the LocustTest of this name. May be given several times.
    #[arg(long = "name", value_name = "NAME")]
    pub names: Vec<String>,
    /// How many workers to start, in place of spec.worker.replicas.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=500))]
    pub workers: Option<u16>,
    /// Host to load, in place of the one in the arguments or the locustfile.
    #[arg(long, value_name = "URL")]
    pub host: Option<String>,
    /// Locust to use, in place of one on PATH or one that is installed from
    /// PyPI into your cache.
    #[arg(long, value_name = "PATH")]
    pub locust: Option<PathBuf>,
    /// Install Locust without asking, if there is none.
    #[arg(long, short)]
    pub yes: bool,
    /// Directory for the results: summary.html, one page to attach to a ticket,
    /// results.json, Locust's report and tables, and the logs
    /// [default: locust-results/NAME-TIME].
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Port of Locust's web UI on 127.0.0.1 [default: any free one].
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub web_port: Option<u16>,
}

/// Run LocustTests from files.
pub fn main(args: LocalArgs) -> ExitCode {
    // One thread: the kernel ends a guard with the thread that started it.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => ExitCode::from(runtime.block_on(run::run(&options(args)))),
        Err(error) => {
            eprintln!("error: cannot start: {error}");
            ExitCode::from(COULD_NOT_RUN)
        }
    }
}

fn options(args: LocalArgs) -> Options {
    let LocalArgs {
        files,
        names,
        workers,
        host,
        locust,
        yes,
        output,
        web_port,
    } = args;
    Options {
        files,
        names,
        changes: Changes { workers, host },
        locust,
        consent: if yes {
            Consent::Given
        } else {
            Consent::Ask { retry: retry() }
        },
        output,
        web_port,
    }
}

/// The command as it was typed, with `--yes`.
fn retry() -> String {
    let words: Vec<String> = std::env::args().map(|word| quoted(&word)).collect();
    format!("{} --yes", words.join(" "))
}

fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
