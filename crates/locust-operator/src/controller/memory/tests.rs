//! Tests of what is remembered, and for how long.

use super::*;

/// A test with a UID, in one of its versions.
fn test(uid: &str, version: &str) -> LocustTest {
    serde_json::from_value(serde_json::json!({
        "metadata": { "name": uid, "uid": uid, "resourceVersion": version },
        "spec": {
            "image": "x",
            "master": { "command": "" },
            "worker": { "command": "", "replicas": 1 },
        },
    }))
    .unwrap()
}

#[test]
fn nothing_is_remembered_of_a_test_that_is_gone() {
    let memory = Memory::default();
    for uid in ["gone", "kept"] {
        memory.wrote(&test(uid, "7"));
        memory.failed(&test(uid, "7").metadata);
        assert!(memory.is_news(&test(uid, "7").metadata));
    }
    memory.keep(|uid| uid == "kept");
    let kept = |uid: &str| {
        [
            memory.since_write(&test(uid, "7")).is_some(),
            memory.least_reading(&test(uid, "7")) == Reading::Everything,
            !memory.is_news(&test(uid, "7").metadata),
        ]
    };
    assert_eq!(kept("kept"), [true; 3]);
    assert_eq!(kept("gone"), [false; 3]);
}

#[test]
fn a_look_waits_until_the_watch_tells_of_its_last_write() {
    let version = |version| test("a", version);
    let memory = Memory::default();
    assert_eq!(memory.lags(&version("9")), None, "nothing was written");
    memory.wrote(&version("10"));
    assert!(memory.lags(&version("9")).is_some_and(|wait| wait <= LAG));
    assert_eq!(memory.lags(&version("10")), None);
    assert_eq!(memory.lags(&version("11")), None);
    assert_eq!(memory.lags(&version("not-a-number")), None);
}
