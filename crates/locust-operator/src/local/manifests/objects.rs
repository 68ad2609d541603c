//! One document as the object that it is.

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use locust_api::latest::LocustTest;
use locust_api::schema;
use locust_core::convert::{ApiVersion, convert};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Document;

/// What a document is.
pub(super) enum Object {
    LocustTest(Box<LocustTest>),
    ConfigMap(ConfigMap),
    Secret(Secret),
    List,
    /// Some other object, by kind and name.
    Other(String),
}

/// Fields and what is wrong with them.
type Wrong = Vec<(String, String)>;

impl Object {
    pub(super) fn new(document: &Document) -> Result<Self, Wrong> {
        if !document.value.is_object() {
            let message = "is no Kubernetes object; one begins with apiVersion and kind";
            return Err(wrong("", message));
        }
        let kind = required(document, "kind")?;
        let version = required(document, "apiVersion")?;
        match (version, kind) {
            (_, "LocustTest") if ApiVersion::parse(version).is_some() => locust_test(document),
            (_, "LocustTest") => Err(wrong(
                "apiVersion",
                &format!("{version:?} has no LocustTest; write {}", ApiVersion::V2),
            )),
            ("v1", "ConfigMap") => config_map(document),
            ("v1", "Secret") => secret(document),
            ("v1", "List") => Ok(Self::List),
            (_, "ConfigMap" | "Secret" | "List") => Err(wrong(
                "apiVersion",
                &format!("{version:?} has no {kind}; write v1"),
            )),
            _ if version.starts_with("locust.io/") => Err(wrong(
                "kind",
                &format!("{version} has no {kind:?}; write LocustTest"),
            )),
            _ => {
                let name = document.text("/metadata/name").unwrap_or("without a name");
                Ok(Self::Other(format!("{kind} {name}")))
            }
        }
    }
}

fn wrong(field: &str, message: &str) -> Wrong {
    vec![(field.to_owned(), message.to_owned())]
}

fn required<'a>(document: &'a Document, field: &str) -> Result<&'a str, Wrong> {
    match document.value.get(field) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        None | Some(Value::Null) => Err(wrong(field, "is missing; this is no Kubernetes object")),
        Some(_) => Err(wrong(field, "must be text")),
    }
}

/// Judged by the schema that the API server uses, so that the messages are the
/// same as there, and all of them are told at once.
fn locust_test(document: &Document) -> Result<Object, Wrong> {
    let problems = schema::check(&document.value);
    if !problems.is_empty() {
        let wrong = |problem: schema::Problem| (problem.path, problem.message);
        return Err(problems.into_iter().map(wrong).collect());
    }
    let mut value = document.value.clone();
    schema::drop_nulls(&mut value);
    schema::fill_defaults(&mut value);
    let converted = convert(value, ApiVersion::V2);
    decode(converted.map_err(|refusal| wrong("", &refusal.to_string()))?).map(Object::LocustTest)
}

fn config_map(document: &Document) -> Result<Object, Wrong> {
    let mut problems = name_of(document);
    problems.extend(texts(document, "data"));
    problems.extend(base64_texts(document, "binaryData"));
    finish(document, problems).map(Object::ConfigMap)
}

fn secret(document: &Document) -> Result<Object, Wrong> {
    let mut problems = name_of(document);
    problems.extend(base64_texts(document, "data"));
    problems.extend(texts(document, "stringData"));
    finish(document, problems).map(Object::Secret)
}

fn finish<T: DeserializeOwned>(document: &Document, problems: Wrong) -> Result<T, Wrong> {
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut value = document.value.clone();
    schema::drop_nulls(&mut value);
    decode(value)
}

fn decode<T: DeserializeOwned>(value: Value) -> Result<T, Wrong> {
    serde_json::from_value(value).map_err(|error| wrong("", &error.to_string()))
}

fn name_of(document: &Document) -> Wrong {
    match document.text("/metadata/name") {
        Some(name) if !name.is_empty() => Vec::new(),
        _ => wrong("metadata.name", "Required value"),
    }
}

/// A map whose values have to be text. A number without quotes is the most
/// common mistake, and the API server refuses it as well.
fn texts(document: &Document, field: &str) -> Wrong {
    let check = |value: &Value| match value {
        Value::String(_) | Value::Null => None,
        // The value itself is not shown: it may be a Secret's.
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Some("must be text; put the value in quotes".to_owned())
        }
    };
    values(document, field, check)
}

fn base64_texts(document: &Document, field: &str) -> Wrong {
    let check = |value: &Value| match value {
        Value::Null => None,
        Value::String(_) => serde_json::from_value::<k8s_openapi::ByteString>(value.clone())
            .err()
            .map(|_| "must be base64; plain text belongs into stringData".to_owned()),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Some("must be base64".to_owned())
        }
    };
    values(document, field, check)
}

fn values(document: &Document, field: &str, check: impl Fn(&Value) -> Option<String>) -> Wrong {
    match document.value.get(field) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Object(map)) => map
            .iter()
            .filter_map(|(key, value)| Some((format!("{field}.{key}"), check(value)?)))
            .collect(),
        Some(_) => wrong(field, "must be a map of names and texts"),
    }
}
