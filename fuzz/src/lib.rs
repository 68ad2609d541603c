//! What the fuzz targets share: the judge of all answers, which is that of the
//! tests in `locust-core`.
//!
//! `cargo xtask fuzz` runs them with a stable compiler. With cargo-fuzz it is
//! `cargo +nightly fuzz run --features libfuzzer convert`.

use locust_core::convert::{ApiVersion, convert as convert_object};
use locust_core::review::{Answer, admit, convert};
use locust_core::settings::{Admission, Settings};

// A find is a panic.
#[allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#[path = "../../crates/locust-core/src/review/tests/judge.rs"]
mod judge;

/// Judges the answers to what may be a ConversionReview.
pub fn judge_conversion(asked: &[u8]) {
    judge::judge_conversion(asked);
}

/// Judges the answer to what may be an AdmissionReview.
pub fn judge_admission(asked: &[u8]) {
    judge::judge_admission(asked);
}
