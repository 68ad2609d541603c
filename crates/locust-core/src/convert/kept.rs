//! What the annotation [`ANNOTATION_CONVERSION`] says.
//!
//! On a v1 view: what v2 says beyond it (`v2`, a merge patch on what the view
//! means by itself) and a hash of the view. On a v2 object, rarely: how v1 wrote
//! what v2 writes in one way only, such as an empty map (`v1`, likewise).
//! Where a patch cannot say it, the whole spec is there (`v2Spec`, `v1Spec`).
//!
//! Anything else under that name was put there by somebody, and is treated as
//! any other annotation. If what we have to say is in its way it is kept, too.
//!
//! [`ANNOTATION_CONVERSION`]: locust_api::names::ANNOTATION_CONVERSION

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::merge_patch::More;

/// What v2 says beyond a v1 view.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct KeptV2 {
    /// Hash of the view: another one shows that v1 was edited.
    pub(super) view: String,
    /// What v2 says more than the view means by itself.
    pub(super) more: More,
}

/// How v1 wrote its spec, beyond what v2 shows of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct KeptV1(pub(super) More);

impl KeptV1 {
    /// What v2 shows, written as v1 wrote it.
    pub(super) fn spell(&self, shown: &Value) -> Value {
        self.0.than(shown)
    }
}

/// What one of the two says, and what stood in its place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Note<T> {
    pub(super) kept: T,
    pub(super) displaced: Option<String>,
}

/// The annotation as JSON.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Written {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    v1: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    v1_spec: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    v2: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    v2_spec: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    view: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    annotation: Option<String>,
}

/// Something that the annotation can say.
pub(super) trait Kept: Sized {
    /// Reads it; none if the annotation says something else.
    fn read(written: Written) -> Option<Note<Self>>;

    /// Writes it.
    fn write(self, written: &mut Written);

    /// What says nothing, and holds the place of what was displaced.
    fn nothing() -> Self;
}

/// What an annotation says; none if it is not ours.
pub(super) fn parse<T: Kept>(text: &str) -> Option<Note<T>> {
    T::read(serde_json::from_str(text).ok()?)
}

/// The text of the annotation: what is to be kept, and what somebody else had
/// put there. None if there is neither.
pub(super) fn text<T: Kept>(kept: Option<T>, displaced: Option<String>) -> Option<String> {
    let kept = match (kept, &displaced) {
        (Some(kept), _) => kept,
        // Left as it is, unless it would be taken for ours.
        (None, Some(theirs)) => match parse::<T>(theirs) {
            Some(_) => T::nothing(),
            None => return displaced,
        },
        (None, None) => return None,
    };
    let mut written = Written {
        annotation: displaced,
        ..Written::default()
    };
    kept.write(&mut written);
    serde_json::to_string(&written).ok()
}

fn more(patch: Option<Value>, whole: Option<Value>) -> Option<More> {
    match (patch, whole) {
        (Some(patch @ Value::Object(_)), None) => Some(More::Patch(patch)),
        (None, Some(whole @ Value::Object(_))) => Some(More::Whole(whole)),
        _ => None,
    }
}

fn apart(more: More) -> (Option<Value>, Option<Value>) {
    match more {
        More::Patch(patch) => (Some(patch), None),
        More::Whole(whole) => (None, Some(whole)),
    }
}

impl Kept for KeptV2 {
    fn read(written: Written) -> Option<Note<Self>> {
        let Written {
            v1: None,
            v1_spec: None,
            v2,
            v2_spec,
            view: Some(view),
            annotation: displaced,
        } = written
        else {
            return None;
        };
        let more = more(v2, v2_spec)?;
        let kept = Self { view, more };
        Some(Note { kept, displaced })
    }

    fn write(self, written: &mut Written) {
        written.view = Some(self.view);
        (written.v2, written.v2_spec) = apart(self.more);
    }

    fn nothing() -> Self {
        Self {
            view: String::new(),
            more: More::Patch(json!({})),
        }
    }
}

impl Kept for KeptV1 {
    fn read(written: Written) -> Option<Note<Self>> {
        let Written {
            v1,
            v1_spec,
            v2: None,
            v2_spec: None,
            view: None,
            annotation: displaced,
        } = written
        else {
            return None;
        };
        let kept = Self(more(v1, v1_spec)?);
        Some(Note { kept, displaced })
    }

    fn write(self, written: &mut Written) {
        (written.v1, written.v1_spec) = apart(self.0);
    }

    fn nothing() -> Self {
        Self(More::Patch(json!({})))
    }
}
