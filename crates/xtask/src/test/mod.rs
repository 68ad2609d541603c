//! `cargo xtask test`: what has to pass before a change lands.
//!
//! The run is a list of [`Step`]s. A step that fails does not keep the later
//! ones from running, so that one run shows all that is wrong; the end says
//! how long each took and which command repeats only what failed.

mod browser;
mod clusters;
mod long;
mod report;
mod seldom;

#[cfg(test)]
mod tests;

use std::time::Instant;

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::{lint, setup, shell};
use clusters::{Clusters, Variable};
use report::{Line, Report};

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
    /// Tests against a real API server, without containers.
    ControlPlane,
    /// Tests on a real one-node Kubernetes.
    Node,
    /// Tests there that bring their own operators, and crash them.
    Crashes,
    /// Tests of several replicas, against a real API server.
    Replicas,
    /// Those of all these that can try any number of things, at their full
    /// length, and those that are run seldom. Runs only when named.
    Long,
}

/// What tells the tests apart: a module's name says what its tests need. All
/// of testkit's own integration tests need a cluster.
const ON_CONTROL_PLANE: &str = "binary(it) & (
    test(/^control_plane::/) - test(/^control_plane::election::/)
    + (package(testkit) - test(/^node::/)))";
/// They measure seconds: not beside others, and after all that is built.
const OF_REPLICAS: &str = "binary(it) & test(/^control_plane::election::/)";
const ON_NODE: &str = "binary(it)
    & (test(/^node::/) - test(/^node::undeployed::/) - test(/^node::installed::/))";
/// Not beside the others: the operator that those have deployed is scaled to
/// zero.
const WITHOUT_DEPLOYED: &str = "binary(it) & test(/^node::undeployed::/)";
const ANYWHERE: &str =
    "not (binary(it) & (test(/^(control_plane|node|local::versions)::/) + package(testkit)))";

/// What nextest builds to find its tests in.
const AS_ALWAYS: &[&str] = &["--workspace"];

impl Step {
    /// As it is typed on the command line.
    fn name(self) -> &'static str {
        match self {
            Self::Fmt => "fmt",
            Self::Deny => "deny",
            Self::Clippy => "clippy",
            Self::Unit => "unit",
            Self::Doc => "doc",
            Self::ControlPlane => "control-plane",
            Self::Node => "node",
            Self::Crashes => "crashes",
            Self::Replicas => "replicas",
            Self::Long => "long",
        }
    }

    /// Whether it needs Kubernetes.
    fn needs_clusters(self) -> bool {
        match self {
            Self::ControlPlane | Self::Node | Self::Crashes | Self::Replicas | Self::Long => true,
            Self::Fmt | Self::Deny | Self::Clippy | Self::Unit | Self::Doc => false,
        }
    }

    /// Whether that is one that runs pods.
    fn needs_node(self) -> bool {
        matches!(self, Self::Node | Self::Crashes | Self::Long)
    }

    /// Runs it. What the test runner says of its tests goes to `summaries`.
    fn run(self, clusters: Option<&mut Clusters>, summaries: &mut Vec<String>) -> Result<()> {
        match (self, clusters) {
            (Self::Fmt, _) => lint::check_format(),
            (Self::Deny, _) => lint::deny(),
            (Self::Clippy, _) => lint::clippy(),
            (Self::Unit, _) => {
                let filter = browser::filter(ANYWHERE, summaries)?;
                nextest(&filter, AS_ALWAYS, &[], summaries)
            }
            (Self::Doc, _) => shell::run_quiet(&mut shell::cargo(&[
                "test",
                "--doc",
                "--workspace",
                "--locked",
            ])),
            (Self::ControlPlane, Some(clusters)) => {
                always(ON_CONTROL_PLANE, clusters.control_plane()?, summaries)
            }
            (Self::Node, Some(clusters)) => always(ON_NODE, clusters.node()?, summaries),
            (Self::Crashes, Some(clusters)) => {
                always(WITHOUT_DEPLOYED, clusters.node()?, summaries)
            }
            (Self::Replicas, Some(clusters)) => {
                always(OF_REPLICAS, clusters.control_plane()?, summaries)
            }
            (Self::Long, Some(clusters)) => long::run(clusters, summaries),
            (
                Self::ControlPlane | Self::Node | Self::Crashes | Self::Replicas | Self::Long,
                None,
            ) => bail!("no cluster was prepared"),
        }
    }
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
    for step in &chosen {
        eprintln!("\n=== {}", step.name());
        let started = Instant::now();
        let mut summaries = Vec::new();
        let passed = match step.run(clusters.as_mut(), &mut summaries) {
            Ok(()) => true,
            Err(error) if error.is::<setup::Missing>() => return Err(error),
            Err(error) => {
                eprintln!("error: {error:#}");
                false
            }
        };
        report.add(Line {
            step: step.name(),
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

/// Runs those that always run of the tests of a step, in its cluster.
fn always(filter: &str, cluster: Variable, summaries: &mut Vec<String>) -> Result<()> {
    nextest(&seldom::without(filter), AS_ALWAYS, &[cluster], summaries)
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
