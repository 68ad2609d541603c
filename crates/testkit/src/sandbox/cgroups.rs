//! Where a node's cgroups go: one new directory per hierarchy, below the groups
//! this process is in, so that their limits hold for the node as well.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Where the hierarchies are mounted.
const ROOT: &str = "/sys/fs/cgroup";

/// The v1 hierarchies that the kubelet and runc use, as they are named under
/// [`ROOT`].
const CONTROLLERS: [&str; 9] = [
    "cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids", "systemd",
];

/// Every directory made for a node has this prefix; nothing else is ever
/// removed.
pub(super) const PREFIX: &str = "locust-testkit-";

/// The cgroup directories of the sandbox in `dir`, one a line: one in all on a
/// machine with cgroup v2 alone, else one per v1 controller.
pub(super) fn paths(dir: &Path) -> Result<String> {
    let name = dir.file_name().unwrap_or_default().to_string_lossy();
    let mine = fs::read_to_string("/proc/self/cgroup").context("read this process's cgroups")?;
    let parents = match Path::new(ROOT).join("cgroup.controllers").exists() {
        true => vec![unified_parent(&mine)],
        false => v1_parents(&mine)?,
    };
    let lines = parents
        .iter()
        .map(|parent| format!("{}/{PREFIX}{name}\n", parent.display()));
    Ok(lines.collect())
}

fn v1_parents(membership: &str) -> Result<Vec<PathBuf>> {
    let mut parents = Vec::new();
    for controller in CONTROLLERS {
        let root = Path::new(ROOT).join(controller);
        if !root.is_dir() {
            bail!(
                "the one-node test cluster needs cgroup v2, or v1 with the controller {controller}, and {} is not there: \
                 mount the cgroups that systemd would, or run only the control-plane tests",
                root.display()
            );
        }
        parents.push(below(
            &root,
            own_group(membership, controller).unwrap_or("/"),
        ));
    }
    Ok(parents)
}

/// With cgroup v2 a group that holds processes cannot hand controllers on to
/// groups below it, unless it is the root: the directory goes beside the own
/// group.
fn unified_parent(membership: &str) -> PathBuf {
    let own = Path::new(own_group(membership, "").unwrap_or("/"));
    let parent = own.parent().unwrap_or(own);
    below(Path::new(ROOT), &parent.to_string_lossy())
}

fn below(root: &Path, group: &str) -> PathBuf {
    match group.trim_matches('/') {
        "" => root.to_owned(),
        group => root.join(group),
    }
}

/// The path of this process in one hierarchy, from lines such as
/// `4:memory:/some/group` or `9:name=systemd:/`. That of v2 has no name.
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
    use std::path::Path;

    use super::{own_group, unified_parent};

    const MEMBERSHIP: &str = "9:name=systemd:/init.scope\n4:memory:/a/b\n2:cpu,cpuacct:/\n0::/\n";

    #[test]
    fn the_group_of_a_controller_is_found_by_its_name() {
        assert_eq!(own_group(MEMBERSHIP, "memory"), Some("/a/b"));
        assert_eq!(own_group(MEMBERSHIP, "cpuacct"), Some("/"));
        assert_eq!(own_group(MEMBERSHIP, "systemd"), Some("/init.scope"));
        assert_eq!(own_group(MEMBERSHIP, "pids"), None);
    }

    #[test]
    fn the_one_group_of_cgroup_v2_goes_beside_our_own() {
        let session = "0::/user.slice/user-0.slice/session-1.scope\n";
        let beside = "/sys/fs/cgroup/user.slice/user-0.slice";
        assert_eq!(unified_parent(session), Path::new(beside));
        assert_eq!(unified_parent("0::/\n"), Path::new("/sys/fs/cgroup"));
        assert_eq!(unified_parent("0::/one\n"), Path::new("/sys/fs/cgroup"));
    }
}
