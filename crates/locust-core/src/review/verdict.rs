//! What is thought of a LocustTest that is about to be stored.

use locust_api::latest::LocustTest;
use locust_api::schema;
use serde_json::Value;

use crate::convert::size;
use crate::problems::{
    hints, in_one_line, name_is_too_long, problems, refused_as_upstream, warnings,
};
use crate::settings::Settings;

/// A write of a LocustTest, in the latest version.
#[derive(Clone, Debug)]
pub struct Written {
    /// What is to be stored.
    pub object: Value,
    /// What it replaces.
    pub old: Option<Value>,
}

/// Whether it may be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Why not.
    pub refusal: Option<Refusal>,
    /// What whoever writes it should hear.
    pub warnings: Vec<String>,
}

/// Why a LocustTest may not be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub code: u16,
    /// The API's word for it.
    pub reason: &'static str,
    /// One line.
    pub message: String,
}

impl Verdict {
    pub(super) const fn admitted() -> Self {
        Self {
            refusal: None,
            warnings: Vec::new(),
        }
    }

    pub(super) fn unreadable(why: &str) -> Self {
        Self::refused(
            400,
            "BadRequest",
            format!("the LocustTest cannot be read: {why}"),
        )
    }

    fn refused(code: u16, reason: &'static str, message: String) -> Self {
        Self {
            refusal: Some(Refusal {
                code,
                reason,
                message,
            }),
            warnings: Vec::new(),
        }
    }

    fn forbidden(message: String) -> Self {
        Self::refused(403, "Forbidden", message)
    }

    fn invalid(message: String) -> Self {
        Self::refused(422, "Invalid", message)
    }
}

/// Judges a write: by what the Go operator's webhook says if that is asked
/// for, by the schema as the API server has done, and by what `decide` would
/// say of the test.
pub fn judge(written: &Written, settings: &Settings) -> Verdict {
    let Written { object, old } = written;
    if is_being_deleted(object) {
        return Verdict::admitted();
    }
    let test = match decoded(object) {
        Ok(test) => test,
        Err(verdict) => return verdict,
    };
    if let Some(old) = old
        && old.get("spec") == object.get("spec")
    {
        // The spec was judged when it was written, and rules may have come
        // since: they do not stand in the way of a label or of the record of
        // a run. That no Job could have the name is said of every write.
        return name_is_too_long(&test).map_or_else(Verdict::admitted, |problem| {
            Verdict::forbidden(problem.message)
        });
    }
    if let Some(problem) = refused_as_upstream(&test, settings) {
        return Verdict::forbidden(problem.message);
    }
    // What was stored before the schema had a rule may be edited piece by
    // piece, so of edits the API server alone is the judge by it.
    let broken = match old {
        None => schema::check(object),
        Some(_) => Vec::new(),
    };
    if !broken.is_empty() {
        let lines: Vec<String> = broken.iter().map(ToString::to_string).collect();
        return Verdict::invalid(lines.join("; "));
    }
    if let Some(too_large) = size::refusal(object) {
        return Verdict::invalid(format!("spec: {too_large}"));
    }
    let problems = problems(&test, settings);
    if !problems.is_empty() {
        return Verdict::invalid(in_one_line(&problems));
    }
    let told = warnings(&test).into_iter().chain(hints(&test));
    Verdict {
        refusal: None,
        warnings: told.map(|problem| problem.to_string()).collect(),
    }
}

/// Nothing may keep a finalizer of somebody else from being taken off.
fn is_being_deleted(object: &Value) -> bool {
    let metadata = object.get("metadata");
    metadata.is_some_and(|metadata| {
        metadata
            .get("deletionTimestamp")
            .is_some_and(|at| !at.is_null())
    })
}

fn decoded(object: &Value) -> Result<LocustTest, Verdict> {
    let mut object = object.clone();
    schema::drop_nulls(&mut object);
    serde_json::from_value(object.clone()).map_err(|error: serde_json::Error| {
        let broken: Vec<String> = schema::check(&object)
            .iter()
            .map(ToString::to_string)
            .collect();
        match broken.is_empty() {
            true => Verdict::unreadable(&error.to_string()),
            false => Verdict::invalid(broken.join("; ")),
        }
    })
}
