//! `cargo xtask test`: what has to pass before a change lands.
//!
//! The run is a list of [`Step`]s. A step that fails does not keep the later
//! ones from running, so that one run shows all that is wrong; the end says
//! how long each took and which command repeats only what failed.

mod report;

#[cfg(test)]
mod tests;

use std::time::Instant;

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::{lint, setup, shell};
use report::{Outcome, Report};

/// Run every check and test, or only the steps named.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The steps to run, in this order; none means all.
    #[arg(value_enum)]
    steps: Vec<Step>,
}

/// One thing that can pass or fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Step {
    /// Is the code formatted?
    Fmt,
    /// Licences, sources and duplicate versions of what we depend on.
    Deny,
    /// Compiler and clippy warnings.
    Clippy,
    /// Unit and property tests, and whatever else needs no Kubernetes.
    Unit,
    /// The examples in the API's documentation.
    Doc,
}

impl Step {
    /// As it is typed on the command line.
    fn name(self) -> &'static str {
        match self {
            Self::Fmt => "fmt",
            Self::Deny => "deny",
            Self::Clippy => "clippy",
            Self::Unit => "unit",
            Self::Doc => "doc",
        }
    }

    /// Runs it; what the test runner says of its tests comes back.
    fn run(self) -> Result<Option<String>> {
        match self {
            Self::Fmt => lint::check_format()?,
            Self::Deny => lint::deny()?,
            Self::Clippy => lint::clippy()?,
            Self::Unit => return nextest("not (test(/^control_plane::/) + test(/^node::/))"),
            Self::Doc => shell::run_quiet(&mut shell::cargo(&[
                "test",
                "--doc",
                "--workspace",
                "--locked",
            ]))?,
        }
        Ok(None)
    }
}

/// `cargo xtask test [STEP]…`.
pub(crate) fn main(args: &Args) -> Result<()> {
    let chosen = if args.steps.is_empty() {
        Step::value_variants()
    } else {
        &args.steps
    };
    let mut report = Report::default();
    for step in chosen {
        eprintln!("\n=== {}", step.name());
        let started = Instant::now();
        let outcome = match step.run() {
            Ok(summary) => Outcome::Passed { summary },
            Err(error) if error.is::<setup::Missing>() => return Err(error),
            Err(error) => {
                eprintln!("error: {error:#}");
                Outcome::Failed
            }
        };
        report.add(step.name(), started.elapsed(), outcome);
    }
    eprint!("\n{report}");
    match report.rerun() {
        None => Ok(()),
        Some(command) => bail!("not everything passed; run again what failed: {command}"),
    }
}

/// Runs the tests that a nextest filter selects and returns the closing line.
fn nextest(filter: &str) -> Result<Option<String>> {
    let tools = setup::tools()?;
    let mut summary = None;
    shell::run_watched(
        shell::cargo(&["nextest", "run", "--workspace", "--locked", "-E", filter])
            .env("PATH", shell::path_with(tools)?),
        |line| {
            if report::is_nextest_summary(line) {
                summary = Some(line.to_owned());
            }
        },
    )?;
    Ok(summary)
}
