//! `docs/book/deviations.md`, made from `conformance/deviations.json` and
//! `conformance/defects.json`.
//!
//! The file says where our objects and our behaviour differ from those of
//! locust-k8s-operator 2.3.0. Its JSON Patches turn that operator's expected
//! objects into ours, so that a comparison accepts exactly what is written
//! down; the page says the same to people who migrate.

mod defects;

#[cfg(test)]
mod tests;

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::workspace;

const SOURCE: &str = "conformance/deviations.json";
pub(crate) const PAGE: &str = "docs/book/deviations.md";

/// One deviation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Deviation {
    object: Object,
    what: String,
    why: String,
    /// The defect of the other operator that it mends.
    #[serde(default)]
    defect: String,
    /// The name of the test that proves it.
    test: Option<String>,
    /// JSON Patch operations on the other operator's object.
    #[serde(default)]
    patch: Vec<serde_json::Value>,
}

/// What differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Object {
    Service,
    MasterJob,
    WorkerJob,
    Behaviour,
}

impl Object {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Service, "The master's Service"),
        (Self::MasterJob, "The master's Job"),
        (Self::WorkerJob, "The workers' Job"),
        (Self::Behaviour, "Behaviour"),
    ];
}

/// The page as the file makes it.
pub(crate) fn fresh_page() -> Result<String> {
    let mut whole = page(&read()?)?;
    whole.push_str(&defects::section(&defects::read()?)?);
    Ok(whole)
}

fn read() -> Result<Vec<Deviation>> {
    let path = workspace::root().join(SOURCE);
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("reading {}", path.display()))
}

fn page(deviations: &[Deviation]) -> Result<String> {
    let mut page = String::from(INTRODUCTION);
    for (object, title) in Object::ALL {
        writeln!(page, "\n## {title}\n")?;
        writeln!(
            page,
            "| differs | because | defect | shown by |\n|---|---|---|---|"
        )?;
        for deviation in deviations.iter().filter(|one| one.object == object) {
            let Deviation {
                object: _,
                what,
                why,
                defect,
                test,
                patch,
            } = deviation;
            let proof = match (test, patch.is_empty()) {
                (Some(test), _) => format!("`{test}`"),
                (None, false) => "the patch".to_owned(),
                (None, true) => String::new(),
            };
            writeln!(page, "| {what} | {why} | {defect} | {proof} |")?;
        }
    }
    Ok(page)
}

const INTRODUCTION: &str = "\
# Deviations

<!-- Made from conformance/deviations.json and defects.json by `make generate`. -->

Where this operator differs on purpose from locust-k8s-operator 2.3.0.
A difference that is not listed here is a bug.
Numbers like D15 are the defects of that operator that a difference mends.
";
