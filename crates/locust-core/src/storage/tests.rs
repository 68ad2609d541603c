//! What the sidecar says, and what is believed of it.

use super::*;

fn stored(words: &str) -> Attempt {
    Attempt::Stored(words.to_owned())
}

fn failed(words: &str) -> Attempt {
    Attempt::Failed(words.to_owned())
}

#[test]
fn they_are_stored_once_they_are_in_all_places() {
    let both = [stored("a holds it"), stored("b holds it")];
    let words = "a holds it; b holds it".to_owned();
    assert_eq!(Outcome::of(&both), Outcome::Stored(words));
    assert_eq!(Outcome::of(&[stored("a"), Attempt::None]), Outcome::Waiting);
    let one = [stored("a holds it"), failed("b is full")];
    let words = "a holds it; b is full".to_owned();
    assert_eq!(Outcome::of(&one), Outcome::NotStored(words));
}

#[test]
fn what_is_said_passes_through_a_pods_status() {
    for outcome in [
        Outcome::Waiting,
        Outcome::Stored("a".to_owned()),
        Outcome::NotStored("b".to_owned()),
        Outcome::NotRead("c".to_owned()),
    ] {
        assert_eq!(Outcome::parse(outcome.to_text().as_bytes()), Some(outcome));
    }
    let long = Outcome::NotStored("é".repeat(10_000));
    assert!(long.to_text().len() < 4096);
}

#[test]
fn of_what_somebody_else_says_there_is_no_more_than_a_line() {
    let said = format!(
        r#"{{"state":"stored","words":"a\nb{}"}}"#,
        "x".repeat(100_000)
    );
    let Some(Outcome::Stored(words)) = Outcome::parse(said.as_bytes()) else {
        panic!("{said:.100}");
    };
    assert!(words.starts_with("a bx"), "{words:.20}");
    assert!(words.len() <= 1024);
    for nonsense in ["", "null", "<html>", r#"{"state":"eaten"}"#] {
        assert_eq!(Outcome::parse(nonsense.as_bytes()), None);
    }
}
