//! What is wrong with a test before it is run: what Kubernetes would refuse in
//! its objects, and what no pod could work with. The controller makes a
//! condition of it and the local runner a list.
//!
//! | file | judges |
//! |---|---|
//! | `files.rs` | volumes and mounts of each pod |
//! | `sources.rs` | what a volume is made of |
//! | `environment.rs` | variables |
//! | `resources.rs`, `quantity.rs` | requests and limits |
//! | `metadata.rs` | labels, annotations, node selectors |
//! | `scheduling.rs` | affinity and tolerations |
//! | `security.rs` | security contexts |
//! | `results.rs` | where results are to be stored |
//! | `settings.rs` | what the operator's settings add |
//! | `forms.rs` | how names, labels and paths are written |
//! | `upstream.rs` | what the Go operator's webhook refuses beside all this |
//! | `warnings.rs`, `hints.rs` | what can be run and may not be meant |
//!
//! Two other places judge before this one: the schema, field by field, and its
//! rules, in `locust-api`. An object that was stored before them meets the same
//! rules here.

mod environment;
mod files;
mod forms;
mod hints;
mod metadata;
mod quantity;
mod resources;
mod results;
mod scheduling;
mod security;
mod settings;
mod sources;
#[cfg(test)]
mod tests;
mod upstream;
mod warnings;

use std::fmt;

use locust_api::condition::Reason;
use locust_api::latest::LocustTest;
use locust_api::names::{MAX_TEST_NAME, Role};

pub use hints::hints;
pub use warnings::warnings;

use crate::command_line;
use crate::resolve::resolve;
use crate::settings::{Admission, Settings};

/// Something that keeps a test from being run until it is corrected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The field to blame, for example `spec.volumeMounts[0].mountPath`.
    pub field: String,
    /// What is wrong with it, and what to do.
    pub message: String,
    /// The kind of problem.
    pub reason: Reason,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

/// Everything that keeps `test` from being run. The one verdict: the webhook
/// gives it when the test is written, the controller before it is run.
pub fn problems(test: &LocustTest, settings: &Settings) -> Vec<Problem> {
    let mut found = Found::default();
    let spec = &test.spec;
    name(test, &mut found);
    commands(test, &mut found);
    files::judge(test, &mut found);
    environment::judge(spec, &mut found);
    metadata::judge(spec, &mut found);
    scheduling::judge(spec, settings, &mut found);
    security::judge(spec, &mut found);
    results::judge(spec, &mut found);
    let resolved = resolve(test, settings);
    for (role, resolved) in [
        (Role::Master, &resolved.master),
        (Role::Worker, &resolved.worker),
    ] {
        let field = format!("spec.{role}.resources");
        resources::judge(
            &field,
            &resolved.resources,
            &mut found.of(Reason::InvalidResources),
        );
    }
    settings::judge(&resolved, &mut found);
    if found.0.is_empty() {
        found.0.extend(refused_as_upstream(test, settings));
    }
    found.0
}

/// What the Go operator's webhook would say of `test`, where it is asked for.
pub(crate) fn refused_as_upstream(test: &LocustTest, settings: &Settings) -> Option<Problem> {
    match settings.admission {
        Admission::Upstream => upstream::refusal(test),
        Admission::OnlyWhatCannotRun => None,
    }
}

/// What is said of a name that no Job could be named after, if it is one.
pub(crate) fn name_is_too_long(test: &LocustTest) -> Option<Problem> {
    upstream::too_long(test.metadata.name.as_deref().unwrap_or_default())
}

/// Most problems that one line of text lists.
const LISTED: usize = 5;

/// Problems in one line.
pub fn in_one_line(problems: &[Problem]) -> String {
    let listed: Vec<String> = problems
        .iter()
        .take(LISTED)
        .map(ToString::to_string)
        .collect();
    let line = listed.join("; ");
    match problems.len().saturating_sub(LISTED) {
        0 => line,
        more => format!("{line}; and {more} more"),
    }
}

/// A name that was stored before the schema had its rule.
fn name(test: &LocustTest, found: &mut Found) {
    let name = test.metadata.name.as_deref().unwrap_or_default();
    if name.len() > MAX_TEST_NAME {
        found.of(Reason::InvalidName).add(
            "metadata.name",
            format!(
                "name {name:?} is too long: generated Job names would exceed 63 characters (max CR name length is {MAX_TEST_NAME}); create the test under a shorter name"
            ),
        );
    }
}

fn commands(test: &LocustTest, found: &mut Found) {
    let mut found = found.of(Reason::InvalidCommand);
    if test.spec.image.is_empty() {
        found.add("spec.image", "name the image with Locust".to_owned());
    }
    for (field, command) in [
        ("spec.master.command", &test.spec.master.command),
        ("spec.worker.command", &test.spec.worker.command),
    ] {
        if let Err(open) = command_line::split(command) {
            found.add(
                field,
                format!(
                    "the quote {} at character {} is not closed: close it, or write \\{} for the character itself",
                    open.quote, open.at, open.quote
                ),
            );
        }
    }
}

/// What was found so far.
#[derive(Default)]
struct Found(Vec<Problem>);

impl Found {
    /// For adding problems of one kind.
    const fn of(&mut self, reason: Reason) -> Kind<'_> {
        Kind {
            found: self,
            reason,
        }
    }
}

/// Adds problems of one kind.
struct Kind<'a> {
    found: &'a mut Found,
    reason: Reason,
}

impl Kind<'_> {
    fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        let problem = Problem {
            field: field.into(),
            message: message.into(),
            reason: self.reason,
        };
        // Both roles often have the same one.
        if !self.found.0.contains(&problem) {
            self.found.0.push(problem);
        }
    }

    /// Adds what `check` says of a value, if anything.
    fn check(&mut self, field: impl Into<String>, said: Option<impl Into<String>>) {
        if let Some(message) = said {
            self.add(field, message);
        }
    }
}
