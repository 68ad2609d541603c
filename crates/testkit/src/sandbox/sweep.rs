//! Removes what sandboxes left whose keeper was killed as well as their
//! owner: processes, state directories and empty cgroup directories.

use std::fs::{self, File};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::cgroups::PREFIX;
use super::{END_DEADLINE, Sandbox};

/// Where the state directories lie. Nobody else may write there: what the
/// files say is done with this process's rights.
pub(super) fn base_directory() -> Result<PathBuf> {
    let base = std::env::temp_dir().join("locust-operator-testkit");
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&base)
        .with_context(|| format!("make {}", base.display()))?;
    let owner = fs::metadata(&base)?.uid();
    if owner != nix::unistd::geteuid().as_raw() {
        bail!(
            "{} belongs to user {owner}: remove it, or set TMPDIR to a directory of your own",
            base.display()
        );
    }
    Ok(base)
}

/// Best effort: what cannot be removed now is tried again at the next start.
pub(super) fn remove_dead_sandboxes(base: &Path) {
    let Ok(entries) = fs::read_dir(base) else {
        return;
    };
    for entry in entries.flatten() {
        let dir = entry.path();
        if is_dead(&dir) {
            end_what_still_runs(&dir);
            // The directory names the cgroups: it stays until they are gone.
            if remove_cgroups(&dir) {
                let _ = fs::remove_dir_all(&dir);
            }
        }
    }
}

/// A sandbox whose lock can be taken has no owner. A directory without a lock
/// is just being made.
fn is_dead(dir: &Path) -> bool {
    if dir.join("keep").exists() {
        return false;
    }
    File::open(dir.join("owner.lock"))
        .is_ok_and(|file| Flock::lock(file, FlockArg::LockExclusiveNonblock).is_ok())
}

/// Init ends by itself when its owner does, unless somebody stopped it.
fn end_what_still_runs(dir: &Path) {
    let Ok(sandbox) = Sandbox::attach(dir) else {
        return;
    };
    if let Ok(init) = i32::try_from(sandbox.init_pid()) {
        let _ = kill(Pid::from_raw(init), Signal::SIGKILL);
    }
    let deadline = Instant::now() + END_DEADLINE;
    while sandbox.is_alive() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Whether none is left. A process that was killed leaves its cgroup a moment
/// later.
fn remove_cgroups(dir: &Path) -> bool {
    let listed = fs::read_to_string(dir.join("cgroups")).unwrap_or_default();
    let is_ours = |group: &&Path| {
        let name = group.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(PREFIX) && group.starts_with("/sys/fs/cgroup")
    };
    let groups: Vec<&Path> = listed.lines().map(Path::new).filter(is_ours).collect();
    let deadline = Instant::now() + END_DEADLINE;
    loop {
        groups.iter().for_each(|group| remove_empty_tree(group));
        if !groups.iter().any(|group| group.exists()) {
            return true;
        }
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Cgroup directories hold files that cannot be deleted; removing the
/// directories bottom up is enough.
fn remove_empty_tree(group: &Path) {
    let Ok(entries) = fs::read_dir(group) else {
        return;
    };
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_empty_tree(&entry.path());
        }
    }
    let _ = fs::remove_dir(group);
}
