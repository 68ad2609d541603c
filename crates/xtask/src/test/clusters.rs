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
    programs: Background<()>,
    images: Option<Background<Vec<PathBuf>>>,
    control_plane: Option<ControlPlane>,
    node: Option<Node>,
}

impl Clusters {
    /// Checks that this machine can run clusters, so that what is missing is
    /// said at once, and begins to build in the background what they need.
    pub(super) fn prepare(with_node: bool) -> Result<Self> {
        setup::node_packages()?;
        host::check(host::NODE_PACKAGES)
            .map_err(|error| setup::Missing::new(format!("{error:#}")))?;
        kube::find().map_err(|error| setup::Missing::new(format!("{error:#}")))?;
        let runtime = Runtime::new().context("starting the runtime of the clusters")?;
        Ok(Self {
            runtime,
            programs: Background::start(|| kube::find_or_build().map(drop)),
            images: with_node.then(|| Background::start(image::all)),
            control_plane: None,
            node: None,
        })
    }

    /// The shared control plane, once nothing is built any more: beside a
    /// compiler tests that count seconds come too late.
    pub(super) fn control_plane(&mut self) -> Result<Variable> {
        self.programs.wait()?;
        if let Some(Err(error)) = self.images.as_mut().map(Background::wait) {
            eprintln!("error: {error:#}; tests that need no image go on");
        }
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

    /// The shared node, with the operator deployed in it.
    pub(super) fn node(&mut self) -> Result<Variable> {
        self.programs.wait()?;
        let node = match self.node.take() {
            Some(running) => running,
            None => {
                let images = self.images.as_mut().context("no images were asked for")?;
                let images = images.wait()?.clone();
                self.start_node(images)?
            }
        };
        let dir = node.dir().to_owned();
        self.node = Some(node);
        Ok((node::SHARED_VARIABLE, dir))
    }

    /// A node with the images that tests use and the operator deployed in it
    /// as a user would: from `config/`.
    fn start_node(&self, images: Vec<PathBuf>) -> Result<Node> {
        let options = node::Options {
            images,
            ..node::Options::default()
        };
        let node = announce("node", || self.runtime.block_on(Node::start(options)))?;
        announce("operator", || self.runtime.block_on(cluster::deploy(&node)))?;
        Ok(node)
    }
}

/// Something that is made while other steps run.
struct Background<T> {
    thread: Option<JoinHandle<Result<T>>>,
    made: Option<T>,
}

impl<T: Send + 'static> Background<T> {
    fn start(make: impl FnOnce() -> Result<T> + Send + 'static) -> Self {
        Self {
            thread: Some(thread::spawn(make)),
            made: None,
        }
    }

    /// What was made. The first to wait for something that failed learns why.
    fn wait(&mut self) -> Result<&T> {
        if let Some(thread) = self.thread.take() {
            let made = thread.join().map_err(|_| anyhow!("a build panicked"))?;
            self.made = Some(made?);
        }
        self.made
            .as_ref()
            .context("a build that this needs has failed, see above")
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
