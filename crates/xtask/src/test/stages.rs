//! What of a test run follows what, and what runs side by side.

use super::Step;

/// What runs at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stage {
    /// A check of the sources.
    Check(Check),
    /// Suites of tests, side by side.
    Tests(Vec<Suite>),
}

/// A check of the sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    Fmt,
    Deny,
    Clippy,
    Doc,
}

/// A suite of tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Suite {
    Unit,
    ControlPlane,
    Node,
    Crashes,
}

/// The stages of the chosen steps. Suites join the first of their kind, except
/// for the crashes: they scale to zero the operator that the node's tests use.
pub(super) fn of(steps: &[Step]) -> Vec<Stage> {
    let mut stages = Vec::new();
    for step in steps {
        match step {
            Step::Fmt => stages.push(Stage::Check(Check::Fmt)),
            Step::Deny => stages.push(Stage::Check(Check::Deny)),
            Step::Clippy => stages.push(Stage::Check(Check::Clippy)),
            Step::Doc => stages.push(Stage::Check(Check::Doc)),
            Step::Unit => join(&mut stages, Suite::Unit),
            Step::ControlPlane => join(&mut stages, Suite::ControlPlane),
            Step::Node => join(&mut stages, Suite::Node),
            Step::Crashes => stages.push(Stage::Tests(vec![Suite::Crashes])),
        }
    }
    stages
}

fn join(stages: &mut Vec<Stage>, suite: Suite) {
    let joined = stages.iter_mut().find_map(|stage| match stage {
        Stage::Tests(suites) if !suites.contains(&Suite::Crashes) => Some(suites),
        Stage::Tests(_) | Stage::Check(_) => None,
    });
    match joined {
        Some(suites) => suites.push(suite),
        None => stages.push(Stage::Tests(vec![suite])),
    }
}

impl Stage {
    /// The steps of the stage, as they are typed.
    pub(super) fn name(&self) -> String {
        let names: Vec<&str> = match self {
            Self::Check(check) => vec![check.step().name()],
            Self::Tests(suites) => suites.iter().map(|suite| suite.step().name()).collect(),
        };
        names.join(" ")
    }

    /// The suites of the stage.
    pub(super) fn suites(&self) -> &[Suite] {
        match self {
            Self::Check(_) => &[],
            Self::Tests(suites) => suites,
        }
    }
}

impl Check {
    const fn step(self) -> Step {
        match self {
            Self::Fmt => Step::Fmt,
            Self::Deny => Step::Deny,
            Self::Clippy => Step::Clippy,
            Self::Doc => Step::Doc,
        }
    }
}

impl Suite {
    const fn step(self) -> Step {
        match self {
            Self::Unit => Step::Unit,
            Self::ControlPlane => Step::ControlPlane,
            Self::Node => Step::Node,
            Self::Crashes => Step::Crashes,
        }
    }

    /// The tests of the suite, for nextest. A module's name says what its tests
    /// need; all of testkit's own integration tests need a cluster.
    pub(super) const fn filter(self) -> &'static str {
        match self {
            Self::Unit => {
                "not (binary(it) & (test(/^control_plane::/) + test(/^node::/) + package(testkit)))"
            }
            Self::ControlPlane => {
                "binary(it) & (test(/^control_plane::/) + (package(testkit) - test(/^node::/)))"
            }
            Self::Node => "binary(it) & (test(/^node::/) - test(/^node::undeployed::/))",
            Self::Crashes => "binary(it) & test(/^node::undeployed::/)",
        }
    }

    /// Whether its tests need the programs of Kubernetes.
    pub(super) fn needs_clusters(&self) -> bool {
        *self != Self::Unit
    }

    /// Whether its tests need a node.
    pub(super) fn needs_node(&self) -> bool {
        matches!(self, Self::Node | Self::Crashes)
    }
}
