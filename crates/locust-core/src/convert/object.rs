//! A whole object: its version, its spec, and the annotation that goes with it.

use locust_api::names::{ANNOTATION_CONVERSION, LABEL_ONLY_A_VIEW};
use serde_json::{Value, json};

use super::kept::{self, Kept, Note};
use super::{ApiVersion, Refusal, size, spec, tree};

const ANNOTATION: &[&str] = &["metadata", "annotations", ANNOTATION_CONVERSION];
const LABEL: &[&str] = &["metadata", "labels", LABEL_ONLY_A_VIEW];

/// A LocustTest of either version as one of `desired`.
///
/// Beside `apiVersion` and `spec` only one annotation is changed, and, where
/// what v1 cannot say is too large for an annotation, one label. The status is
/// the same in both versions.
pub fn convert(mut object: Value, desired: ApiVersion) -> Result<Value, Refusal> {
    let has_metadata = object.get("metadata").is_none_or(Value::is_object);
    if !object.is_object() || !has_metadata {
        return Err(Refusal::NotAnObject);
    }
    match text(&object, "kind") {
        "LocustTest" => {}
        kind => return Err(Refusal::OtherKind(kind.to_owned())),
    }
    let version = text(&object, "apiVersion");
    let Some(version) = ApiVersion::parse(version) else {
        return Err(Refusal::OtherVersion(version.to_owned()));
    };
    match (version, desired) {
        (ApiVersion::V1, ApiVersion::V2) => to_v2(&mut object)?,
        (ApiVersion::V2, ApiVersion::V1) => to_v1(&mut object),
        (ApiVersion::V1, ApiVersion::V1) | (ApiVersion::V2, ApiVersion::V2) => {}
    }
    Ok(object)
}

fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object
        .get(field)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn to_v2(object: &mut Value) -> Result<(), Refusal> {
    if tree::get(object, LABEL).is_some() {
        return Err(Refusal::OnlyAView);
    }
    let (before, displaced) = note(object);
    let spec = object.get("spec").cloned();
    let converted = spec.map(|spec| spec::to_v2(&spec, before.as_ref()));
    let (spec, kept) = converted.unzip();
    replace(object, ApiVersion::V2, spec);
    annotate(object, kept::text(kept.flatten(), displaced));
    Ok(())
}

fn to_v1(object: &mut Value) {
    let (before, displaced) = note(object);
    let spec = object.get("spec").cloned();
    let converted = spec.map(|spec| spec::to_v1(&spec, before.as_ref()));
    let (spec, kept) = converted.unzip();
    replace(object, ApiVersion::V1, spec);
    annotate(object, kept::text(kept.flatten(), displaced.clone()));
    let bytes = size::of_annotations(object);
    if bytes > size::LIMIT {
        annotate(object, displaced);
        tree::set(object, LABEL, json!(bytes.to_string()));
    }
}

/// What the annotation says, or else what it holds.
fn note<T: Kept>(object: &Value) -> (Option<T>, Option<String>) {
    let Some(text) = tree::get(object, ANNOTATION).and_then(Value::as_str) else {
        return (None, None);
    };
    match kept::parse(text) {
        Some(Note { kept, displaced }) => (Some(kept), displaced),
        None => (None, Some(text.to_owned())),
    }
}

fn annotate(object: &mut Value, text: Option<String>) {
    match text {
        Some(text) => tree::set(object, ANNOTATION, Value::from(text)),
        None => tree::remove(object, ANNOTATION),
    }
}

fn replace(object: &mut Value, version: ApiVersion, spec: Option<Value>) {
    tree::set(object, &["apiVersion"], json!(version.as_str()));
    if let Some(spec) = spec {
        tree::set(object, &["spec"], spec);
    }
}
