//! Tests that need a browser: modules of that name.
//!
//! A person without one is told so and goes on without those tests; CI has them
//! always.

use anyhow::Result;
use testkit::host;

use crate::setup;

/// The filter of a step, without the tests that cannot run here; which those
/// are goes to `summaries`.
pub(super) fn filter(all: &str, summaries: &mut Vec<String>) -> Result<String> {
    if std::env::var_os("NEXTEST_PROFILE").is_some_and(|profile| profile == "ci") {
        setup::browser()?;
    }
    let missing = host::missing_packages(host::BROWSER_PACKAGES);
    let (filter, skipped) = without(all, &missing);
    if let Some(skipped) = skipped {
        eprintln!("{skipped}");
        summaries.push(skipped);
    }
    Ok(filter)
}

/// The filter without what needs the missing packages, and what to say of it.
pub(super) fn without(all: &str, missing: &[&str]) -> (String, Option<String>) {
    if missing.is_empty() {
        return (all.to_owned(), None);
    }
    let skipped = format!(
        "skipped: the tests called browser::…, which need {}; `cargo xtask setup` installs it",
        missing.join(" ")
    );
    (format!("({all}) - test(/::browser::/)"), Some(skipped))
}
