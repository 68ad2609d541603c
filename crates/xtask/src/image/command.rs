//! Runs other programs, quietly unless they fail.

use std::process::{Command, Stdio};

use anyhow::{Context, bail};

/// How much of a failed program's output is worth showing.
const SHOWN_LINES: usize = 20;

/// Runs `command` to its end and returns what it printed to stdout. A failure
/// is told as the `purpose` with the end of its output.
pub(super) fn run(purpose: &str, command: &mut Command) -> anyhow::Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{purpose}: cannot start {program}"))?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(stdout);
    }
    let all = stdout + &String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = all.lines().collect();
    let end = lines.len().saturating_sub(SHOWN_LINES);
    let shown = lines.get(end..).unwrap_or_default().join("\n");
    bail!("{purpose}: {program}: {}\n{shown}", output.status)
}
