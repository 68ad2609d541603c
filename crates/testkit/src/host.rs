//! What the machine must offer before a sandbox can be made: Debian packages
//! and the right to make namespaces. Says which command supplies what is
//! missing; installs nothing itself.

use std::path::Path;

use anyhow::{Result, bail};

/// A Debian package and one program or file of it that tells whether it is
/// there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Package {
    /// The name that `apt-get install` takes.
    pub name: &'static str,
    /// A path that exists exactly when the package is installed.
    pub probe: &'static str,
}

/// What [`crate::ControlPlane`] needs.
pub const CONTROL_PLANE_PACKAGES: &[Package] = &[
    package("iproute2", "/sbin/ip"),
    package("util-linux", "/usr/bin/unshare"),
];

/// What [`crate::Node`] needs.
pub const NODE_PACKAGES: &[Package] = &[
    package("containerd", "/usr/bin/containerd"),
    package("containernetworking-plugins", "/usr/lib/cni/bridge"),
    package("iproute2", "/sbin/ip"),
    package("iptables", "/usr/sbin/iptables"),
    package("nftables", "/usr/sbin/nft"),
    package("runc", "/usr/sbin/runc"),
    package("util-linux", "/usr/bin/unshare"),
];

/// What shows pages that the operator writes to a test.
pub const BROWSER_PACKAGES: &[Package] = &[package("chromium", "/usr/bin/chromium")];

const fn package(name: &'static str, probe: &'static str) -> Package {
    Package { name, probe }
}

/// The names of those `packages` that are not installed.
#[must_use]
pub fn missing_packages(packages: &[Package]) -> Vec<&'static str> {
    packages
        .iter()
        .filter(|package| !Path::new(package.probe).exists())
        .map(|package| package.name)
        .collect()
}

/// Fails with the exact command to run first when this process cannot make a
/// sandbox that needs `packages`.
///
/// # Errors
/// When not run with the right to make namespaces, or a package is missing.
pub fn check(packages: &[Package]) -> Result<()> {
    if !may_make_namespaces() {
        bail!(
            "the test cluster needs root (CAP_SYS_ADMIN, to make namespaces): run `sudo -E env \"PATH=$PATH\" {}`",
            command_line()
        );
    }
    let missing = missing_packages(packages);
    if !missing.is_empty() {
        bail!(
            "the test cluster needs Debian packages that are not installed: run `apt-get install --yes --no-install-recommends {}`",
            missing.join(" ")
        );
    }
    Ok(())
}

/// Effective capability 21, `CAP_SYS_ADMIN`, of this process.
fn may_make_namespaces() -> bool {
    const CAP_SYS_ADMIN: u64 = 1 << 21;
    std::fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|status| effective_capabilities(&status))
        .is_some_and(|capabilities| capabilities & CAP_SYS_ADMIN != 0)
}

fn effective_capabilities(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

fn command_line() -> String {
    std::env::args().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
