//! `cargo xtask test`: what has to pass before a change lands.
//!
//! The run is a list of [`Step`]s. A step that fails does not keep the later
//! ones from running, so that one run shows all that is wrong; the end says
//! how long each took and which command repeats only what failed.

mod clusters;
mod report;

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
    /// A million converted objects, and 5,000 that a real API server judges.
    /// Runs only when named.
    Long,
}

/// What tells the tests apart: a module's name says what its tests need. All
/// of testkit's own integration tests need a cluster.
const ON_CONTROL_PLANE: &str = "binary(it) & (
    test(/^control_plane::/) - test(/^control_plane::election::/)
    + (package(testkit) - test(/^node::/)))";
/// They measure seconds: not beside others, and after all that is built.
const OF_REPLICAS: &str = "binary(it) & test(/^control_plane::election::/)";
const ON_NODE: &str = "binary(it) & (test(/^node::/) - test(/^node::undeployed::/))";
/// Not beside the others: the operator that those have deployed is scaled to
/// zero.
const WITHOUT_DEPLOYED: &str = "binary(it) & test(/^node::undeployed::/)";
/// Tests of objects that are made, of which there can be any number.
const OF_MANY_OBJECTS: &str = "package(locust-core) & test(/^convert::tests::identity::/)
    + binary(it) & test(/^control_plane::random::/)";
const ANYWHERE: &str =
    "not (binary(it) & (test(/^control_plane::/) + test(/^node::/) + package(testkit)))";

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
            Self::ControlPlane | Self::Node | Self::Crashes | Self::Replicas => true,
            Self::Fmt | Self::Deny | Self::Clippy | Self::Unit | Self::Doc | Self::Long => false,
        }
    }

    /// Runs it. What the test runner says of its tests goes to `summary`.
    fn run(self, clusters: Option<&mut Clusters>, summary: &mut Option<String>) -> Result<()> {
        match (self, clusters) {
            (Self::Fmt, _) => lint::check_format(),
            (Self::Deny, _) => lint::deny(),
            (Self::Clippy, _) => lint::clippy(),
            (Self::Unit, _) => nextest(ANYWHERE, &[], summary),
            (Self::Long, _) => nextest(
                OF_MANY_OBJECTS,
                &[
                    ("CONVERSION_OBJECTS", "1000000".into()),
                    ("RANDOM_TESTS", "5000".into()),
                    // Says which leaves of the schemas were met.
                    ("NEXTEST_SUCCESS_OUTPUT", "final".into()),
                ],
                summary,
            ),
            (Self::Doc, _) => shell::run_quiet(&mut shell::cargo(&[
                "test",
                "--doc",
                "--workspace",
                "--locked",
            ])),
            (Self::ControlPlane, Some(clusters)) => {
                nextest(ON_CONTROL_PLANE, &[clusters.control_plane()?], summary)
            }
            (Self::Node, Some(clusters)) => nextest(ON_NODE, &[clusters.node()?], summary),
            (Self::Crashes, Some(clusters)) => {
                nextest(WITHOUT_DEPLOYED, &[clusters.node()?], summary)
            }
            (Self::Replicas, Some(clusters)) => {
                nextest(OF_REPLICAS, &[clusters.control_plane()?], summary)
            }
            (Self::ControlPlane | Self::Node | Self::Crashes | Self::Replicas, None) => {
                bail!("no cluster was prepared")
            }
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
            chosen
                .iter()
                .any(|step| matches!(step, Step::Node | Step::Crashes)),
        )?),
        false => None,
    };
    let mut report = Report::default();
    for step in &chosen {
        eprintln!("\n=== {}", step.name());
        let started = Instant::now();
        let mut summary = None;
        let passed = match step.run(clusters.as_mut(), &mut summary) {
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
            summary,
        });
    }
    eprint!("\n{report}");
    match report.rerun() {
        None => Ok(()),
        Some(command) => bail!("not everything passed; run again what failed: {command}"),
    }
}

/// Runs the tests that a nextest filter selects; its closing line goes to
/// `summary`.
fn nextest(filter: &str, variables: &[Variable], summary: &mut Option<String>) -> Result<()> {
    let tools = setup::tools()?;
    let mut command = shell::cargo(&["nextest", "run", "--workspace", "--locked", "-E", filter]);
    command.env("PATH", shell::path_with(tools)?);
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    shell::run_watched(&mut command, |line| {
        if report::is_nextest_summary(line) {
            *summary = Some(line.to_owned());
        }
    })
}
