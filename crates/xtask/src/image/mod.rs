//! `cargo xtask image`: container images without Docker.
//!
//! The operator's image is written to `dist/locust-operator.tar`; the images
//! that the test cluster runs beside it are made once and kept in the user's
//! cache. All are OCI archives, which `ctr image import`, `skopeo` and
//! `podman load` take.
//!
//! | file | does |
//! |---|---|
//! | `oci.rs` | writes an archive: layers, configuration, manifest, index |
//! | `layer.rs` | collects files into a layer |
//! | `operator.rs` | the image that users run |
//! | `locust.rs` | real Locust on a root file system made of Debian packages |
//! | `stub.rs` | small static programs in the place of bigger images |
//! | `compile.rs` | static binaries whose bytes do not depend on the checkout |
//! | `cache.rs` | makes an archive once per recipe |
//! | `command.rs` | runs other programs and says what went wrong |

mod cache;
mod command;
mod compile;
mod layer;
mod locust;
mod oci;
mod operator;
mod stub;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use anyhow::Context;

pub(crate) use operator::{binary as operator_binary, operator};

/// The release build of the bench's bare client, made as the operator's is.
pub(crate) fn bare_client_binary() -> anyhow::Result<PathBuf> {
    compile::static_binary("xtask", "bare-client")
}

/// Arguments of `cargo xtask image`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Make the images of the test cluster as well.
    #[arg(long)]
    test: bool,
}

/// Writes the images and prints what they are.
pub(crate) fn main(args: &Args) -> anyhow::Result<()> {
    let archives = match args.test {
        true => all()?,
        false => vec![operator()?],
    };
    for archive in archives {
        let summary = oci::Summary::read(&archive)?;
        println!("{}", archive.display());
        println!("  image       {}", summary.name);
        println!("  digest      {}", summary.digest);
        println!("  layer       {}", megabytes(summary.layer));
    }
    Ok(())
}

/// The archives of the operator's image and of all that the test cluster needs
/// beside it.
pub(crate) fn all() -> anyhow::Result<Vec<PathBuf>> {
    let mut archives = vec![operator()?];
    archives.extend(test_images()?);
    Ok(archives)
}

/// The archives of all images that the test cluster needs beside the
/// operator's own. Those that are missing are made, which takes a minute and
/// prints its progress.
pub(crate) fn test_images() -> anyhow::Result<Vec<PathBuf>> {
    let mut archives = vec![locust::archive()?];
    archives.extend(stub::archives()?);
    Ok(archives)
}

/// The root of the checkout.
fn workspace() -> anyhow::Result<&'static Path> {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .context("finding the root of the workspace")
}

fn megabytes(bytes: u64) -> String {
    let tenths = (bytes + 50_000) / 100_000;
    format!("{}.{} MB ({bytes} bytes)", tenths / 10, tenths % 10)
}
