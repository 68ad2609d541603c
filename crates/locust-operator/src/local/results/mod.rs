//! What is left of a run: a verdict, a table, and files.
//!
//! | file | does |
//! |---|---|
//! | `follow.rs` | polls the master until its numbers are final |
//! | `document.rs` | `results.json` |
//! | `files.rs` | writes the output directory |
//! | `summary.rs` | the verdict and the tables for people |
//! | `page/` | `summary.html`, the same with charts |

mod document;
mod files;
mod follow;
mod page;
mod summary;
#[cfg(test)]
mod tests;

pub use files::{FilesError, write};
pub use follow::{Follow, Followed, Limits};
pub use summary::summary;

pub use locust_core::report::Document;

use locust_core::locust::{Conclusion, Exit, Outcome};

/// What the runner knows about a run beside its numbers.
#[derive(Clone, Debug)]
pub struct RunInfo {
    /// Name of the LocustTest.
    pub test: String,
    /// Version of Locust.
    pub locust_version: String,
    /// Workers that were started.
    pub expected_workers: u64,
    /// How many of them the load is to be made by; `None`: fewer are as good.
    pub wanted_workers: Option<u64>,
    /// How the master's process ended.
    pub exit: Exit,
}

/// Judges a run and makes the document that all output is written from.
pub fn conclude(info: &RunInfo, followed: &Followed) -> (Conclusion, Document) {
    let phase = followed.watch.phase();
    let conclusion = Conclusion::of(&Outcome {
        exit: info.exit,
        phase,
        ended: &followed.ended,
        totals: followed.totals(),
        exceptions: followed.exceptions(),
        errors: followed.sample.as_ref().map_or(&[], |s| &s.errors),
        making: followed.making(info.wanted_workers),
        standings: &followed.judge.standings(phase.is_over()),
    });
    let document = document::document(info, followed, &conclusion);
    (conclusion, document)
}
