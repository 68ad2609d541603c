//! `cargo xtask test`: what has to pass before a change lands.
//!
//! The run is a list of [`Stage`]s, made of the [`Step`]s that were chosen:
//! suites of tests that mostly wait for something run side by side. A stage
//! that fails does not keep the later ones from running, so that one run shows
//! all that is wrong; the end says how long each took and which command repeats
//! only what failed.

mod clusters;
mod report;
mod stages;

#[cfg(test)]
mod tests;

use std::process::Command;
use std::time::Instant;

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::{lint, setup, shell};
use clusters::Clusters;
use report::{Line, Report};
use stages::{Check, Stage, Suite};

/// Run every check and test, or only the steps named.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The steps to run, in this order but for suites of tests, which run side
    /// by side; none means all.
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
    /// The examples in the API's documentation.
    Doc,
    /// Unit and property tests, and whatever else needs no Kubernetes.
    Unit,
    /// Tests against a real API server, without containers.
    ControlPlane,
    /// Tests on a real one-node Kubernetes.
    Node,
    /// Tests there that bring their own operators, and crash them.
    Crashes,
}

impl Step {
    /// As it is typed on the command line.
    fn name(self) -> &'static str {
        match self {
            Self::Fmt => "fmt",
            Self::Deny => "deny",
            Self::Clippy => "clippy",
            Self::Doc => "doc",
            Self::Unit => "unit",
            Self::ControlPlane => "control-plane",
            Self::Node => "node",
            Self::Crashes => "crashes",
        }
    }
}

/// `cargo xtask test [STEP]…`.
pub(crate) fn main(args: &Args) -> Result<()> {
    let chosen = if args.steps.is_empty() {
        Step::value_variants()
    } else {
        &args.steps
    };
    let stages = stages::of(chosen);
    // First, because it may build for minutes beside the other stages.
    let suites = || stages.iter().flat_map(Stage::suites);
    let mut clusters = match suites().any(Suite::needs_clusters) {
        true => Some(Clusters::prepare(suites().any(Suite::needs_node))?),
        false => None,
    };
    let mut report = Report::default();
    for stage in &stages {
        let name = stage.name();
        eprintln!("\n=== {name}");
        let started = Instant::now();
        let mut summary = None;
        let passed = match run(stage, clusters.as_mut(), &mut summary) {
            Ok(()) => true,
            Err(error) if error.is::<setup::Missing>() => return Err(error),
            Err(error) => {
                eprintln!("error: {error:#}");
                false
            }
        };
        report.add(Line {
            stage: name,
            took: started.elapsed(),
            passed,
            summary,
        });
    }
    eprint!("\n{report}");
    match report.rerun() {
        None => Ok(()),
        Some(command) => bail!("not everything passed; run again what failed: {command}"),
    }
}

/// Runs a stage. What the test runner says of its tests goes to `summary`.
fn run(stage: &Stage, clusters: Option<&mut Clusters>, summary: &mut Option<String>) -> Result<()> {
    match stage {
        Stage::Check(Check::Fmt) => lint::check_format(),
        Stage::Check(Check::Deny) => lint::deny(),
        Stage::Check(Check::Clippy) => lint::clippy(),
        Stage::Check(Check::Doc) => shell::run_quiet(&mut shell::cargo(&[
            "test",
            "--doc",
            "--workspace",
            "--locked",
        ])),
        Stage::Tests(suites) => test(suites, clusters, summary),
    }
}

/// Runs suites side by side. The tests are compiled before any cluster is
/// waited for: on a cold machine both take minutes.
fn test(
    suites: &[Suite],
    clusters: Option<&mut Clusters>,
    summary: &mut Option<String>,
) -> Result<()> {
    let mut build = nextest()?;
    build.args(["--no-run", "--cargo-quiet"]);
    shell::run(&mut build)?;
    let mut command = nextest()?;
    for suite in suites {
        command.args(["-E", suite.filter()]);
    }
    if let Some(clusters) = clusters {
        if suites.contains(&Suite::ControlPlane) {
            let (variable, dir) = clusters.control_plane()?;
            command.env(variable, dir);
        }
        if suites.iter().any(Suite::needs_node) {
            let (variable, dir) = clusters.node()?;
            command.env(variable, dir);
        }
    }
    shell::run_watched(&mut command, |line| {
        if report::is_nextest_summary(line) {
            *summary = Some(line.to_owned());
        }
    })
}

/// The test runner, for all of the workspace.
fn nextest() -> Result<Command> {
    let mut command = shell::cargo(&["nextest", "run", "--workspace", "--locked"]);
    command.env("PATH", shell::path_with(setup::tools()?)?);
    Ok(command)
}
