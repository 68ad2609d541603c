//! Compiles a program of this workspace to a static binary for an image.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context, bail};

use super::workspace;
use crate::shell;

/// The one platform of the images; it has to be this machine's as well.
const TARGET: &str = "x86_64-unknown-linux-gnu";
/// The same in the words of an image configuration.
pub(super) const ARCHITECTURE: &str = "amd64";

/// The release build of one program. Cargo decides whether there is anything
/// to do, and shows its progress on stderr.
///
/// The target is named although it is the host's own: only then do the flags
/// leave out build scripts and procedural macros, which cannot be static.
pub(super) fn static_binary(package: &str, bin: &str) -> anyhow::Result<PathBuf> {
    if std::env::consts::ARCH != "x86_64" {
        bail!(
            "images can be built on x86_64 only, not on {}",
            std::env::consts::ARCH
        );
    }
    let target_dir = workspace()?.join("target/image");
    let status = shell::cargo(&["build", "--release", "--locked", "--target", TARGET])
        .args(["--package", package, "--bin", bin, "--target-dir"])
        .arg(&target_dir)
        .env("CARGO_ENCODED_RUSTFLAGS", flags()?)
        .status()
        .with_context(|| format!("building {bin}: cannot start cargo"))?;
    if !status.success() {
        bail!("building {bin} for an image failed: see cargo's messages above");
    }
    Ok(target_dir.join(TARGET).join("release").join(bin))
}

/// Static, and with the places of sources replaced by fixed ones: panic
/// messages hold them, and the same sources have to give the same bytes
/// wherever they are checked out.
pub(super) fn flags() -> anyhow::Result<OsString> {
    let mut flags = OsString::from("-Ctarget-feature=+crt-static");
    for (path, name) in private_paths()? {
        flags.push("\u{1f}--remap-path-prefix=");
        flags.push(path);
        flags.push("=");
        flags.push(name);
    }
    Ok(flags)
}

/// The places on this machine that sources are compiled from, with the names
/// that they get instead.
pub(super) fn private_paths() -> anyhow::Result<Vec<(PathBuf, &'static str)>> {
    let cargo_home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cargo")))
        .context("finding cargo's home directory: neither CARGO_HOME nor HOME is set")?;
    Ok(vec![
        (workspace()?.to_owned(), "/src"),
        (cargo_home, "/cargo"),
    ])
}
