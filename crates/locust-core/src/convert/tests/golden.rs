//! What the Go operator makes of given objects, and what is made here.
//!
//! v1→v2 is equal. v2→v1 has everything that it has there, but for what is
//! listed in `conformance/conversion-deviations.json`.

#![allow(
    clippy::disallowed_methods,
    reason = "test data is read from files; the ban is for what ships"
)]

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;

use crate::convert::{ApiVersion, convert};

/// An object, and what the Go operator makes of it.
#[derive(Deserialize)]
struct Case {
    input: Value,
    output: Value,
}

/// A field of a v1 view that is not as it is there.
#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[serde(deny_unknown_fields)]
struct Deviation {
    field: String,
    defect: String,
    because: String,
    cases: BTreeSet<String>,
}

fn conformance() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../conformance")
}

/// The cases whose name begins so.
fn cases(prefix: &str) -> Vec<(String, Case)> {
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(conformance().join("conversion")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        if let Some(name) = name.strip_prefix(prefix) {
            let text = std::fs::read_to_string(&path).unwrap();
            cases.push((name.to_owned(), serde_json::from_str(&text).unwrap()));
        }
    }
    assert!(!cases.is_empty(), "no case is called {prefix}");
    cases
}

#[test]
fn check_37_a_v1_object_is_in_v2_what_it_is_to_the_go_operator() {
    for (name, Case { input, output }) in cases("v1-to-v2-") {
        assert_eq!(
            convert(input.clone(), ApiVersion::V2),
            Ok(output.clone()),
            "{name}"
        );
        let back = convert(output, ApiVersion::V1).unwrap();
        let same = (&back["spec"], &back["metadata"]) == (&input["spec"], &input["metadata"]);
        assert!(same, "{name}: {back:#}");
    }
}

#[test]
fn check_38_a_v2_object_shows_in_v1_what_it_does_with_the_go_operator() {
    let text = std::fs::read_to_string(conformance().join("conversion-deviations.json")).unwrap();
    let listed: Vec<Deviation> = serde_json::from_str(&text).unwrap();
    let mut unlisted = Vec::new();
    let mut used = BTreeSet::new();
    for (name, Case { input, output }) in cases("v2-to-v1-") {
        let view = convert(input.clone(), ApiVersion::V1).unwrap();
        let mut differing = Vec::new();
        lacking("", &output, Some(&view), &mut differing);
        for field in differing {
            let is_it = |one: &&Deviation| one.field == field && one.cases.contains(&name);
            match listed.iter().find(is_it) {
                Some(_) => drop(used.insert((field, name.clone()))),
                None => unlisted.push(format!("{name}: {field}")),
            }
        }
        assert_eq!(convert(view, ApiVersion::V2), Ok(input), "{name}");
    }
    assert_eq!(unlisted, Vec::<String>::new());
    let all = listed.iter().flat_map(|one| {
        one.cases
            .iter()
            .map(|case| (one.field.clone(), case.clone()))
    });
    assert_eq!(
        all.collect::<BTreeSet<_>>(),
        used,
        "listed, and no deviation"
    );
}

/// Where `ours` lacks something of `theirs`.
fn lacking(path: &str, theirs: &Value, ours: Option<&Value>, found: &mut Vec<String>) {
    match (theirs, ours) {
        (Value::Object(fields), Some(ours)) if ours.is_object() => {
            for (name, theirs) in fields {
                let below = format!("{path}.{name}");
                lacking(below.trim_start_matches('.'), theirs, ours.get(name), found);
            }
        }
        (theirs, ours) if Some(theirs) == ours => {}
        _ => found.push(path.to_owned()),
    }
}
