//! Figures as a page.

use std::fmt::Write as _;
use std::thread;

/// One measured value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Figure {
    pub(super) what: &'static str,
    pub(super) value: f64,
    pub(super) unit: &'static str,
    /// What it may be at most, where something is held to a limit.
    pub(super) limit: Option<f64>,
    /// The same of the operator in Go, where it was measured.
    pub(super) upstream: &'static str,
    pub(super) how: &'static str,
}

impl Figure {
    /// A row, in the order of its columns.
    pub(super) const fn new(
        what: &'static str,
        value: f64,
        unit: &'static str,
        limit: Option<f64>,
        upstream: &'static str,
        how: &'static str,
    ) -> Self {
        Self {
            what,
            value,
            unit,
            limit,
            upstream,
            how,
        }
    }

    fn is_over(&self) -> bool {
        self.limit.is_some_and(|limit| self.value > limit)
    }
}

/// The page that is committed.
pub(super) fn page(figures: &[Figure]) -> String {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    format!(
        "# Figures\n\n\
         Written by `make bench` on {cores} cores; other machines give others.\n\
         `cargo xtask bench PART` prints the rows of a part alone; `cargo xtask bench --help` lists the parts.\n\
         The last column but one is locust-k8s-operator 2.3.0, measured in the same way.\n\n{}",
        markdown(figures)
    )
}

/// The table alone.
pub(super) fn markdown(figures: &[Figure]) -> String {
    let mut table =
        String::from("| figure | value | at most | in Go | how |\n|---|---:|---:|---:|---|\n");
    for figure in figures {
        let value = number(figure.value);
        let limit = figure.limit.map(number).unwrap_or_default();
        let over = if figure.is_over() { " **over**" } else { "" };
        let Figure {
            what,
            unit,
            upstream,
            how,
            ..
        } = figure;
        let measured = format!("{value} {unit}");
        let measured = measured.trim_end();
        // Writing to a string cannot fail.
        let _ = writeln!(
            table,
            "| {what} | {measured}{over} | {limit} | {upstream} | {how} |"
        );
    }
    table
}

/// As many digits as mean something.
fn number(value: f64) -> String {
    if value.fract() == 0.0 || value >= 100.0 {
        format!("{value:.0}")
    } else if value < 2.0 {
        format!("{value:.2}")
    } else {
        format!("{value:.1}")
    }
}

/// The middle one of several measurements.
pub(super) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
