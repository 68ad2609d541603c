//! An AdmissionReview: may this LocustTest be written?

use kube_core::Resource;
use locust_api::latest::LocustTest;
use serde::Deserialize;
use serde_json::{Value, json};

use super::verdict::{Verdict, Written, judge};
use super::{Answer, Convert};
use crate::settings::Settings;

const API_VERSION: &str = "admission.k8s.io/v1";
const KIND: &str = "AdmissionReview";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Review {
    api_version: Option<String>,
    kind: Option<String>,
    request: Option<Request>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    uid: Option<String>,
    operation: Option<String>,
    #[serde(rename = "subResource")]
    subresource: Option<String>,
    #[serde(default)]
    object: Value,
    #[serde(default)]
    old_object: Value,
}

/// The answer to an AdmissionReview. Objects of other versions are converted
/// first: whoever writes them is told the same.
pub fn admit(review: &[u8], settings: &Settings, convert: &Convert) -> Answer {
    let request = match request(review) {
        Ok(request) => request,
        Err(why) => return Answer::Malformed(why),
    };
    let Request {
        uid,
        operation,
        subresource,
        object,
        old_object,
    } = request;
    let is_write = matches!(operation.as_deref(), Some("CREATE" | "UPDATE"));
    let is_of_whole = subresource.is_none_or(|subresource| subresource.is_empty());
    let verdict = match is_write && is_of_whole {
        true => written(object, old_object, convert)
            .map_or_else(|verdict| verdict, |written| judge(&written, settings)),
        // Neither a status nor a deletion has a spec to be judged.
        false => Verdict::admitted(),
    };
    response(uid.as_deref().unwrap_or_default(), &verdict)
}

fn request(review: &[u8]) -> Result<Request, String> {
    let review: Review = serde_json::from_slice(review)
        .map_err(|error| format!("this is no AdmissionReview: {error}"))?;
    let is = |value: &Option<String>, expected: &str| value.as_deref() == Some(expected);
    if !is(&review.api_version, API_VERSION) || !is(&review.kind, KIND) {
        return Err(format!("this is no {KIND} of {API_VERSION}"));
    }
    let request = review.request.ok_or("the review has no request")?;
    match request.uid.as_deref() {
        None | Some("") => Err("the request has no uid".to_owned()),
        Some(_) => Ok(request),
    }
}

/// Both objects in the latest version.
fn written(object: Value, old: Value, convert: &Convert) -> Result<Written, Verdict> {
    if !object.is_object() {
        return Err(Verdict::unreadable("the request has no object"));
    }
    let latest = LocustTest::api_version(&());
    let in_latest = |object: Value| match object.get("apiVersion") {
        Some(version) if *version == *latest => Ok(object),
        _ => convert(object, &latest),
    };
    let object = in_latest(object).map_err(|why| Verdict::unreadable(&why))?;
    let old = match old.is_object() {
        true => in_latest(old).ok(),
        false => None,
    };
    Ok(Written { object, old })
}

fn response(uid: &str, verdict: &Verdict) -> Answer {
    let Verdict { refusal, warnings } = verdict;
    let mut response = json!({"uid": uid, "allowed": refusal.is_none()});
    let mut set = |field: &str, value: Value| {
        if let Value::Object(fields) = &mut response {
            fields.insert(field.to_owned(), value);
        }
    };
    if let Some(refusal) = refusal {
        set(
            "status",
            json!({
                "status": "Failure",
                "code": refusal.code,
                "reason": refusal.reason,
                "message": refusal.message,
            }),
        );
    }
    if !warnings.is_empty() {
        set("warnings", json!(warnings));
    }
    let answer = json!({"apiVersion": API_VERSION, "kind": KIND, "response": response});
    Answer::Review(answer.to_string().into_bytes())
}
