//! Manifests of one version as those of the other.

use std::path::PathBuf;

use locust_api::schema;
use locust_core::convert::{ApiVersion, convert};
use serde_json::Value;

use super::{Document, Fault, no_yaml, read};

/// All documents of the files as YAML, the LocustTests in the `desired`
/// version, or everything that is wrong with them.
pub fn converted(files: &[PathBuf], desired: ApiVersion) -> Result<String, Vec<Fault>> {
    let mut documents = Vec::new();
    let mut faults = Vec::new();
    for file in files {
        match read(file) {
            Ok((name, text)) => one_file(&name, &text, desired, &mut documents, &mut faults),
            Err(fault) => faults.push(fault),
        }
    }
    match faults.is_empty() {
        true => Ok(documents.join("---\n")),
        false => Err(faults),
    }
}

fn one_file(
    file: &str,
    text: &str,
    desired: ApiVersion,
    documents: &mut Vec<String>,
    faults: &mut Vec<Fault>,
) {
    let read = match Document::read_all(text) {
        Ok(read) => read,
        Err(error) => return faults.push(no_yaml(file, text, &error)),
    };
    for document in read {
        let fault = |(field, message): (String, String)| Fault {
            file: file.to_owned(),
            line: Some(document.line(&field)),
            field,
            message,
            snippet: None,
        };
        match one_object(document.value.clone(), "", desired) {
            Ok(object) => match serde_saphyr::to_string(&object) {
                Ok(yaml) => documents.push(yaml),
                Err(error) => faults.push(fault((String::new(), error.to_string()))),
            },
            Err(wrong) => faults.extend(wrong.into_iter().map(fault)),
        }
    }
}

/// An object in the version asked for; a list with its items. `place` is where
/// it is in its document.
fn one_object(
    mut object: Value,
    place: &str,
    desired: ApiVersion,
) -> Result<Value, Vec<(String, String)>> {
    if text(&object, "kind") == "List" {
        let Some(Value::Array(items)) = object.get_mut("items") else {
            return Ok(object);
        };
        for (index, item) in items.iter_mut().enumerate() {
            *item = one_object(item.take(), &format!("items[{index}]."), desired)?;
        }
        return Ok(object);
    }
    if text(&object, "kind") != "LocustTest" {
        return Ok(object);
    }
    schema::drop_nulls(&mut object);
    let wrong: Vec<_> = schema::check(&object)
        .into_iter()
        .map(|problem| (format!("{place}{}", problem.path), problem.message))
        .collect();
    if !wrong.is_empty() {
        return Err(wrong);
    }
    if text(&object, "apiVersion") == ApiVersion::V1.as_str() {
        schema::fill_defaults(&mut object);
    }
    convert(object, desired).map_err(|refusal| vec![(place.to_owned(), refusal.to_string())])
}

fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object
        .get(field)
        .and_then(Value::as_str)
        .unwrap_or_default()
}
