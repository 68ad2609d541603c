//! Tests of what a reconcile survives.

use super::*;

#[tokio::test]
async fn a_panic_in_one_look_is_an_error_of_that_look() {
    let error = survive(async { panic!("a bug") }).await.unwrap_err();
    assert_eq!(error.to_string(), "reconcile panicked: a bug");
    assert!(survive(async { Ok(Action::await_change()) }).await.is_ok());
}
