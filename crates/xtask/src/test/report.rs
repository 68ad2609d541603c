//! What the end of a test run says.

use std::fmt;
use std::time::Duration;

/// Steps that ran at the same time.
#[derive(Debug)]
pub(super) struct Line {
    /// Their names, as they are typed.
    pub(super) steps: String,
    pub(super) took: Duration,
    pub(super) passed: bool,
    /// What the test runner said at its end, each time that it ran.
    pub(super) summaries: Vec<String>,
}

/// The steps that ran, in order.
#[derive(Debug, Default)]
pub(super) struct Report {
    lines: Vec<Line>,
}

impl Report {
    /// Adds a step that has ended.
    pub(super) fn add(&mut self, line: Line) {
        self.lines.push(line);
    }

    /// The command that repeats what failed, if anything did.
    pub(super) fn rerun(&self) -> Option<String> {
        let failed: Vec<&str> = self
            .lines
            .iter()
            .filter(|line| !line.passed)
            .map(|line| line.steps.as_str())
            .collect();
        if failed.is_empty() {
            None
        } else {
            Some(format!("cargo xtask test {}", failed.join(" ")))
        }
    }
}

/// A table of the steps, then the test runner's own closing lines: they are
/// what people and machines look for at the end of a log.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            let verdict = if line.passed { "passed" } else { "FAILED" };
            let seconds = line.took.as_secs_f64();
            writeln!(f, "{:<28}{verdict:<8}{seconds:>8.1} s", line.steps)?;
        }
        let total: Duration = self.lines.iter().map(|line| line.took).sum();
        writeln!(f, "{:<36}{:>8.1} s", "together", total.as_secs_f64())?;
        for summary in self.lines.iter().flat_map(|line| &line.summaries) {
            writeln!(f, "{summary}")?;
        }
        Ok(())
    }
}

/// Whether a line of output is the one in which nextest sums up.
pub(super) fn is_nextest_summary(line: &str) -> bool {
    line.contains("Summary [") && line.contains(" run: ")
}
