//! What every source file has to be like.

use super::Problem;
use super::tree::{File, Tree};

const LONGEST_SOURCE: usize = 400;
const LONGEST_TEST: usize = 600;

/// Names under which anything can be put, and will be.
const CATCH_ALLS: [&str; 8] = [
    "util", "utils", "common", "helper", "helpers", "misc", "manager", "shared",
];

/// The Rust files of the workspace.
pub(super) fn rust(tree: &Tree) -> impl Iterator<Item = &File> {
    tree.files.iter().filter(|file| file.is_source())
}

/// The words of the code, its comments left out.
pub(super) fn code_words(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .flat_map(|line| line.split(|c: char| !c.is_alphanumeric() && c != '_'))
}

/// A file begins with its purpose.
pub(super) fn files_say_what_they_are_for(tree: &Tree) -> Vec<Problem> {
    rust(tree)
        .filter(|file| !file.text.starts_with("//! ") && !file.text.starts_with("#![doc"))
        .map(|file| Problem::new(&file.path, "does not begin with `//!` and its purpose"))
        .collect()
}

/// A file is short enough to be read in one go.
pub(super) fn files_are_short(tree: &Tree) -> Vec<Problem> {
    rust(tree)
        .filter_map(|file| {
            let limit = if file.is_test() {
                LONGEST_TEST
            } else {
                LONGEST_SOURCE
            };
            let lines = file.text.lines().count();
            (lines > limit).then(|| {
                Problem::new(
                    &file.path,
                    format!("has {lines} lines of at most {limit}; split it by what it is about"),
                )
            })
        })
        .collect()
}

/// A module is named for what it holds.
pub(super) fn modules_are_named_for_what_they_hold(tree: &Tree) -> Vec<Problem> {
    rust(tree)
        .filter(|file| {
            file.path
                .trim_end_matches(".rs")
                .split('/')
                .skip(2)
                .any(|part| CATCH_ALLS.contains(&part))
        })
        .map(|file| {
            Problem::new(
                &file.path,
                "is named for anything; name it for what it holds",
            )
        })
        .collect()
}

/// A test runs, and says itself what it expects.
pub(super) fn no_test_is_switched_off(tree: &Tree) -> Vec<Problem> {
    let marks = [concat!("#[", "ignore"), concat!("#[", "should_panic")];
    rust(tree)
        .flat_map(|file| {
            marks
                .iter()
                .filter(|mark| file.text.contains(**mark))
                .map(|mark| Problem::new(&file.path, format!("has a test with {mark}]")))
        })
        .collect()
}

/// Nothing refers to a folder of somebody's machine or to the host of a
/// package registry: everybody's package manager knows its own.
pub(super) fn no_machine_is_named(tree: &Tree) -> Vec<Problem> {
    let names = [
        concat!("/ro", "ot/"),
        concat!("/wo", "rk/"),
        concat!("/fa", "rm/"),
        concat!("../sh", "ared"),
        concat!("pypi", ".org"),
        concat!("pythonhosted", ".org"),
        concat!("static.crates", ".io"),
        concat!("index.crates", ".io"),
        concat!("proxy.golang", ".org"),
        concat!("sum.golang", ".org"),
        concat!("deb.debian", ".org"),
    ];
    tree.files
        .iter()
        .filter(|file| !file.path.ends_with(".lock"))
        .flat_map(|file| {
            names
                .iter()
                .filter(|name| begins_with(&file.text, name))
                .map(|name| Problem::new(&file.path, format!("names {name}")))
        })
        .collect()
}

/// Whether a path or host in the text begins like this; what only ends like
/// it, as below `/proc/1`, is somebody else's.
fn begins_with(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        text.get(..at)
            .and_then(|before| before.chars().next_back())
            .is_none_or(|before| !before.is_alphanumeric() && !"}*_-".contains(before))
    })
}
