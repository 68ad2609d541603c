//! What is written into the Lease object, and what is read from it.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::coordination::v1::Lease;
use serde_json::{Value, json};

use super::super::Holder;
use super::super::lease::{created, held, holder, released};

fn lease(spec: &Value) -> Lease {
    let metadata = json!({
        "name": "l",
        "namespace": "n",
        "resourceVersion": "7",
        "labels": { "kept": "yes" },
    });
    serde_json::from_value(json!({ "metadata": metadata, "spec": spec })).unwrap()
}

fn spec(lease: &Lease) -> Value {
    serde_json::to_value(&lease.spec).unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
}

#[test]
fn a_first_lease_names_its_holder_and_its_duration() {
    let first = created("n", "l", "me", at(1));
    assert_eq!(first.metadata.name.as_deref(), Some("l"));
    assert_eq!(first.metadata.namespace.as_deref(), Some("n"));
    let expected = json!({
        "holderIdentity": "me",
        "leaseDurationSeconds": 15,
        "acquireTime": "1970-01-01T00:00:01.000000Z",
        "renewTime": "1970-01-01T00:00:01.000000Z",
        "leaseTransitions": 0,
    });
    assert_eq!(spec(&first), expected);
}

#[test]
fn a_renewal_changes_its_time_and_a_take_over_counts() {
    let before = lease(&json!({
        "holderIdentity": "me",
        "leaseDurationSeconds": 15,
        "acquireTime": "1970-01-01T00:00:01.000000Z",
        "renewTime": "1970-01-01T00:00:02.000000Z",
        "leaseTransitions": 3,
    }));
    let renewed = spec(&held(&before, "me", at(4)));
    assert_eq!(renewed["acquireTime"], "1970-01-01T00:00:01.000000Z");
    assert_eq!(renewed["renewTime"], "1970-01-01T00:00:04.000000Z");
    assert_eq!(renewed["leaseTransitions"], 3);
    let taken = spec(&held(&before, "you", at(20)));
    assert_eq!(taken["holderIdentity"], "you");
    assert_eq!(taken["acquireTime"], "1970-01-01T00:00:20.000000Z");
    assert_eq!(taken["leaseTransitions"], 4);
}

#[test]
fn every_write_is_over_the_version_that_was_read() {
    let before = lease(&json!({ "holderIdentity": "me" }));
    for written in [held(&before, "me", at(1)), released(&before, at(1))] {
        assert_eq!(written.metadata, before.metadata);
    }
}

#[test]
fn a_lease_is_free_only_if_it_was_given_back() {
    let whose = |spec: Value| holder(&lease(&spec), "me");
    assert_eq!(whose(json!({ "holderIdentity": "me" })), Holder::Us);
    assert_eq!(whose(json!({ "holderIdentity": "you" })), Holder::Other);
    assert_eq!(whose(json!({})), Holder::Other);
    assert_eq!(
        whose(json!({ "holderIdentity": "", "leaseDurationSeconds": 15 })),
        Holder::Other
    );
    let before = lease(&json!({ "holderIdentity": "me", "leaseTransitions": 3 }));
    let given_back = released(&before, at(5));
    assert_eq!(holder(&given_back, "you"), Holder::Nobody);
    assert_eq!(spec(&given_back)["leaseTransitions"], 3);
    // As client-go gives it back.
    assert_eq!(
        whose(json!({ "holderIdentity": "", "leaseDurationSeconds": 1 })),
        Holder::Nobody
    );
}
