//! Everything on this machine that still belongs to one cluster.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Processes, mounts, cgroups and the state directory of the cluster in `dir`.
pub(crate) fn of(dir: &Path) -> Vec<String> {
    let name = dir.file_name().unwrap().to_string_lossy().into_owned();
    let mut left = processes(&name);
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    left.extend(
        mounts
            .lines()
            .filter(|line| line.contains(&name))
            .map(str::to_owned),
    );
    find_cgroups(Path::new("/sys/fs/cgroup"), &name, &mut left);
    if dir.exists() {
        left.push(format!("directory {}", dir.display()));
    }
    left
}

/// The owner was killed, so its keeper needs a moment.
pub(crate) fn assert_none_soon(dir: &Path) {
    let deadline = Instant::now() + Duration::from_secs(15);
    loop {
        let left = of(dir);
        if left.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "left behind: {left:#?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Recognised by their command line or their cgroup.
fn processes(name: &str) -> Vec<String> {
    let own = std::process::id().to_string();
    let entries = fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter(|entry| entry.file_name().to_string_lossy() != own)
        .filter_map(|entry| {
            let line = fs::read(entry.path().join("cmdline")).ok()?;
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            let cgroups = fs::read_to_string(entry.path().join("cgroup")).unwrap_or_default();
            (line.contains(name) || cgroups.contains(name))
                .then(|| format!("process {} {line}", entry.file_name().to_string_lossy()))
        })
        .collect()
}

fn find_cgroups(dir: &Path, name: &str, left: &mut Vec<String>) {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let directories: Vec<PathBuf> = entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect();
    for path in directories {
        if path.to_string_lossy().contains(name) {
            left.push(format!("cgroup {}", path.display()));
        }
        find_cgroups(&path, name, left);
    }
}
