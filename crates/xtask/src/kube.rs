//! `cargo xtask kube`: builds the Kubernetes programs of the test cluster, once,
//! into the user's cache. Tests do the same on demand; this is for a set-up
//! step that wants the eight minutes to be visible.

/// Arguments of `cargo xtask kube`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// Builds what is missing and prints where the programs are.
pub(crate) fn main(_: &Args) -> anyhow::Result<()> {
    let binaries = testkit::kube::find_or_build()?;
    for path in [&binaries.kube, &binaries.helm, &binaries.kwok] {
        println!("{}", path.display());
    }
    Ok(())
}
