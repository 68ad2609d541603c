//! Nobody gets a panic, or an answer to something else: whatever is sent, the
//! answer is a refusal of the whole, or carries the uid and has as many
//! objects as were sent, in their order.

#![allow(
    clippy::disallowed_methods,
    reason = "the reviews of the corpora are files of the repository"
)]

use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::judge::{judge_admission, judge_conversion, relabel, settings};
use super::{admission, conversion, locust_test, object};
use crate::review::{Answer, admit, convert};
use crate::trials::cases;

#[track_caller]
fn malformed(asked: &[u8], expected: &str) {
    for answer in [
        convert(asked, &relabel),
        admit(asked, &settings(), &relabel),
    ] {
        let Answer::Malformed(why) = answer else {
            panic!("answered");
        };
        assert!(why.contains(expected), "{why}");
        assert!(!why.contains('\n'));
    }
}

#[test]
fn what_is_no_review_is_refused_as_a_whole() {
    malformed(b"", "EOF");
    malformed(b"\xff\xfe", "line 1");
    malformed(b"[]", "this is no ");
    malformed(b"{}", "this is no ");
    malformed(br#"{"apiVersion":"v1","kind":"Pod"}"#, "this is no ");
    for review in [
        conversion(&[], "locust.io/v2"),
        admission("CREATE", &Value::Null, None),
    ] {
        let whole = review.to_string();
        for length in 0..whole.len() {
            let part = &whole.as_bytes()[..length];
            assert!(matches!(convert(part, &relabel), Answer::Malformed(_)));
            assert!(matches!(
                admit(part, &settings(), &relabel),
                Answer::Malformed(_)
            ));
        }
        for uid in [Value::Null, json!(""), json!(5), json!({})] {
            let mut review = review.clone();
            review["request"]["uid"] = uid;
            let review = review.to_string();
            assert!(matches!(
                convert(review.as_bytes(), &relabel),
                Answer::Malformed(_)
            ));
            assert!(matches!(
                admit(review.as_bytes(), &settings(), &relabel),
                Answer::Malformed(_)
            ));
        }
    }
    let twice = r#"{"apiVersion":"apiextensions.k8s.io/v1","kind":"ConversionReview","request":{"uid":"a","uid":"b","desiredAPIVersion":"locust.io/v2","objects":[]}}"#;
    assert!(matches!(
        convert(twice.as_bytes(), &relabel),
        Answer::Malformed(_)
    ));
}

/// Reviews that once were a question, or are made to be one, and what fuzzing
/// has learned (`cargo xtask fuzz --keep`).
const CORPORA: [&str; 3] = [
    "src/review/tests/corpus",
    "../../fuzz/corpus/convert",
    "../../fuzz/corpus/admit",
];

#[test]
fn the_corpora_are_answered_or_refused_and_small() {
    let mut bytes = 0;
    for corpus in CORPORA {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(corpus);
        let files = std::fs::read_dir(&folder).unwrap();
        let mut count = 0;
        for file in files {
            let asked = std::fs::read(file.unwrap().path()).unwrap();
            judge_conversion(&asked);
            judge_admission(&asked);
            count += 1;
            bytes += asked.len();
        }
        assert!(count > 10, "{corpus} has {count} files");
    }
    assert!(bytes < 384 << 10, "{bytes}: keep less");
}

#[test]
fn an_object_that_is_nested_too_deep_fails_and_the_answer_has_the_uid() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let review = conversion(&[object("a"), json!("DEEP")], "locust.io/v2").to_string();
    let review = review.replace("\"DEEP\"", &deep);
    let Answer::Review(body) = convert(review.as_bytes(), &relabel) else {
        panic!("refused as a whole");
    };
    let answer: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(answer["response"]["uid"], "u-1");
    assert_eq!(answer["response"]["result"]["status"], "Failed");
    assert_eq!(answer["response"]["convertedObjects"], json!([]));
    judge_conversion(review.as_bytes());
}

/// Where in the text something is changed, and what is written there.
fn changes() -> impl Strategy<Value = Vec<(prop::sample::Index, Change)>> {
    let change = prop_oneof![
        4 => any::<u8>().prop_map(Change::Byte),
        1 => Just(Change::Cut),
        2 => prop::sample::select(vec![
            "null", "{}", "[]", "\"\"", "0", "-1e999", "1e400", "\"\\ud800\"", "true", ",", "}", "]",
        ]).prop_map(Change::Insert),
        1 => Just(Change::Twice),
    ];
    prop::collection::vec((any::<prop::sample::Index>(), change), 0..4)
}

#[derive(Clone, Debug)]
enum Change {
    Byte(u8),
    Cut,
    Insert(&'static str),
    Twice,
}

fn changed(text: &str, changes: &[(prop::sample::Index, Change)]) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for (at, change) in changes {
        let at = at
            .index(bytes.len().max(1))
            .min(bytes.len().saturating_sub(1));
        match change {
            Change::Byte(byte) => bytes
                .splice(at..=at.min(bytes.len().saturating_sub(1)), [*byte])
                .for_each(drop),
            Change::Cut => bytes.truncate(at.max(1)),
            Change::Insert(text) => bytes.splice(at..at, text.bytes()).for_each(drop),
            Change::Twice => {
                let part = bytes[at..(at + 20).min(bytes.len())].to_vec();
                bytes.splice(at..at, part).for_each(drop);
            }
        }
    }
    bytes
}

/// Any JSON, not very deep.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i32>().prop_map(|eighths| Value::from(f64::from(eighths) / 8.0)),
        "[a-z/.]{0,8}".prop_map(Value::from),
        prop::sample::select(vec!["locust.io/v1", "locust.io/v2", "LocustTest", "bad"])
            .prop_map(Value::from),
    ];
    let name = prop::sample::select(vec![
        "apiVersion",
        "kind",
        "metadata",
        "name",
        "namespace",
        "spec",
        "image",
        "master",
        "command",
        "worker",
        "replicas",
        "status",
        "uid",
        "volumes",
        "volumeMounts",
        "mountPath",
        "env",
        "x",
    ]);
    leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name.clone().prop_map(str::to_owned), inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// The same with what a LocustTest begins with, most of the time.
fn locust_test_of(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    let version = prop::sample::select(vec!["locust.io/v1", "locust.io/v2"]);
    (value, prop::option::weighted(0.8, version)).prop_map(|(mut value, version)| {
        if let (Value::Object(fields), Some(version)) = (&mut value, version) {
            fields.insert("apiVersion".to_owned(), version.into());
            fields.insert("kind".to_owned(), "LocustTest".into());
            fields
                .entry("metadata")
                .or_insert_with(|| json!({"name": "a"}));
        }
        value
    })
}

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn any_bytes_are_answered_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        judge_conversion(&bytes);
        judge_admission(&bytes);
    }

    #[test]
    fn a_review_with_something_changed_in_it_is_answered_or_refused(changes in changes()) {
        let objects = [object("a"), locust_test(json!({"env": {"variables": [{"name": "A"}]}})), object("c")];
        let asked = conversion(&objects, "locust.io/v2").to_string();
        judge_conversion(&changed(&asked, &changes));
        let asked = admission("UPDATE", &objects[1], Some(&objects[0])).to_string();
        judge_admission(&changed(&asked, &changes));
    }

    #[test]
    fn a_review_of_any_objects_is_answered_or_refused(
        objects in prop::collection::vec(locust_test_of(json_value()), 0..5),
        operation in prop::sample::select(vec!["CREATE", "UPDATE", "DELETE", "CONNECT", ""]),
        desired in prop::sample::select(vec!["locust.io/v1", "locust.io/v2", "locust.io/v9", "x", ""]),
    ) {
        judge_conversion(conversion(&objects, desired).to_string().as_bytes());
        let empty = Value::Null;
        let (new, old) = (objects.first().unwrap_or(&empty), objects.last());
        judge_admission(admission(operation, new, old).to_string().as_bytes());
    }
}
