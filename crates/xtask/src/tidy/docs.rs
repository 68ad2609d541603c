//! What documents promise: that what they point at is there.

use super::Problem;
use super::tree::{File, Tree};

const DECISIONS: &str = "docs/decisions/";

/// Decisions are numbered without gaps, have their three parts, and can be
/// found from their index.
pub(super) fn decisions_are_numbered_and_listed(tree: &Tree) -> Vec<Problem> {
    let index = tree.text("docs/decisions/README.md").unwrap_or_default();
    let mut decisions: Vec<&File> = tree
        .files
        .iter()
        .filter(|file| file.path.starts_with(DECISIONS) && file.name() != "README.md")
        .collect();
    decisions.sort_by(|a, b| a.path.cmp(&b.path));
    let mut problems = Vec::new();
    for (position, file) in decisions.iter().enumerate() {
        let number = format!("{:04}-", position + 1);
        if !file.name().starts_with(&number) {
            problems.push(Problem::new(
                &file.path,
                format!("should be numbered {number}"),
            ));
        }
        if !index.contains(&format!("]({})", file.name())) {
            problems.push(Problem::new(
                &file.path,
                "is not listed in docs/decisions/README.md",
            ));
        }
        for part in ["## Context", "## Decision", "## Consequences"] {
            if !file.text.lines().any(|line| line == part) {
                problems.push(Problem::new(&file.path, format!("lacks the part `{part}`")));
            }
        }
    }
    problems
}

/// A link inside the repository leads to something.
pub(super) fn links_lead_somewhere(tree: &Tree) -> Vec<Problem> {
    pages(tree)
        .flat_map(|page| {
            page.text
                .split("](")
                .skip(1)
                .filter_map(|rest| rest.split([')', '#']).next())
                .filter(|target| !target.is_empty() && !target.contains("://"))
                .filter(|target| !tree.has(&resolve(&page.path, target)))
                .map(|target| Problem::new(&page.path, format!("links to {target}: not there")))
                .collect::<Vec<_>>()
        })
        .collect()
}

/// A file or folder that a page names in backticks, by its full path, exists.
pub(super) fn named_files_exist(tree: &Tree) -> Vec<Problem> {
    pages(tree)
        .flat_map(|page| {
            page.text
                .split('`')
                .skip(1)
                .step_by(2)
                .filter(|name| is_path(name) && !tree.has(name))
                .map(|name| Problem::new(&page.path, format!("names {name}: not there")))
                .collect::<Vec<_>>()
        })
        .collect()
}

/// The Makefile has no logic: a target is its explanation and one command.
pub(super) fn make_targets_are_one_line_forwards(tree: &Tree) -> Vec<Problem> {
    let path = "Makefile";
    let text = tree.text(path).unwrap_or_default();
    let phony: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix(".PHONY:"))
        .flat_map(str::split_whitespace)
        .collect();
    let mut problems = Vec::new();
    for paragraph in text.split("\n\n") {
        let Some(target) = paragraph.lines().find_map(target_name) else {
            continue;
        };
        if paragraph.lines().filter(|l| l.starts_with('\t')).count() != 1 {
            problems.push(Problem::new(path, format!("{target}: not one line")));
        }
        if !paragraph.contains(": ## ") {
            problems.push(Problem::new(path, format!("{target}: no explanation")));
        }
        if !phony.contains(&target) {
            problems.push(Problem::new(path, format!("{target}: not in .PHONY")));
        }
    }
    problems
}

fn target_name(line: &str) -> Option<&str> {
    let name = line.split(':').next()?;
    let is_target = !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    (is_target && line.contains(':')).then_some(name)
}

fn pages(tree: &Tree) -> impl Iterator<Item = &File> {
    tree.files.iter().filter(|file| file.path.ends_with(".md"))
}

/// Whether this is meant as the path of something in the repository.
fn is_path(name: &str) -> bool {
    let folders = [
        "crates/",
        "docs/",
        "config/",
        "hack/",
        "examples/",
        "conformance/",
    ];
    folders.iter().any(|folder| name.starts_with(folder))
        && !name.contains([' ', '*', '<', '{', '…', ':'])
}

/// A link as seen from the page that holds it.
fn resolve(page: &str, target: &str) -> String {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    parts.join("/")
}
