//! What does not fit into an annotation.
//!
//! An API server takes 256 KiB of annotations per object. A v2 object that
//! needs more in v1 is refused when it is written, if the validating webhook is
//! on. If it is stored all the same, v1 shows it without what it cannot say, and
//! a label that makes every write of that view fail: it can be read, and nothing
//! is lost.

use std::fmt;

use locust_api::names::LABEL_ONLY_A_VIEW;
use serde_json::Value;

use super::{ApiVersion, convert, tree};

/// What all names and values of an object's annotations may have together, in
/// bytes.
pub const LIMIT: usize = 262_144;

/// A v2 object that no v1 view can carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TooLarge {
    /// What its annotations would need in v1, in bytes.
    pub bytes: usize,
}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "what {} cannot say of this spec would need {} bytes of annotations, and an object has {LIMIT}; shorten it, or move files into a ConfigMap",
            ApiVersion::V1,
            self.bytes,
        )
    }
}

/// Why a v2 object should not be stored: no v1 view could carry it.
pub fn refusal(object: &Value) -> Option<TooLarge> {
    // Most objects are far from it, and need no conversion to tell: what is
    // written once more as JSON has at most six times the bytes.
    let rough = object.get("spec")?.to_string().len() + of_annotations(object);
    if rough < LIMIT / 8 {
        return None;
    }
    let view = convert(object.clone(), ApiVersion::V1).ok()?;
    let label = ["metadata", "labels", LABEL_ONLY_A_VIEW];
    let bytes = tree::get(&view, &label)?.as_str()?.parse().ok()?;
    Some(TooLarge { bytes })
}

/// What an object's annotations have together, in bytes.
pub(super) fn of_annotations(object: &Value) -> usize {
    let annotations = tree::get(object, &["metadata", "annotations"]);
    let annotations = annotations.and_then(Value::as_object);
    let bytes = |(name, value): (&String, &Value)| name.len() + value.as_str().map_or(0, str::len);
    annotations.into_iter().flatten().map(bytes).sum()
}
