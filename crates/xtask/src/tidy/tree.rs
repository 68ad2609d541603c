//! The repository as values: its text files and what its crates are built of.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::{shell, workspace};

/// The crates that may not reach the outside world.
pub(super) const PURE_CRATES: [&str; 2] = ["locust-api", "locust-core"];

/// A text file; `path` is relative to the top folder, with `/`.
#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) path: String,
    pub(super) text: String,
}

impl File {
    /// Whether it is Rust source that the compiler sees.
    pub(super) fn is_source(&self) -> bool {
        let is_of_ours = ["crates/", "fuzz/"].map(|folder| self.path.starts_with(folder));
        is_of_ours.contains(&true) && self.path.ends_with(".rs")
    }

    /// Whether it holds tests and nothing else.
    pub(super) fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.contains("/tests/")
    }

    /// The file's name without its folders.
    pub(super) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

/// What the rules look at.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) files: Vec<File>,
    /// Every crate that a pure crate is built of, however deep.
    pub(super) built_of: BTreeMap<String, BTreeSet<String>>,
}

impl Tree {
    /// The text of one file, if it is there.
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.files
            .iter()
            .find(|file| file.path == path)
            .map(|file| file.text.as_str())
    }

    /// Whether this is a file or a folder with files in it.
    pub(super) fn has(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        self.files.iter().any(|file| {
            file.path
                .strip_prefix(path)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }
}

/// Reads the repository at `root`.
pub(super) fn read(root: &Path) -> Result<Tree> {
    let mut built_of = BTreeMap::new();
    for name in PURE_CRATES {
        built_of.insert(name.to_owned(), dependencies(name)?);
    }
    Ok(Tree {
        files: files(root)?,
        built_of,
    })
}

/// The project's text files; those that are not text are left out.
fn files(root: &Path) -> Result<Vec<File>> {
    let mut files = Vec::new();
    for path in workspace::files()? {
        let full = root.join(&path);
        let bytes = fs::read(&full).with_context(|| format!("reading {}", full.display()))?;
        if let Ok(text) = String::from_utf8(bytes) {
            files.push(File { path, text });
        }
    }
    Ok(files)
}

/// Everything that a crate is built of, from cargo's own resolution.
fn dependencies(name: &str) -> Result<BTreeSet<String>> {
    let listed = shell::output(&mut shell::cargo(&[
        "tree",
        "--locked",
        "--package",
        name,
        "--edges",
        "normal,build",
        "--prefix",
        "none",
    ]))?;
    Ok(listed
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect())
}
