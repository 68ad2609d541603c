//! Starts a control plane, prints its state directory and keeps it until
//! standard input ends: for tests of what remains after the owner of a
//! cluster is killed.

use std::io::Read;

use anyhow::Result;
use testkit::{ControlPlane, control_plane};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let cluster = ControlPlane::start(control_plane::Options::default()).await?;
    println!("{}", cluster.dir().display());
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
