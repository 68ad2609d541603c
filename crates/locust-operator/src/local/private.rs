//! A directory for one run that nobody else can look into: Secrets are in it.
//!
//! It is removed when it is dropped. What a killed runner leaves behind is
//! removed by the next one: a run holds a lock on its directory, and the kernel
//! takes locks back however a process ends.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// The lock beside a run's directory: `NAME.lock` for `NAME`.
const LOCK: &str = "lock";
/// Held while directories are made and removed.
const ALL: &str = "all.lock";

/// The directory of one run.
#[derive(Debug)]
pub struct PrivateDirectory {
    directory: TempDir,
    lock_path: PathBuf,
    _lock: File,
}

impl PrivateDirectory {
    /// Makes one in the user's cache, after removing those of killed runners.
    pub fn new(cache: &Path) -> io::Result<Self> {
        let parent = &cache.join("locust-operator/runs");
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(parent)?;
        let all = File::create(parent.join(ALL))?;
        all.lock()?;
        sweep(parent);
        let directory = tempfile::Builder::new()
            .prefix("run-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(parent)?;
        let lock_path = directory.path().with_extension(LOCK);
        let lock = File::create(&lock_path)?;
        lock.lock()?;
        Ok(Self {
            directory,
            lock_path,
            _lock: lock,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }
}

impl Drop for PrivateDirectory {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.lock_path);
    }
}

/// Removes the directories whose locks nobody holds. One that cannot be removed
/// is left to the next run: this one does not need it gone.
fn sweep(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else {
        return;
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        if !path.is_dir() {
            continue;
        }
        let lock_path = path.with_extension(LOCK);
        let is_held = File::open(&lock_path).is_ok_and(|lock| lock.try_lock().is_err());
        if !is_held && fs::remove_dir_all(&path).is_ok() {
            let _ = fs::remove_file(&lock_path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_runner_left_is_removed_and_what_is_in_use_is_not() {
        let cache = tempfile::tempdir().unwrap();
        let used = PrivateDirectory::new(cache.path()).unwrap();
        let parent = used.path().parent().unwrap().to_owned();
        let left = parent.join("run-left");
        fs::create_dir(&left).unwrap();
        fs::write(left.join("secret"), "s").unwrap();
        File::create(left.with_extension(LOCK)).unwrap();
        let next = PrivateDirectory::new(cache.path()).unwrap();
        assert!(!left.exists());
        assert!(used.path().exists());
        let mode = fs::metadata(next.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        let path = next.path().to_owned();
        drop(next);
        assert!(!path.exists());
    }
}
