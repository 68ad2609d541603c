//! The steps of a run: what each runs, what that needs, and what may run at the
//! same time.

use anyhow::Result;
use clap::ValueEnum;

use crate::lint;

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
    /// Tests of several replicas, against a real API server.
    Replicas,
    /// Those of all these that can try any number of things, at their full
    /// length, and those that are run seldom. Runs only when named.
    Long,
}

/// What tells the tests apart: a module's name says what its tests need. All
/// of testkit's own integration tests need a cluster.
pub(super) const ON_CONTROL_PLANE: &str = "binary(it) & (
    test(/^control_plane::/) - test(/^control_plane::election::/)
    + (package(testkit) - test(/^node::/)))";
/// They measure seconds: not beside the many others, and after all that is built.
pub(super) const OF_REPLICAS: &str = "binary(it) & test(/^control_plane::election::/)";
pub(super) const ON_NODE: &str = "binary(it)
    & (test(/^node::/) - test(/^node::undeployed::/) - test(/^node::installed::/))";
/// Not beside the others: the operator that those have deployed is scaled to
/// zero.
pub(super) const WITHOUT_DEPLOYED: &str = "binary(it) & test(/^node::undeployed::/)";
const ANYWHERE: &str =
    "not (binary(it) & (test(/^(control_plane|node|local::versions)::/) + package(testkit)))";

impl Step {
    /// As it is typed on the command line.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Fmt => "fmt",
            Self::Deny => "deny",
            Self::Clippy => "clippy",
            Self::Doc => "doc",
            Self::Unit => "unit",
            Self::ControlPlane => "control-plane",
            Self::Node => "node",
            Self::Crashes => "crashes",
            Self::Replicas => "replicas",
            Self::Long => "long",
        }
    }

    /// Whether it needs Kubernetes.
    pub(super) fn needs_clusters(self) -> bool {
        self.needs_control_plane() || self.needs_node()
    }

    /// Whether one without a node does.
    pub(super) fn needs_control_plane(self) -> bool {
        matches!(self, Self::ControlPlane | Self::Replicas | Self::Long)
    }

    /// Whether that is one that runs pods.
    pub(super) fn needs_node(self) -> bool {
        matches!(self, Self::Node | Self::Crashes | Self::Long)
    }

    /// What it does.
    pub(super) fn work(self) -> Work {
        match self {
            Self::Fmt => Work::Check(lint::check_format),
            Self::Deny => Work::Check(lint::deny),
            Self::Clippy => Work::Check(lint::clippy),
            Self::Doc => Work::Check(lint::examples),
            Self::Unit => Work::Tests(ANYWHERE, Round::Deployed),
            Self::ControlPlane => Work::Tests(ON_CONTROL_PLANE, Round::Deployed),
            Self::Node => Work::Tests(ON_NODE, Round::Deployed),
            Self::Crashes => Work::Tests(WITHOUT_DEPLOYED, Round::Undisturbed),
            Self::Replicas => Work::Tests(OF_REPLICAS, Round::Undisturbed),
            Self::Long => Work::Long,
        }
    }
}

/// What a step does.
pub(super) enum Work {
    /// Something that needs no tests.
    Check(fn() -> Result<()>),
    /// Runs the tests that a nextest filter selects, beside the other steps of
    /// its round: most tests wait most of the time.
    Tests(&'static str, Round),
    Long,
}

/// Tests that may run at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Round {
    /// The operator that is deployed on the node is left alone.
    Deployed,
    /// It is scaled to zero, or seconds are measured.
    Undisturbed,
}

/// The steps in their order, those together that run at the same time.
pub(super) fn batches(steps: &[Step]) -> Vec<&[Step]> {
    let round = |step: &Step| match step.work() {
        Work::Tests(_, round) => Some(round),
        Work::Check(_) | Work::Long => None,
    };
    let is_beside = |step: &Step, next: &Step| round(step).is_some() && round(step) == round(next);
    steps.chunk_by(is_beside).collect()
}
