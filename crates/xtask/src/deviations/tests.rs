//! The page says what the file says, and the file tells the truth.

use super::{Object, defects, read};
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
    let of_deviations = read().unwrap().into_iter().filter_map(|one| one.test);
    let of_defects = defects::read()
        .unwrap()
        .into_iter()
        .flat_map(|one| one.tests);
    for test in of_deviations.chain(of_defects) {
        assert!(functions.contains(&format!("fn {test}(")), "{test}");
    }
}

#[test]
fn every_defect_that_is_mended_has_its_proof() {
    for defect in defects::read().unwrap() {
        assert!(!defect.tests.is_empty(), "{}", defect.defect);
    }
}

#[test]
fn every_defect_that_a_deviation_names_is_in_the_table_of_defects() {
    let defects = defects::read().unwrap();
    let listed: Vec<&str> = defects.iter().map(|one| one.defect.as_str()).collect();
    for deviation in read().unwrap() {
        for defect in deviation.defect.split(", ").filter(|name| !name.is_empty()) {
            assert!(listed.contains(&defect), "{defect}");
        }
    }
}
