//! Each rule sees a planted violation, and the repository has none.

use std::collections::BTreeMap;

use super::tree::{self, File, Tree};
use super::{Problem, Rule, docs, layers, sources};
use crate::workspace;

fn tree(files: &[(&str, &str)]) -> Tree {
    Tree {
        files: files
            .iter()
            .map(|(path, text)| File {
                path: (*path).to_owned(),
                text: (*text).to_owned(),
            })
            .collect(),
        built_of: BTreeMap::new(),
    }
}

fn found(rule: Rule, files: &[(&str, &str)]) -> Vec<String> {
    rule(&tree(files)).iter().map(Problem::to_string).collect()
}

#[test]
fn the_repository_is_tidy() {
    let tree = tree::read(workspace::root()).unwrap();
    let problems: Vec<String> = super::RULES
        .iter()
        .flat_map(|rule| rule(&tree))
        .map(|problem| problem.to_string())
        .collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn a_pure_crate_built_of_tokio_is_found() {
    let mut tree = tree(&[]);
    let crates = ["serde", "tokio"].map(str::to_owned).into();
    tree.built_of.insert("locust-core".to_owned(), crates);
    assert_eq!(
        layers::pure_crates_cannot_do_io(&tree),
        [Problem::new(
            "crates/locust-core/Cargo.toml",
            "a pure crate is built of tokio"
        )]
    );
}

#[test]
fn the_dependencies_of_the_pure_crates_are_really_read() {
    let tree = tree::read(workspace::root()).unwrap();
    for name in tree::PURE_CRATES {
        let built_of = &tree.built_of[name];
        assert!(built_of.contains("k8s-openapi"), "{name}: {built_of:?}");
    }
}

#[test]
fn a_pure_crate_that_forgets_a_lint_setting_or_a_ban_is_found() {
    let bans = "# SystemTime::now Instant::now env::var HashMap\n";
    let complete = format!("a = true\n{bans}");
    assert_eq!(
        found(
            layers::pure_crates_keep_the_lint_settings_of_all,
            &[
                ("clippy.toml", "# why\na = true\n"),
                ("crates/locust-api/clippy.toml", &complete),
                (
                    "crates/locust-core/clippy.toml",
                    "# SystemTime::now env::var HashMap"
                ),
            ],
        ),
        [
            "crates/locust-core/clippy.toml: lacks `a = true`",
            "crates/locust-core/clippy.toml: does not ban Instant::now",
        ]
    );
}

#[test]
fn rules_that_wait_or_call_are_found() {
    assert_eq!(
        found(
            layers::rules_files_are_pure,
            &[
                (
                    "crates/x/src/a/rules.rs",
                    "//! No async here.\nfn f(c: &Client) {}"
                ),
                (
                    "crates/x/src/b/rules.rs",
                    "//! Pure.\nfn f(client: u8) {} // async"
                ),
                ("crates/x/src/c.rs", "async fn f() {}"),
            ],
        ),
        ["crates/x/src/a/rules.rs: rules are pure, yet here is Client"]
    );
}

#[test]
fn a_version_of_the_api_is_found_however_it_is_imported() {
    let path = concat!("locust_api", "::");
    let by_name = format!("use {path}v2::LocustTest;");
    let in_a_list = format!("use {path}{{\n    names,\n    v1,\n}};");
    let latest = format!("use {path}latest::LocustTest;\nuse k8s_openapi::api::core::v1::Pod;");
    let problem = "names a version of the API; use locust_api::latest";
    assert_eq!(
        found(
            layers::only_the_latest_api_is_named,
            &[
                ("crates/x/src/a.rs", &by_name),
                ("crates/x/src/b.rs", &in_a_list),
                ("crates/x/src/c.rs", &latest),
                ("crates/locust-api/src/convert.rs", &by_name),
            ],
        ),
        [
            format!("crates/x/src/a.rs: {problem}"),
            format!("crates/x/src/b.rs: {problem}")
        ]
    );
}

#[test]
fn a_file_without_a_purpose_is_found() {
    assert_eq!(
        found(
            sources::files_say_what_they_are_for,
            &[
                ("crates/x/src/a.rs", "use b;\n//! Too late."),
                ("crates/x/src/b.rs", "//! In time."),
                ("hack/kube/main.go", "package main"),
            ],
        ),
        ["crates/x/src/a.rs: does not begin with `//!` and its purpose"]
    );
}

#[test]
fn a_long_file_is_found_and_tests_may_be_longer() {
    let long = "\n".repeat(401);
    let too_long = "\n".repeat(601);
    assert_eq!(
        found(
            sources::files_are_short,
            &[
                ("crates/x/src/a.rs", &long),
                ("crates/x/src/a/tests.rs", &long),
                ("crates/x/tests/it/b.rs", &too_long),
            ],
        ),
        [
            "crates/x/src/a.rs: has 401 lines of at most 400; split it by what it is about",
            "crates/x/tests/it/b.rs: has 601 lines of at most 600; split it by what it is about",
        ]
    );
}

#[test]
fn a_module_for_anything_is_found() {
    let problem = "is named for anything; name it for what it holds";
    assert_eq!(
        found(
            sources::modules_are_named_for_what_they_hold,
            &[
                ("crates/x/src/util.rs", ""),
                ("crates/x/src/helpers/mod.rs", ""),
                ("crates/x/src/utility_rates.rs", ""),
            ],
        ),
        [
            format!("crates/x/src/util.rs: {problem}"),
            format!("crates/x/src/helpers/mod.rs: {problem}")
        ]
    );
}

#[test]
fn a_test_that_does_not_run_is_found() {
    let off = concat!("#[test]\n#[", "ignore = \"slow\"]\nfn t() {}");
    assert_eq!(
        found(
            sources::no_test_is_switched_off,
            &[("crates/x/src/tests.rs", off)]
        ),
        [concat!(
            "crates/x/src/tests.rs: has a test with #[",
            "ignore]"
        )]
    );
}

#[test]
fn a_folder_of_a_machine_is_found_in_any_file_but_a_lock_file() {
    let text = concat!("see /wo", "rk/x");
    assert_eq!(
        found(
            sources::no_machine_is_named,
            &[("README.md", text), ("Cargo.lock", text)],
        ),
        [concat!("README.md: names /wo", "rk/")]
    );
}

#[test]
fn a_decision_that_is_misnumbered_unlisted_or_incomplete_is_found() {
    let whole = "# T\n## Context\n## Decision\n## Consequences\n";
    assert_eq!(
        found(
            docs::decisions_are_numbered_and_listed,
            &[
                (
                    "docs/decisions/README.md",
                    "- [A](0001-a.md)\n- [B](0003-b.md)"
                ),
                ("docs/decisions/0001-a.md", whole),
                ("docs/decisions/0003-b.md", whole),
                ("docs/decisions/0003-c.md", "# T\n## Context\n## Decision\n"),
            ],
        ),
        [
            "docs/decisions/0003-b.md: should be numbered 0002-",
            "docs/decisions/0003-c.md: is not listed in docs/decisions/README.md",
            "docs/decisions/0003-c.md: lacks the part `## Consequences`",
        ]
    );
}

#[test]
fn a_link_to_nothing_is_found() {
    assert_eq!(
        found(
            docs::links_lead_somewhere,
            &[
                (
                    "docs/a.md",
                    "[b](b.md#part) [c](../c.md) [w](https://x) [p](#part)"
                ),
                ("docs/b.md", "[folder](../docs/) [gone](gone.md)"),
            ],
        ),
        [
            "docs/a.md: links to ../c.md: not there",
            "docs/b.md: links to gone.md: not there",
        ]
    );
}

#[test]
fn a_named_file_that_is_gone_is_found() {
    assert_eq!(
        found(
            docs::named_files_exist,
            &[
                (
                    "A.md",
                    "`crates/x/src/a.rs` `crates/x/` `crates/y/src/b.rs` `cargo test` `crates/*`"
                ),
                ("crates/x/src/a.rs", ""),
            ],
        ),
        ["A.md: names crates/y/src/b.rs: not there"]
    );
}

#[test]
fn a_make_target_with_logic_is_found() {
    let makefile = ".PHONY: a\n\na: ## Good\n\t@cargo xtask a\n\nb: a\n\t@one\n\t@two\n";
    assert_eq!(
        found(
            docs::make_targets_are_one_line_forwards,
            &[("Makefile", makefile)],
        ),
        [
            "Makefile: b: not one line",
            "Makefile: b: no explanation",
            "Makefile: b: not in .PHONY",
        ]
    );
}
