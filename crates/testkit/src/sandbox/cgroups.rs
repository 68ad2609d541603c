//! Where a node's cgroups go: one new directory per cgroup v1 controller,
//! below the group this process is in, so that its limits hold for the node
//! as well.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The hierarchies that the kubelet and runc use, as they are named under
/// `/sys/fs/cgroup`.
const CONTROLLERS: [&str; 9] = [
    "cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids", "systemd",
];

/// Every directory made for a node has this prefix; nothing else is ever
/// removed.
pub(super) const PREFIX: &str = "locust-testkit-";

/// The cgroup directories of the sandbox in `dir`, one a line.
pub(super) fn paths(dir: &Path) -> Result<String> {
    let name = dir.file_name().unwrap_or_default().to_string_lossy();
    let mine = fs::read_to_string("/proc/self/cgroup").context("read this process's cgroups")?;
    let mut lines = String::new();
    for controller in CONTROLLERS {
        let root = Path::new("/sys/fs/cgroup").join(controller);
        if !root.is_dir() {
            bail!(
                "the one-node test cluster needs the cgroup v1 controller {controller}, and {} is not there: \
                 boot with systemd.unified_cgroup_hierarchy=0, or run only the control-plane tests",
                root.display()
            );
        }
        let group = own_group(&mine, controller).unwrap_or("/");
        let path: PathBuf = root.join(group.trim_start_matches('/'));
        lines.push_str(&format!("{}/{PREFIX}{name}\n", path.display()));
    }
    Ok(lines.replace("//", "/"))
}

/// The path of this process in one hierarchy, from lines such as
/// `4:memory:/some/group` or `9:name=systemd:/`.
fn own_group<'a>(membership: &'a str, controller: &str) -> Option<&'a str> {
    membership.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let controllers = parts.next()?;
        let path = parts.next()?;
        controllers
            .split(',')
            .any(|name| name.trim_start_matches("name=") == controller)
            .then_some(path)
    })
}

#[cfg(test)]
mod tests {
    use super::own_group;

    const MEMBERSHIP: &str = "9:name=systemd:/init.scope\n4:memory:/a/b\n2:cpu,cpuacct:/\n0::/\n";

    #[test]
    fn the_group_of_a_controller_is_found_by_its_name() {
        assert_eq!(own_group(MEMBERSHIP, "memory"), Some("/a/b"));
        assert_eq!(own_group(MEMBERSHIP, "cpuacct"), Some("/"));
        assert_eq!(own_group(MEMBERSHIP, "systemd"), Some("/init.scope"));
        assert_eq!(own_group(MEMBERSHIP, "pids"), None);
    }
}
