//! Programs that come as Debian packages.
//!
//! What counts is the program, not the package: on another distribution the
//! same check passes once the program is there.

use std::path::Path;

use anyhow::{Context, Result};

use super::Missing;
use crate::shell;

/// A program or file, and the Debian package that holds it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Need {
    what: What,
    package: &'static str,
}

#[derive(Debug, Clone, Copy)]
enum What {
    /// A program to be found in PATH.
    Program(&'static str),
    /// A file that is in one of these places.
    File(&'static [&'static str]),
    /// A module that Python can import.
    PythonModule(&'static str),
}

/// What a node runs: containers, their network, and the walls around it all.
pub(crate) const NODE: [Need; 8] = [
    program("containerd", "containerd"),
    program("runc", "runc"),
    Need {
        what: What::File(&["/usr/lib/cni/bridge", "/opt/cni/bin/bridge"]),
        package: "containernetworking-plugins",
    },
    program("nft", "nftables"),
    program("iptables", "iptables"),
    program("ip", "iproute2"),
    program("unshare", "util-linux"),
    program("mount", "mount"),
];

/// What `python3 -m venv` needs; Debian splits it off.
pub(crate) const PYTHON: [Need; 2] = [
    program("python3", "python3"),
    Need {
        what: What::PythonModule("ensurepip"),
        package: "python3-venv",
    },
];

const fn program(name: &'static str, package: &'static str) -> Need {
    Need {
        what: What::Program(name),
        package,
    }
}

impl Need {
    fn is_met(self) -> bool {
        match self.what {
            What::Program(name) => shell::find(name).is_some(),
            What::File(places) => places.iter().any(|place| Path::new(place).exists()),
            What::PythonModule(module) => shell::command("python3", &["-c"])
                .arg(format!("import {module}"))
                .output()
                .is_ok_and(|output| output.status.success()),
        }
    }
}

/// The packages of those needs that are not met, each once.
pub(super) fn lacking(needs: &[Need], is_met: impl Fn(Need) -> bool) -> Vec<&'static str> {
    let mut packages: Vec<&'static str> = Vec::new();
    for need in needs {
        if !is_met(*need) && !packages.contains(&need.package) {
            packages.push(need.package);
        }
    }
    packages
}

/// Installs the packages whose programs are missing, or says which command to
/// run first.
pub(super) fn ensure(needs: &[Need]) -> Result<()> {
    let packages = lacking(needs, Need::is_met);
    if packages.is_empty() {
        return Ok(());
    }
    let list = packages.join(" ");
    if shell::find("apt-get").is_none() {
        return Err(Missing::new(format!(
            "programs of these Debian packages are missing: {list}; install your distribution's equivalents, then run this again"
        ))
        .into());
    }
    if !is_root() {
        return Err(Missing::new(advice(&list)).into());
    }
    eprintln!("setup: installing Debian packages: {list}");
    let noninteractive = ("DEBIAN_FRONTEND", "noninteractive");
    shell::run_quiet(
        shell::command("apt-get", &["update"]).env(noninteractive.0, noninteractive.1),
    )
    .context("refreshing the package lists")?;
    shell::run_quiet(
        shell::command("apt-get", &["install", "--yes", "--no-install-recommends"])
            .args(&packages)
            .env(noninteractive.0, noninteractive.1),
    )
    .with_context(|| format!("installing Debian packages {list}"))
}

/// What somebody without root is told.
pub(super) fn advice(list: &str) -> String {
    format!(
        "Debian packages are missing and only root can install them; run first: sudo apt-get update && sudo apt-get install --yes --no-install-recommends {list}"
    )
}

fn is_root() -> bool {
    shell::command("id", &["-u"])
        .output()
        .is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
