//! What is left of a run: a verdict, a table, and files.
//!
//! | file | does |
//! |---|---|
//! | `follow.rs` | polls the master until its numbers are final |
//! | `document.rs` | `results.json` and its schema |
//! | `files.rs` | writes the output directory |
//! | `summary.rs` | the verdict and the tables for people |

mod document;
mod files;
mod follow;
mod summary;
#[cfg(test)]
mod tests;

pub use document::Document;
pub use files::{FilesError, write};
pub use follow::{Follow, Followed};
pub use summary::summary;

use locust_core::locust::{Exit, Outcome, Verdict};

/// What the runner knows about a run beside its numbers.
#[derive(Clone, Debug)]
pub struct RunInfo {
    /// Name of the LocustTest.
    pub test: String,
    /// Version of Locust.
    pub locust_version: String,
    /// Workers that were started.
    pub expected_workers: u64,
    /// How the master's process ended.
    pub exit: Exit,
}

/// Judges a run and makes the document that all output is written from.
pub fn conclude(info: &RunInfo, followed: &Followed) -> (Verdict, Document) {
    let exceptions = followed.exceptions();
    let verdict = Verdict::of(&Outcome {
        exit: info.exit,
        phase: followed.watch.phase(),
        ended: followed.ended,
        totals: followed.totals(),
        exceptions,
    });
    let document = Document::new(info, followed, &verdict);
    (verdict, document)
}
