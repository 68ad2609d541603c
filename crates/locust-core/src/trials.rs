//! How much the tests try that could try any amount: little, so that the tests
//! of an edit are over within a second; or in `cargo xtask test long`, which CI
//! runs, as much as it asks for by variables of the environment.

#![expect(
    clippy::disallowed_methods,
    reason = "how long a test takes is read from the environment"
)]

use proptest::test_runner::Config;

/// As many as a variable says, or `quick`.
pub(crate) fn number(variable: &str, quick: usize) -> usize {
    match std::env::var(variable) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{variable} is not a number: {text}")),
        Err(_) => quick,
    }
}

/// `quick` cases of a property, or as many as `PROPTEST_CASES` says.
pub(crate) fn cases(quick: u32) -> Config {
    let cases = std::env::var_os("PROPTEST_CASES").map(|_| Config::default().cases);
    Config {
        cases: cases.unwrap_or(quick),
        failure_persistence: None,
        ..Config::default()
    }
}

/// How far a search goes: to `quick`, or with `THOROUGH` set as far as two
/// cores get in a minute or two.
pub(crate) fn extent(quick: usize, thorough: usize) -> usize {
    match std::env::var_os("THOROUGH") {
        None => quick,
        Some(_) => thorough,
    }
}

/// A search that found no more states than these has lost its way, and shows
/// nothing.
#[track_caller]
pub(crate) fn is_whole(states: usize, quick: usize, thorough: usize) {
    let least = extent(quick, thorough);
    assert!(states > least, "the search lost its way: {states} states");
}
