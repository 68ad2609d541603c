//! Metrics as Prometheus reads them, made of values.
//!
//! | file | holds |
//! |---|---|
//! | `text.rs` | families of metrics, and how they are written |
//! | `operator.rs` | what the operator says of its own work |
//! | `run.rs` | what Locust says of one run, under the names of locust_exporter |
//!
//! The sidecar `locust-operator export-metrics` and the operator's own
//! `/metrics` say the same of a run, because both say it by `run.rs`.
//!
//! Names of requests, texts of errors and names of workers come from whatever
//! runs in a user's pod. As labels they are bounded in number and in bytes, on
//! one line, and no two series of a family are the same.

mod operator;
mod run;
#[cfg(test)]
mod tests;
mod text;

pub use operator::{Outcome, Snapshot, Used, Work};
pub use run::{Described, Detail, Run, Told, described, families, is_prefix};
pub use text::{CONTENT_TYPE, Family, Kind, Labels, Series, written};
