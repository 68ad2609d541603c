//! Where things are: the repository, and the cache outside of it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::shell;

/// The top folder of the repository.
pub(crate) fn root() -> &'static Path {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest
        .parent()
        .and_then(Path::parent)
        .unwrap_or(Path::new("."))
}

/// The tracked and the new files, as git lists them: what it ignores is not
/// part of the project. Their paths are relative to the top folder.
pub(crate) fn files() -> Result<Vec<String>> {
    let listed = shell::output(&mut shell::command(
        "git",
        &["ls-files", "--cached", "--others", "--exclude-standard"],
    ))?;
    // A file may be listed and deleted, or be a link.
    let files: Vec<String> = listed
        .lines()
        .filter(|path| root().join(path).is_file())
        .map(str::to_owned)
        .collect();
    if files.is_empty() {
        bail!("git lists no file in {}", root().display());
    }
    Ok(files)
}

/// The folder for things that are built or fetched once per machine.
pub(crate) fn cache() -> Result<PathBuf> {
    let base = match std::env::var_os("XDG_CACHE_HOME") {
        Some(dir) if !dir.is_empty() => PathBuf::from(dir),
        _ => {
            let home = std::env::var_os("HOME")
                .context("finding the cache folder: neither XDG_CACHE_HOME nor HOME is set")?;
            Path::new(&home).join(".cache")
        }
    };
    Ok(base.join("locust-operator"))
}
