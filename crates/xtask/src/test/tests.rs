//! The end of a run, as people and machines read it.

use std::time::Duration;

use clap::ValueEnum;

use super::Step;
use super::report::{Outcome, Report, is_nextest_summary};

#[test]
fn every_step_is_typed_as_it_is_reported() {
    for step in Step::value_variants() {
        assert_eq!(Step::from_str(step.name(), false), Ok(*step));
    }
}

#[test]
fn the_report_names_the_command_that_repeats_what_failed() {
    let mut report = Report::default();
    report.add("fmt", Duration::from_millis(1200), Outcome::Failed);
    report.add(
        "deny",
        Duration::from_secs(2),
        Outcome::Passed { summary: None },
    );
    report.add("unit", Duration::from_secs(3), Outcome::Failed);
    assert_eq!(report.rerun().as_deref(), Some("cargo xtask test fmt unit"));
}

#[test]
fn the_report_ends_with_the_closing_line_of_the_test_runner() {
    let closing = "     Summary [   0.010s] 12 tests run: 12 passed, 0 skipped";
    assert!(is_nextest_summary(closing));
    let mut report = Report::default();
    report.add(
        "unit",
        Duration::from_millis(61_250),
        Outcome::Passed {
            summary: Some(closing.to_owned()),
        },
    );
    assert_eq!(report.rerun(), None);
    assert_eq!(
        report.to_string(),
        format!(
            "unit            passed      61.2 s\ntogether                    61.2 s\n{closing}\n"
        )
    );
}
