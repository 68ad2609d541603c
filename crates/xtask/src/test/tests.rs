//! The end of a run, as people and machines read it.

use std::time::Duration;

use clap::ValueEnum;

use super::browser;
use super::report::{Line, Report, is_nextest_summary};
use super::seldom::SELDOM;
use super::steps::{Step, batches};
use crate::shell;

#[test]
fn every_step_is_typed_as_it_is_reported() {
    for step in Step::value_variants() {
        assert_eq!(Step::from_str(step.name(), false), Ok(*step));
    }
}

#[test]
fn steps_run_together_unless_one_disturbs_the_other() {
    use Step::{Clippy, ControlPlane, Crashes, Deny, Node, Replicas, Unit};
    let all = [Deny, Clippy, Unit, ControlPlane, Node, Crashes, Replicas];
    let expected: [&[Step]; 4] = [
        &[Deny],
        &[Clippy],
        &[Unit, ControlPlane, Node],
        &[Crashes, Replicas],
    ];
    assert_eq!(batches(&all), expected);
    let expected: [&[Step]; 3] = [&[Node], &[Replicas], &[Unit]];
    assert_eq!(batches(&[Node, Replicas, Unit]), expected);
}

#[test]
fn whatever_runs_seldom_exists() {
    let mut files = shell::command("git", &["grep", "-l", "", "--", "crates/*/tests/it/*.rs"]);
    let files = shell::output(&mut files).unwrap();
    let mut functions = shell::command(
        "git",
        &["grep", "-h", "fn ", "--", "crates/*/tests/it/*.rs"],
    );
    let functions = shell::output(&mut functions).unwrap();
    for name in SELDOM {
        let (module, test) = name.rsplit_once("::").unwrap();
        let file = format!("tests/it/{}.rs", module.replace("::", "/"));
        assert!(files.contains(&file), "{name}");
        assert!(functions.contains(&format!("fn {test}")), "{name}");
    }
}

fn line(steps: &str, passed: bool, summary: Option<&str>) -> Line {
    Line {
        steps: steps.to_owned(),
        took: Duration::from_millis(61_250),
        passed,
        summaries: summary.into_iter().map(str::to_owned).collect(),
    }
}

#[test]
fn the_report_names_the_command_that_repeats_what_failed() {
    let mut report = Report::default();
    report.add(line("fmt", false, None));
    report.add(line("deny", true, None));
    report.add(line("unit node", false, None));
    assert_eq!(
        report.rerun().as_deref(),
        Some("cargo xtask test fmt unit node")
    );
}

#[test]
fn the_report_ends_with_the_closing_line_of_the_test_runner() {
    let closing = "     Summary [   0.010s] 12 tests run: 12 passed, 0 skipped";
    assert!(is_nextest_summary(closing));
    let mut report = Report::default();
    report.add(line("unit", true, Some(closing)));
    assert_eq!(report.rerun(), None);
    assert_eq!(
        report.to_string(),
        format!(
            "unit                        passed      61.2 s\ntogether                                61.2 s\n{closing}\n"
        )
    );
}

#[test]
fn who_has_no_browser_is_told_which_tests_are_skipped() {
    let all = "not binary(it)";
    assert_eq!(browser::without(all, &[]), (all.to_owned(), None));
    let (filter, said) = browser::without(all, &["chromium"]);
    assert_eq!(filter, "(not binary(it)) - test(/::browser::/)");
    assert_eq!(
        said.as_deref(),
        Some(
            "skipped: the tests called browser::…, which need chromium; `cargo xtask setup` installs it"
        )
    );
}
