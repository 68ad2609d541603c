//! What the end of a test run says.

use std::fmt;
use std::time::Duration;

/// A stage that ran.
#[derive(Debug)]
pub(super) struct Line {
    /// The steps that it is made of, as they are typed.
    pub(super) stage: String,
    pub(super) took: Duration,
    pub(super) passed: bool,
    /// What the test runner said at its end, where there was one.
    pub(super) summary: Option<String>,
}

/// The stages that ran, in order.
#[derive(Debug, Default)]
pub(super) struct Report {
    lines: Vec<Line>,
}

impl Report {
    /// Adds a stage that has ended.
    pub(super) fn add(&mut self, line: Line) {
        self.lines.push(line);
    }

    /// The command that repeats what failed, if anything did.
    pub(super) fn rerun(&self) -> Option<String> {
        let failed: Vec<&str> = self
            .lines
            .iter()
            .filter(|line| !line.passed)
            .map(|line| line.stage.as_str())
            .collect();
        if failed.is_empty() {
            None
        } else {
            Some(format!("cargo xtask test {}", failed.join(" ")))
        }
    }
}

/// A table of the stages, then the test runner's own closing lines: they are
/// what people and machines look for at the end of a log.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            let verdict = if line.passed { "passed" } else { "FAILED" };
            let seconds = line.took.as_secs_f64();
            writeln!(f, "{:<24}{verdict:<8}{seconds:>8.1} s", line.stage)?;
        }
        let total: Duration = self.lines.iter().map(|line| line.took).sum();
        writeln!(f, "{:<32}{:>8.1} s", "together", total.as_secs_f64())?;
        for summary in self.lines.iter().filter_map(|line| line.summary.as_ref()) {
            writeln!(f, "{summary}")?;
        }
        Ok(())
    }
}

/// Whether a line of output is the one in which nextest sums up.
pub(super) fn is_nextest_summary(line: &str) -> bool {
    line.contains("Summary [") && line.contains(" run: ")
}
