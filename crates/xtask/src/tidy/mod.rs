//! The conventions of this repository that no compiler checks.
//!
//! Each [`Rule`] is a pure function over a [`Tree`], so that its own test can
//! plant a violation without touching the disk. `cargo xtask tidy` and the
//! tests apply every rule to the repository itself.

mod docs;
mod layers;
mod sources;
mod tree;

#[cfg(test)]
mod tests;

use std::fmt;

use anyhow::{Result, bail};

use crate::workspace;
use tree::Tree;

/// A place where a convention is broken, and which.
#[derive(Debug, PartialEq, Eq)]
struct Problem {
    path: String,
    what: String,
}

impl Problem {
    fn new(path: &str, what: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            what: what.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.what)
    }
}

/// One convention.
type Rule = fn(&Tree) -> Vec<Problem>;

/// All of them.
const RULES: [Rule; 13] = [
    layers::pure_crates_cannot_do_io,
    layers::pure_crates_keep_the_lint_settings_of_all,
    layers::rules_files_are_pure,
    layers::only_the_latest_api_is_named,
    sources::files_say_what_they_are_for,
    sources::files_are_short,
    sources::modules_are_named_for_what_they_hold,
    sources::no_test_is_switched_off,
    sources::no_machine_is_named,
    docs::decisions_are_numbered_and_listed,
    docs::links_lead_somewhere,
    docs::named_files_exist,
    docs::make_targets_are_one_line_forwards,
];

/// `cargo xtask tidy`.
pub(crate) fn main() -> Result<()> {
    let tree = tree::read(workspace::root())?;
    let problems: Vec<Problem> = RULES.iter().flat_map(|rule| rule(&tree)).collect();
    for problem in &problems {
        eprintln!("{problem}");
    }
    match problems.len() {
        0 => Ok(()),
        1 => bail!("one convention is broken; STYLE.md has the reasons"),
        many => bail!("{many} conventions are broken; STYLE.md has the reasons"),
    }
}
