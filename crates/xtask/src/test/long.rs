//! The long run: tests of the other steps that can try any number of things, at
//! their full length, and those that run seldom. In the other steps the former
//! try a few, so that a person need not wait for them.

use anyhow::Result;

use super::clusters::{Clusters, Variable};
use super::steps::{OF_REPLICAS, ON_CONTROL_PLANE, ON_NODE, WITHOUT_DEPLOYED};
use super::{nextest, seldom};
use crate::fuzz;

/// Some of those tests.
struct Part {
    filter: &'static str,
    /// How many of what each of them tries.
    lengths: &'static [(&'static str, &'static str)],
    needs: Needs,
}

/// Where they run.
enum Needs {
    /// Anywhere, in the profile that is optimised for them.
    Processor,
    /// Anywhere, beside nothing.
    Nothing,
    ControlPlane,
    Node,
}

/// How long each target is fuzzed, in seconds.
const FUZZED: u32 = 60;

const CORE_OPTIMISED: &[&str] = &["--package=locust-core", "--cargo-profile=long"];

const PARTS: [Part; 6] = [
    Part {
        filter: "test(/^(convert::tests::identity|review::tests|election::tests|decide::tests::(model|truth))::/)",
        lengths: &[
            ("CONVERSION_OBJECTS", "1000000"),
            ("PROPTEST_CASES", "100000"),
            ("THOROUGH", "1"),
        ],
        needs: Needs::Processor,
    },
    Part {
        filter: "binary(it)
            & test(/^control_plane::(random|conversion::lossless|webhooks::rotation)::/)",
        lengths: &[
            ("RANDOM_TESTS", "5000"),
            ("V1_OBJECTS", "500"),
            ("ROTATIONS", "20"),
        ],
        needs: Needs::ControlPlane,
    },
    // Installs older versions of Locust.
    Part {
        filter: "binary(it) & test(/^local::versions::/)",
        lengths: &[],
        needs: Needs::Nothing,
    },
    // Measures seconds: not beside others.
    Part {
        filter: "binary(it) & test(/^control_plane::election::crashes::.*killed/)",
        lengths: &[("KILLS", "20")],
        needs: Needs::ControlPlane,
    },
    Part {
        filter: "binary(it) & test(/^node::undeployed::crashes::/)",
        lengths: &[("CRASHES", "27")],
        needs: Needs::Node,
    },
    // Deploys another tree, and rolls it out: not beside others.
    Part {
        filter: "binary(it) & test(/^node::installed::/)",
        lengths: &[],
        needs: Needs::Node,
    },
];

/// Runs all of it, the rest too when a part fails.
pub(super) fn run(clusters: &mut Clusters, summaries: &mut Vec<String>) -> Result<()> {
    let run = |part: &Part, clusters: &mut Clusters, summaries: &mut Vec<String>| {
        let lengths = part.lengths.iter();
        let mut variables: Vec<Variable> =
            lengths.map(|(name, value)| (*name, value.into())).collect();
        // What they printed tells what was tried.
        variables.push(("NEXTEST_SUCCESS_OUTPUT", "final".into()));
        let (build, cluster) = match part.needs {
            Needs::Processor => (CORE_OPTIMISED, None),
            Needs::Nothing => (super::AS_ALWAYS, None),
            Needs::ControlPlane => (super::AS_ALWAYS, Some(clusters.control_plane()?)),
            Needs::Node => (super::AS_ALWAYS, Some(clusters.node()?)),
        };
        variables.extend(cluster);
        nextest(part.filter, build, &variables, summaries)
    };
    let results = PARTS.iter().map(|part| run(part, clusters, summaries));
    // All of them, before the first that failed is looked for.
    let mut results: Vec<Result<()>> = results.collect();
    type Cluster = fn(&mut Clusters) -> Result<Variable>;
    let seldom: [(&str, Cluster); 4] = [
        (ON_CONTROL_PLANE, Clusters::control_plane),
        (OF_REPLICAS, Clusters::control_plane),
        (ON_NODE, Clusters::node),
        (WITHOUT_DEPLOYED, Clusters::node),
    ];
    results.extend(seldom.map(|(step, cluster)| {
        let filter = seldom::only(step);
        nextest(&filter, super::AS_ALWAYS, &[cluster(clusters)?], summaries)
    }));
    results.push(fuzz::run(FUZZED));
    results.into_iter().collect()
}
