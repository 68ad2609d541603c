//! The page says what the file says, and the file tells the truth.

use super::{Object, read};
use crate::shell;

#[test]
fn every_difference_of_an_object_is_a_patch_and_no_other() {
    for deviation in read().unwrap() {
        let is_object = deviation.object != Object::Behaviour;
        assert_eq!(is_object, !deviation.patch.is_empty(), "{}", deviation.what);
    }
}

#[test]
fn every_test_that_is_named_as_proof_exists() {
    let mut grep = shell::command("git", &["grep", "-h", "fn ", "--", "*.rs"]);
    let functions = shell::output(&mut grep).unwrap();
    for deviation in read().unwrap() {
        if let Some(test) = deviation.test {
            assert!(functions.contains(&format!("fn {test}(")), "{test}");
        }
    }
}
