//! Programs that come as Debian packages.

use anyhow::{Context, Result};

use super::Missing;
use crate::shell;

/// The packages that `python3 -m venv` needs and that are not there; Debian
/// has split them off.
pub(super) fn missing_for_python() -> Vec<&'static str> {
    if shell::find("python3").is_none() {
        return vec!["python3", "python3-venv"];
    }
    let mut import = shell::command("python3", &["-c", "import ensurepip, venv"]);
    match import.output() {
        Ok(output) if output.status.success() => Vec::new(),
        _ => vec!["python3-venv"],
    }
}

/// Installs packages, or says which command to run first.
pub(super) fn install(packages: &[&str]) -> Result<()> {
    if packages.is_empty() {
        return Ok(());
    }
    let list = packages.join(" ");
    if shell::find("apt-get").is_none() {
        return Err(Missing::new(format!(
            "what is in these Debian packages is missing: {list}; install it your distribution's way, then run this again"
        ))
        .into());
    }
    if !is_root()? {
        return Err(Missing::new(advice(&list)).into());
    }
    eprintln!("setup: installing Debian packages: {list}");
    apt_get(&["update"]).context("refreshing the package lists")?;
    let mut arguments = vec!["install", "--yes", "--no-install-recommends"];
    arguments.extend(packages);
    apt_get(&arguments).with_context(|| format!("installing Debian packages {list}"))
}

/// What somebody without root is told.
pub(super) fn advice(list: &str) -> String {
    format!(
        "Debian packages are missing and only root can install them; run first: sudo apt-get update && sudo apt-get install --yes --no-install-recommends {list}"
    )
}

fn apt_get(arguments: &[&str]) -> Result<()> {
    shell::run_quiet(shell::command("apt-get", arguments).env("DEBIAN_FRONTEND", "noninteractive"))
}

fn is_root() -> Result<bool> {
    Ok(shell::output(&mut shell::command("id", &["-u"]))?.trim() == "0")
}
