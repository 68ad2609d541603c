//! The CRD in a person's own cluster, through their own kubectl.

use anyhow::Result;

use crate::setup::Missing;
use crate::shell;

/// The CRD as `cargo xtask codegen` wrote it.
const CRD: &str = "config/crd/bases/locust.io_locusttests.yaml";

/// `cargo xtask install`.
pub(crate) fn install() -> Result<()> {
    kubectl(&["apply", "--server-side", "-f", CRD])
}

/// `cargo xtask uninstall`.
pub(crate) fn uninstall() -> Result<()> {
    kubectl(&["delete", "--ignore-not-found", "-f", CRD])
}

fn kubectl(args: &[&str]) -> Result<()> {
    if shell::find("kubectl").is_none() {
        return Err(Missing::new(
            "kubectl is not on PATH; install it and point it at a cluster, or use `make cluster`",
        )
        .into());
    }
    shell::run(&mut shell::command("kubectl", args))
}
