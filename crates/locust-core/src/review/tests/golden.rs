//! What the validating webhook of the Go operator 2.3.0 answered, case by case.

use serde_json::Value;

use super::{admission, admitted};

const CASES: &str = include_str!("../../../../../conformance/admission.json");

/// Cases that it admits and this one does not, and by which words.
const REFUSED_HERE: &[(&str, &str)] = &[
    ("mount-both-dot", DOT),
    ("mount-both-dslash", SLASH),
    ("mount-src-dot", DOT),
    ("mount-src-dslash", SLASH),
];
/// No container starts with two mounts at one path, however it is written.
const DOT: &str = "spec.volumeMounts[0]: something else is mounted at \"/lotest/./src\": give each a path of its own";
const SLASH: &str = "spec.volumeMounts[0]: something else is mounted at \"//lotest/src\": give each a path of its own";

#[test]
fn check_39_the_verdicts_and_the_words_are_those_of_the_go_operator() {
    let cases: Vec<Value> = serde_json::from_str(CASES).unwrap();
    assert_eq!(cases.len(), 89);
    let mut differ = Vec::new();
    for case in cases {
        let name = case["case"].as_str().unwrap();
        let operation = case["operation"].as_str().unwrap();
        let asked = admission(operation, &case["object"], case.get("oldObject"));
        let response = admitted(&asked);
        let said = (
            response["allowed"].clone(),
            response["status"]["message"].clone(),
        );
        let mut expected = (case["allowed"].clone(), case["message"].clone());
        if let Some((_, words)) = REFUSED_HERE.iter().find(|(other, _)| *other == name) {
            expected = (false.into(), (*words).into());
        }
        if said != expected {
            differ.push(format!("{name}: {said:?} instead of {expected:?}"));
        } else if said.0 == false && !REFUSED_HERE.iter().any(|(other, _)| *other == name) {
            assert_eq!(response["status"]["code"], 403, "{name}");
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}
