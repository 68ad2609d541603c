//! `cargo xtask test`: what has to pass before a change lands.
//!
//! The run is a list of [`Step`]s; those that do not disturb each other run at
//! the same time. A step that fails does not keep the later ones from running, so
//! that one run shows all that is wrong; the end says how long each took and
//! which command repeats only what failed.

mod browser;
mod clusters;
mod long;
mod report;
mod seldom;
mod steps;

#[cfg(test)]
mod tests;

use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::{setup, shell};
use clusters::{Clusters, Variable};
use report::{Line, Report};
use steps::{Step, Work, batches};

/// Run every check and test, or only the steps named.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The steps to run, in this order; none means all.
    #[arg(value_enum)]
    steps: Vec<Step>,
}

/// What nextest builds to find its tests in.
const AS_ALWAYS: &[&str] = &["--workspace"];

/// Runs steps at the same time. What the test runner says of their tests goes to
/// `summaries`.
fn run(steps: &[Step], clusters: &mut Option<Clusters>, summaries: &mut Vec<String>) -> Result<()> {
    let mut filters = Vec::new();
    let mut variables = Vec::new();
    let mut results = Vec::new();
    for step in steps {
        match step.work() {
            Work::Check(check) => results.push(check()),
            Work::Long => {
                let clusters = clusters.as_mut().context("no cluster was prepared")?;
                results.push(long::run(clusters, summaries));
            }
            Work::Tests(filter, _) => match places_of(*step, clusters) {
                Ok(more) => {
                    let filter = match *step == Step::Unit {
                        true => browser::filter(filter, summaries)?,
                        false => filter.to_owned(),
                    };
                    filters.push(format!("({filter})"));
                    variables.extend(more);
                }
                Err(error) => {
                    eprintln!("error: {error:#}; the other tests go on");
                    results.push(Err(error));
                }
            },
        }
    }
    if !filters.is_empty() {
        let filter = seldom::without(&filters.join(" | "));
        results.push(nextest(&filter, AS_ALWAYS, &variables, summaries));
    }
    results.into_iter().collect()
}

/// Where the tests of a step find the clusters that they need.
fn places_of(step: Step, clusters: &mut Option<Clusters>) -> Result<Vec<Variable>> {
    let mut places = Vec::new();
    if let Some(clusters) = clusters {
        if step.needs_control_plane() {
            places.push(clusters.control_plane()?);
        }
        if step.needs_node() {
            places.push(clusters.node()?);
        }
    }
    Ok(places)
}

/// `cargo xtask test [STEP]…`.
pub(crate) fn main(args: &Args) -> Result<()> {
    let all = Step::value_variants().iter().copied();
    let chosen: Vec<Step> = match args.steps.as_slice() {
        [] => all.filter(|step| *step != Step::Long).collect(),
        steps => steps.to_vec(),
    };
    // First, because it may build for minutes beside the other steps.
    let mut clusters = match chosen.iter().any(|step| step.needs_clusters()) {
        true => Some(Clusters::prepare(
            chosen.iter().any(|step| step.needs_node()),
        )?),
        false => None,
    };
    let mut report = Report::default();
    for steps in batches(&chosen) {
        let names: Vec<&str> = steps.iter().map(|step| step.name()).collect();
        let names = names.join(" ");
        eprintln!("\n=== {names}");
        let started = Instant::now();
        let mut summaries = Vec::new();
        let passed = match run(steps, &mut clusters, &mut summaries) {
            Ok(()) => true,
            Err(error) if error.is::<setup::Missing>() => return Err(error),
            Err(error) => {
                eprintln!("error: {error:#}");
                false
            }
        };
        report.add(Line {
            steps: names,
            took: started.elapsed(),
            passed,
            summaries,
        });
    }
    eprint!("\n{report}");
    match report.rerun() {
        None => Ok(()),
        Some(command) => bail!("not everything passed; run again what failed: {command}"),
    }
}

/// Runs the tests that a nextest filter selects, of packages built as `build`
/// says; its closing line goes to `summaries`.
fn nextest(
    filter: &str,
    build: &[&str],
    variables: &[Variable],
    summaries: &mut Vec<String>,
) -> Result<()> {
    let tools = setup::tools()?;
    let mut command = shell::cargo(&["nextest", "run", "--locked", "-E", filter]);
    command.args(build);
    command.env("PATH", shell::path_with(tools)?);
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    shell::run_watched(&mut command, |line| {
        if report::is_nextest_summary(line) {
            summaries.push(line.to_owned());
        }
    })
}
