//! A ConversionReview: a list of objects in, the same list in another version
//! out, in the same order, or the reason why not.
//!
//! The API server sends whole lists, so the text may have a hundred megabytes.
//! It is read twice: once to see that it is whole and who asks, and once
//! object by object, so that only one object at a time is held in memory.

use serde::Deserialize;
use serde::de::{DeserializeSeed, IgnoredAny};
use serde_json::json;

use super::objects::{Conversion, InReview};
use super::{Answer, Convert};

const API_VERSION: &str = "apiextensions.k8s.io/v1";
const KIND: &str = "ConversionReview";

/// The review without its objects.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    api_version: Option<String>,
    kind: Option<String>,
    request: Option<Request>,
}

#[derive(Deserialize)]
struct Request {
    uid: Option<String>,
    #[serde(rename = "desiredAPIVersion")]
    desired_api_version: Option<String>,
    objects: Option<Vec<IgnoredAny>>,
}

/// The answer to a ConversionReview.
pub fn convert(review: &[u8], convert: &Convert) -> Answer {
    let (uid, desired) = match head(review) {
        Ok(asked) => asked,
        Err(why) => return Answer::Malformed(why),
    };
    let mut answer = Vec::with_capacity(review.len().saturating_add(review.len() / 8));
    answer.extend_from_slice(
        format!(
            r#"{{"apiVersion":"{API_VERSION}","kind":"{KIND}","response":{{"uid":{},"result":{{"status":"Success"}},"convertedObjects":["#,
            json!(uid)
        )
        .as_bytes(),
    );
    let mut conversion = Conversion {
        desired: &desired,
        convert,
        answer,
        count: 0,
        refusal: None,
    };
    let mut reader = serde_json::Deserializer::from_slice(review);
    let read = InReview(&mut conversion).deserialize(&mut reader);
    let Conversion {
        mut answer,
        count,
        refusal,
        desired: _,
        convert: _,
    } = conversion;
    match (refusal, read) {
        (None, Ok(())) => {
            answer.extend_from_slice(b"]}}");
            Answer::Review(answer)
        }
        (Some(refusal), _) => failed(&uid, &refusal),
        (None, Err(error)) => failed(&uid, &format!("object {count} cannot be read: {error}")),
    }
}

/// Who asks, and for which version.
fn head(review: &[u8]) -> Result<(String, String), String> {
    let head: Head = serde_json::from_slice(review)
        .map_err(|error| format!("this is no ConversionReview: {error}"))?;
    let is = |value: &Option<String>, expected: &str| value.as_deref() == Some(expected);
    if !is(&head.api_version, API_VERSION) || !is(&head.kind, KIND) {
        return Err(format!("this is no {KIND} of {API_VERSION}"));
    }
    let request = head.request.ok_or("the review has no request")?;
    let given = |value: Option<String>, name: &str| {
        value
            .filter(|value| !value.is_empty())
            .ok_or_else(|| format!("the request has no {name}"))
    };
    let uid = given(request.uid, "uid")?;
    let desired = given(request.desired_api_version, "desiredAPIVersion")?;
    request.objects.ok_or("the request has no objects")?;
    Ok((uid, desired))
}

fn failed(uid: &str, message: &str) -> Answer {
    let answer = json!({
        "apiVersion": API_VERSION,
        "kind": KIND,
        "response": {
            "uid": uid,
            "convertedObjects": [],
            "result": {"status": "Failed", "message": message},
        },
    });
    Answer::Review(answer.to_string().into_bytes())
}
