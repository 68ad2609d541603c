//! What a machine needs beside Rust, Go and Python, put there on demand.
//!
//! Nothing is installed silently: each installation is one line of output.
//! Where the rights for it are missing, the error is [`Missing`] and names the
//! exact command to run first.

mod debian;
mod tools;

#[cfg(test)]
mod tests;

use anyhow::Result;
use testkit::host;

pub(crate) use tools::tools;

/// Something that only the user can put in place. The program exits with 2.
#[derive(Debug)]
pub(crate) struct Missing {
    advice: String,
}

impl Missing {
    /// `advice` says what is missing and what to do about it.
    pub(crate) fn new(advice: impl Into<String>) -> Self {
        Self {
            advice: advice.into(),
        }
    }
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.advice)
    }
}

impl std::error::Error for Missing {}

/// `cargo xtask setup`: everything that tests and cluster need.
pub(crate) fn main() -> Result<()> {
    tools()?;
    node_packages()?;
    browser()?;
    eprintln!("setup: everything is in place");
    Ok(())
}

/// The programs that a one-node cluster is made of, beside Kubernetes itself.
pub(crate) fn node_packages() -> Result<()> {
    debian::install(&host::missing_packages(host::NODE_PACKAGES))
}

/// The browser of the tests of pages. Without it those tests are skipped, but
/// for CI.
pub(crate) fn browser() -> Result<()> {
    debian::install(&host::missing_packages(host::BROWSER_PACKAGES))
}

/// What a private Python environment needs.
fn python_packages() -> Result<()> {
    debian::install(&debian::missing_for_python())
}
