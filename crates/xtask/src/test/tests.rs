//! The end of a run, as people and machines read it.

use std::time::Duration;

use clap::ValueEnum;

use super::Step;
use super::report::{Line, Report, is_nextest_summary};
use super::stages::{self, Check, Stage, Suite};

#[test]
fn every_step_is_typed_as_it_is_reported() {
    for step in Step::value_variants() {
        assert_eq!(Step::from_str(step.name(), false), Ok(*step));
    }
}

#[test]
fn suites_run_side_by_side_and_crashes_after_them() {
    use Step::{Clippy, ControlPlane, Crashes, Node, Unit};
    assert_eq!(
        stages::of(&[Unit, Clippy, ControlPlane, Crashes, Node]),
        [
            Stage::Tests(vec![Suite::Unit, Suite::ControlPlane, Suite::Node]),
            Stage::Check(Check::Clippy),
            Stage::Tests(vec![Suite::Crashes]),
        ]
    );
    assert_eq!(
        stages::of(&[Crashes, Node]),
        [
            Stage::Tests(vec![Suite::Crashes]),
            Stage::Tests(vec![Suite::Node]),
        ]
    );
}

#[test]
fn a_stage_is_named_by_the_steps_that_it_is_made_of() {
    let all = stages::of(Step::value_variants());
    let names: Vec<String> = all.iter().map(Stage::name).collect();
    assert_eq!(
        names,
        [
            "fmt",
            "deny",
            "clippy",
            "doc",
            "unit control-plane node",
            "crashes"
        ]
    );
}

fn line(stage: &str, passed: bool, summary: Option<&str>) -> Line {
    Line {
        stage: stage.to_owned(),
        took: Duration::from_millis(61_250),
        passed,
        summary: summary.map(str::to_owned),
    }
}

#[test]
fn the_report_names_the_command_that_repeats_what_failed() {
    let mut report = Report::default();
    report.add(line("fmt", false, None));
    report.add(line("deny", true, None));
    report.add(line("unit", false, None));
    assert_eq!(report.rerun().as_deref(), Some("cargo xtask test fmt unit"));
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
            "unit                    passed      61.2 s\ntogether                            61.2 s\n{closing}\n"
        )
    );
}
