//! What every answer has to be, whatever was asked.
//!
//! The fuzz targets include this file too: what it needs of the crate comes by
//! way of `super`.

use serde_json::Value;

use super::{Admission, Answer, ApiVersion, Settings, admit, convert, convert_object};

/// What every answer to a conversion has to be.
pub(super) fn judge_conversion(asked: &[u8]) {
    judge_answer(asked, convert(asked, &relabel));
    judge_answer(asked, convert(asked, &really));
}

fn judge_answer(asked: &[u8], answer: Answer) {
    let Answer::Review(body) = answer else {
        return;
    };
    let answer: Value = serde_json::from_slice(&body).expect("answers are JSON");
    let asked: Value = match serde_json::from_slice(asked) {
        Ok(asked) => asked,
        // Something that was passed over, such as text that is none, in a
        // field that nobody reads, or an object that is nested too deep.
        Err(_) => {
            assert!(answer["response"]["uid"].is_string());
            return;
        }
    };
    let (request, response) = (&asked["request"], &answer["response"]);
    assert_eq!(answer["kind"], "ConversionReview");
    assert!(request["uid"].as_str().is_some_and(|uid| !uid.is_empty()));
    assert_eq!(response["uid"], request["uid"]);
    let converted = response["convertedObjects"].as_array().expect("a list");
    match response["result"]["status"].as_str() {
        Some("Failed") => {
            assert!(converted.is_empty());
            assert!(response["result"]["message"].is_string());
        }
        Some("Success") => {
            let objects = request["objects"].as_array().expect("a list");
            assert_eq!(converted.len(), objects.len());
            for (converted, object) in converted.iter().zip(objects) {
                // Names are texts. What else may stand there is not compared:
                // a fraction may be read as its neighbour, and no field of a
                // LocustTest is one.
                for field in ["name", "namespace", "uid"] {
                    let of = |object: &Value| object["metadata"][field].as_str().map(str::to_owned);
                    assert_eq!(of(converted), of(object));
                }
                assert_eq!(converted["apiVersion"], request["desiredAPIVersion"]);
            }
        }
        other => panic!("{other:?}"),
    }
}

/// What every answer to an admission has to be.
pub(super) fn judge_admission(asked: &[u8]) {
    let Answer::Review(body) = admit(asked, &settings(), &relabel) else {
        return;
    };
    let answer: Value = serde_json::from_slice(&body).expect("answers are JSON");
    let response = &answer["response"];
    assert_eq!(answer["kind"], "AdmissionReview");
    assert!(response["uid"].as_str().is_some_and(|uid| !uid.is_empty()));
    if let Ok(asked) = serde_json::from_slice::<Value>(asked) {
        assert_eq!(response["uid"], asked["request"]["uid"]);
    }
    let refused = response["allowed"] == false;
    assert_eq!(refused, response["status"]["message"].is_string());
}

/// What the validating webhook runs with.
pub(super) fn settings() -> Settings {
    Settings {
        admission: Admission::Upstream,
        affinity_injection: true,
        tolerations_injection: true,
        ..Settings::default()
    }
}

/// Only the version changes; `bad` names cannot be converted.
pub(super) fn relabel(mut object: Value, desired: &str) -> Result<Value, String> {
    if !object.is_object() {
        return Err("it is no object".to_owned());
    }
    if object["metadata"]["name"] == "bad" {
        return Err("it is bad".to_owned());
    }
    object["apiVersion"] = desired.into();
    Ok(object)
}

/// The conversion that the operator serves.
fn really(object: Value, desired: &str) -> Result<Value, String> {
    let desired = ApiVersion::parse(desired).ok_or("no such version")?;
    convert_object(object, desired).map_err(|why| why.to_string())
}
