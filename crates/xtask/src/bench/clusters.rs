//! How soon the test clusters are ready, once their programs and images are
//! built.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};
use testkit::{ControlPlane, Node, control_plane, kube, node};
use tokio::runtime::Runtime;

use super::table::Figure;
use crate::{image, setup};

/// A control plane, then a node with all images of the tests.
pub(super) fn ready() -> Result<Vec<Figure>> {
    setup::node_packages()?;
    kube::find_or_build()?;
    let images = image::all()?;
    let runtime = Runtime::new().context("starting the runtime of the clusters")?;
    Ok(vec![control_plane(&runtime)?, node(&runtime, images)?])
}

fn control_plane(runtime: &Runtime) -> Result<Figure> {
    let began = Instant::now();
    let started = runtime.block_on(ControlPlane::start(control_plane::Options::default()))?;
    let value = began.elapsed().as_secs_f64();
    drop(started);
    Ok(Figure {
        what: "control plane ready",
        value,
        unit: "s",
        limit: Some(8.0),
        upstream: "",
        how: "etcd, API server and controller manager, until a namespace can be used",
    })
}

fn node(runtime: &Runtime, images: Vec<PathBuf>) -> Result<Figure> {
    let options = node::Options {
        images,
        ..node::Options::default()
    };
    let began = Instant::now();
    let started = runtime.block_on(Node::start(options))?;
    let value = began.elapsed().as_secs_f64();
    drop(started);
    Ok(Figure {
        what: "node ready",
        value,
        unit: "s",
        limit: Some(8.0),
        upstream: "",
        how: "all of Kubernetes, images imported, until pods can run",
    })
}
