//! What the cluster tests share: one control plane and one node for the whole
//! run, started when the first step needs them.
//!
//! Tests are processes of their own. They find a cluster by its state
//! directory in the environment and leave it running; it ends with this
//! process, however this process ends.

use std::path::PathBuf;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use anyhow::{Context, Result, anyhow};
use testkit::{ControlPlane, Node, control_plane, host, kube, node};
use tokio::runtime::Runtime;

use crate::{cluster, image, setup};

/// An environment variable for the tests.
pub(super) type Variable = (&'static str, PathBuf);

/// The clusters of one run.
pub(super) struct Clusters {
    runtime: Runtime,
    programs: Option<JoinHandle<Result<()>>>,
    control_plane: Option<ControlPlane>,
    node: Option<Node>,
}

impl Clusters {
    /// Checks that this machine can run clusters, so that what is missing is
    /// said at once, and begins to build their programs in the background.
    pub(super) fn prepare() -> Result<Self> {
        setup::node_packages()?;
        host::check(host::NODE_PACKAGES)
            .map_err(|error| setup::Missing::new(format!("{error:#}")))?;
        kube::find().map_err(|error| setup::Missing::new(format!("{error:#}")))?;
        let runtime = Runtime::new().context("starting the runtime of the clusters")?;
        Ok(Self {
            runtime,
            programs: Some(thread::spawn(|| kube::find_or_build().map(drop))),
            control_plane: None,
            node: None,
        })
    }

    /// The shared control plane.
    pub(super) fn control_plane(&mut self) -> Result<Variable> {
        self.wait_for_programs()?;
        let control_plane = match self.control_plane.take() {
            Some(running) => running,
            None => announce("control plane", || {
                let options = control_plane::Options::default();
                self.runtime.block_on(ControlPlane::start(options))
            })?,
        };
        let dir = control_plane.dir().to_owned();
        self.control_plane = Some(control_plane);
        Ok((control_plane::SHARED_VARIABLE, dir))
    }

    /// The shared node.
    pub(super) fn node(&mut self) -> Result<Variable> {
        self.wait_for_programs()?;
        let node = match self.node.take() {
            Some(running) => running,
            None => self.start_node()?,
        };
        let dir = node.dir().to_owned();
        self.node = Some(node);
        Ok((node::SHARED_VARIABLE, dir))
    }

    /// A node with the images that tests use and the operator deployed in it
    /// as a user would: from `config/`.
    fn start_node(&self) -> Result<Node> {
        let options = node::Options {
            images: image::all()?,
            ..node::Options::default()
        };
        let node = announce("node", || self.runtime.block_on(Node::start(options)))?;
        announce("operator", || self.runtime.block_on(cluster::deploy(&node)))?;
        Ok(node)
    }

    /// A build that failed is tried again by whoever needs it next, so that
    /// each of them says why it cannot go on.
    fn wait_for_programs(&mut self) -> Result<()> {
        match self.programs.take() {
            Some(build) => build
                .join()
                .map_err(|_| anyhow!("the build of the cluster's programs panicked"))?,
            None => kube::find_or_build().map(drop),
        }
    }
}

/// Starts something that takes seconds, and says how many.
fn announce<T>(what: &str, start: impl FnOnce() -> Result<T>) -> Result<T> {
    let began = Instant::now();
    let started = start().with_context(|| format!("starting the tests' {what}"))?;
    let seconds = began.elapsed().as_secs_f64();
    eprintln!("{what} ready in {seconds:.1} s");
    Ok(started)
}
