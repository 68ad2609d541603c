//! Archives that are made once per recipe and kept in the user's cache.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::Context;
use sha2::{Digest, Sha256};

/// The archive made by a recipe, made now if it is not there yet. `recipe` is
/// everything that decides its content: a change to any part makes a new one.
///
/// `make` gets a path to write to, on the same file system. Several processes
/// that ask at once wait for the one that makes it.
pub(super) fn archive(
    name: &str,
    recipe: &[&str],
    make: impl FnOnce(&Path) -> anyhow::Result<()>,
) -> anyhow::Result<PathBuf> {
    archive_in(&directory()?, name, recipe, make)
}

pub(super) fn archive_in(
    directory: &Path,
    name: &str,
    recipe: &[&str],
    make: impl FnOnce(&Path) -> anyhow::Result<()>,
) -> anyhow::Result<PathBuf> {
    let path = directory.join(format!("{name}-{}.tar", key(recipe)));
    if path.exists() {
        return Ok(path);
    }
    fs::create_dir_all(directory).with_context(|| format!("making {}", directory.display()))?;
    let lock = directory.join(format!(".{name}.lock"));
    let lock = File::create(&lock).with_context(|| format!("making {}", lock.display()))?;
    lock.lock().with_context(|| {
        format!(
            "waiting for another process to make the {name} image in {}",
            directory.display()
        )
    })?;
    if !path.exists() {
        let scratch = tempfile::tempdir_in(directory)
            .with_context(|| format!("making a directory in {}", directory.display()))?;
        let unfinished = scratch.path().join("archive.tar");
        make(&unfinished).with_context(|| format!("making the {name} image"))?;
        fs::rename(&unfinished, &path).with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(path)
}

/// Each part counts with its length, so that text moved from one part to the
/// next is a change too.
fn key(recipe: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in recipe {
        hash.update(part.len().to_string());
        hash.update(":");
        hash.update(part);
    }
    let mut key = super::oci::hex(&hash.finalize());
    key.truncate(16);
    key
}

fn directory() -> anyhow::Result<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache")))
        .context("finding the cache directory: neither XDG_CACHE_HOME nor HOME is set")?;
    Ok(cache.join("locust-operator/images"))
}
