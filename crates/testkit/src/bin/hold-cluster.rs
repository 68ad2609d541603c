//! `hold-cluster control-plane` or `hold-cluster node ARCHIVE...`: starts that
//! cluster, prints its state directory and keeps it until standard input
//! ends. For tests of what remains after the owner of a cluster is killed.

use std::io::Read;
use std::path::PathBuf;

use anyhow::{Result, bail};
use testkit::{ControlPlane, Node, control_plane, node};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("control-plane") => {
            let cluster = ControlPlane::start(control_plane::Options::default()).await?;
            keep(&cluster)
        }
        Some("node") => {
            let images = arguments.map(PathBuf::from).collect();
            let options = node::Options {
                images,
                ..node::Options::default()
            };
            let cluster = Node::start(options).await?;
            keep(&cluster)
        }
        _ => bail!("usage: hold-cluster control-plane | node ARCHIVE..."),
    }
}

fn keep(cluster: &testkit::Cluster) -> Result<()> {
    println!("{}", cluster.dir().display());
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
