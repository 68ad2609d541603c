//! The borders between the crates.

use super::tree::{File, PURE_CRATES, Tree};
use super::{Problem, sources};

/// Crates that reach the outside world, or exist to do so.
const IO_CRATES: [&str; 12] = [
    "axum",
    "hyper",
    "hyper-util",
    "kube",
    "kube-client",
    "kube-runtime",
    "nix",
    "reqwest",
    "rustls",
    "tokio",
    "tower",
    "tracing-subscriber",
];

/// What `locust-core` decides can be tested with values alone, and stays so,
/// because nothing that does IO can be called from it.
pub(super) fn pure_crates_cannot_do_io(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (name, built_of) in &tree.built_of {
        for io in IO_CRATES {
            if built_of.contains(io) {
                problems.push(Problem::new(
                    &format!("crates/{name}/Cargo.toml"),
                    format!("a pure crate is built of {io}"),
                ));
            }
        }
    }
    problems
}

/// clippy reads the nearest `clippy.toml` only, so those of the pure crates
/// have to repeat what the one at the top says.
pub(super) fn pure_crates_keep_the_lint_settings_of_all(tree: &Tree) -> Vec<Problem> {
    let shared = tree.text("clippy.toml").unwrap_or_default();
    let mut problems = Vec::new();
    for name in PURE_CRATES {
        let path = format!("crates/{name}/clippy.toml");
        let own = tree.text(&path).unwrap_or_default();
        let settings = shared
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        for setting in settings {
            if !own.lines().any(|line| line == setting) {
                problems.push(Problem::new(&path, format!("lacks `{setting}`")));
            }
        }
        for banned in ["SystemTime::now", "Instant::now", "env::var", "HashMap"] {
            if !own.contains(banned) {
                problems.push(Problem::new(&path, format!("does not ban {banned}")));
            }
        }
    }
    problems
}

/// A file called `rules.rs` is pure, in the crates that do IO too.
pub(super) fn rules_files_are_pure(tree: &Tree) -> Vec<Problem> {
    let impure = ["async", "await", "Client"];
    sources::rust(tree)
        .filter(|file| file.name() == "rules.rs")
        .flat_map(|file| {
            impure
                .iter()
                .filter(|word| sources::code_words(&file.text).any(|found| found == **word))
                .map(|word| Problem::new(&file.path, format!("rules are pure, yet here is {word}")))
        })
        .collect()
}

/// One version of the API is used; the others are converted at the border.
pub(super) fn only_the_latest_api_is_named(tree: &Tree) -> Vec<Problem> {
    sources::rust(tree)
        .filter(|file| !file.path.starts_with("crates/locust-api/"))
        .filter(|file| names_a_version(file))
        .map(|file| {
            Problem::new(
                &file.path,
                "names a version of the API; use locust_api::latest",
            )
        })
        .collect()
}

fn names_a_version(file: &File) -> bool {
    let crate_path = concat!("locust_api", "::");
    file.text.match_indices(crate_path).any(|(at, found)| {
        let rest = file.text.get(at + found.len()..).unwrap_or_default();
        let named = match rest.strip_prefix('{') {
            Some(list) => list.split('}').next().unwrap_or_default(),
            None => rest.split([':', ';', ' ']).next().unwrap_or_default(),
        };
        named
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .any(is_version)
    })
}

/// `v1`, `v2`, `v10`; not `v`, `value` or `v2beta`.
fn is_version(word: &str) -> bool {
    word.strip_prefix('v')
        .is_some_and(|digits| !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit()))
}
