//! Formatting, lints and the judgement of dependencies.

use anyhow::Result;

use crate::{setup, shell};

/// `cargo xtask lint`: what can be said without running anything.
pub(crate) fn main() -> Result<()> {
    check_format()?;
    clippy()?;
    deny()
}

/// `cargo xtask fmt`.
pub(crate) fn format() -> Result<()> {
    shell::run(&mut shell::cargo(&["fmt", "--all"]))
}

/// Fails when a file is not formatted.
pub(crate) fn check_format() -> Result<()> {
    shell::run(&mut shell::cargo(&["fmt", "--all", "--check"]))
}

/// Fails on any compiler or clippy warning.
pub(crate) fn clippy() -> Result<()> {
    shell::run(&mut shell::cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ]))
}

/// Fails when an example in the documentation does not work.
pub(crate) fn examples() -> Result<()> {
    shell::run_quiet(&mut shell::cargo(&[
        "test",
        "--doc",
        "--workspace",
        "--locked",
    ]))
}

/// Fails on a dependency that `deny.toml` does not let in. Advisories are not
/// looked at: their database is not in any package registry.
pub(crate) fn deny() -> Result<()> {
    let tools = setup::tools()?;
    shell::run(
        shell::cargo(&["deny", "--locked", "check", "bans", "licenses", "sources"])
            .env("PATH", shell::path_with(tools)?),
    )
}
