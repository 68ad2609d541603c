//! What becomes here of the known defects of locust-k8s-operator 2.3.0, made
//! from `conformance/defects.json`.

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::workspace;

const SOURCE: &str = "conformance/defects.json";

/// One defect of the other operator.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Defect {
    /// Its number, as deviations name it.
    pub(super) defect: String,
    /// What that operator does.
    there: String,
    /// What this one does.
    here: String,
    /// Names of the tests that show it.
    pub(super) tests: Vec<String>,
}

pub(super) fn read() -> Result<Vec<Defect>> {
    let path = workspace::root().join(SOURCE);
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("reading {}", path.display()))
}

/// The part of the page that is made of them.
pub(super) fn section(defects: &[Defect]) -> Result<String> {
    let mut section = String::from(
        "\n## Defects of that operator\n\n| defect | there | here | shown by |\n|---|---|---|---|\n",
    );
    for Defect {
        defect,
        there,
        here,
        tests,
    } in defects
    {
        let tests: Vec<String> = tests.iter().map(|test| format!("`{test}`")).collect();
        writeln!(
            section,
            "| {defect} | {there} | {here} | {} |",
            tests.join(", ")
        )?;
    }
    Ok(section)
}
