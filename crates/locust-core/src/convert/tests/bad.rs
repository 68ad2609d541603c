//! What is no LocustTest, what somebody else wrote under our name, and what is
//! too large.

use serde_json::{Value, json};

use crate::convert::{ApiVersion, convert, size};

const KEY: &str = "locust.io/conversion-data";

fn object(version: ApiVersion) -> Value {
    let spec = match version {
        ApiVersion::V1 => json!({
            "image": "i", "masterCommandSeed": "m", "workerCommandSeed": "w", "workerReplicas": 1,
        }),
        ApiVersion::V2 => json!({
            "image": "i",
            "master": { "command": "m" },
            "worker": { "command": "w", "replicas": 1 },
        }),
    };
    json!({
        "apiVersion": version.as_str(),
        "kind": "LocustTest",
        "metadata": { "name": "t" },
        "spec": spec,
    })
}

const BOTH: [(ApiVersion, ApiVersion); 2] = [
    (ApiVersion::V1, ApiVersion::V2),
    (ApiVersion::V2, ApiVersion::V1),
];

#[test]
fn what_is_no_locust_test_is_refused_with_the_reason() {
    for (wrong, said) in [
        (json!([]), "it is no Kubernetes object with metadata"),
        (
            json!({ "apiVersion": "locust.io/v1", "kind": "LocustTest", "metadata": 1 }),
            "it is no Kubernetes object with metadata",
        ),
        (
            json!({ "apiVersion": "locust.io/v1", "kind": "Swarm" }),
            "its kind is \"Swarm\" and not LocustTest",
        ),
        (
            json!({ "apiVersion": "locust.io/v3", "kind": "LocustTest" }),
            "its apiVersion is \"locust.io/v3\"; write locust.io/v2 or locust.io/v1",
        ),
    ] {
        for version in [ApiVersion::V1, ApiVersion::V2] {
            let refusal = convert(wrong.clone(), version).unwrap_err();
            assert_eq!(refusal.to_string(), said);
        }
    }
}

#[test]
fn specs_of_any_shape_come_back() {
    for (version, other) in BOTH {
        for spec in [
            json!(null),
            json!("text"),
            json!([1]),
            json!({}),
            json!({ "master": null, "worker": 1, "scheduling": [], "tolerations": "none" }),
            json!({ "scheduling": { "tolerations": [1, null], "affinity": "x" }, "affinity": [] }),
            json!({ "imagePullSecrets": [{ "name": null }, "x"], "new": { "field": [null] } }),
            json!({ "image": null, "labels": { "master": { "a": null } }, "workerReplicas": "2" }),
        ] {
            let mut before = object(version);
            before["spec"] = spec;
            let through = convert(before.clone(), other).unwrap();
            assert_eq!(convert(through, version), Ok(before));
        }
        let mut without = object(version);
        without.as_object_mut().unwrap().remove("spec");
        let through = convert(without.clone(), other).unwrap();
        assert_eq!(convert(through, version), Ok(without));
    }
}

#[test]
fn what_somebody_else_wrote_under_our_name_comes_back() {
    let of_v1 = json!({ "v2": { "env": {} }, "view": "0" }).to_string();
    let of_v2 = json!({ "v1": {} }).to_string();
    for (version, other) in BOTH {
        let foreign = match version {
            ApiVersion::V1 => &of_v2,
            ApiVersion::V2 => &of_v1,
        };
        for text in [
            "",
            "garbage",
            "{}",
            "{\"view\":\"0\"}",
            "{\"v2\":1,\"view\":\"0\"}",
            foreign,
        ] {
            let mut before = object(version);
            before["metadata"]["annotations"] = json!({ KEY: text, "a": "1" });
            let through = convert(before.clone(), other).unwrap();
            assert_eq!(convert(through, version), Ok(before), "{text}");
        }
    }
}

#[test]
fn a_spec_too_large_for_v1_can_be_read_there_and_not_written() {
    for (kilobytes, fits) in [
        (10, true),
        (100, true),
        (200, true),
        (250, true),
        (257, false),
        (300, false),
    ] {
        let mut large = object(ApiVersion::V2);
        let value = "x".repeat(kilobytes * 1024 / 2);
        large["spec"]["env"] = json!({ "variables": [
            { "name": "A", "value": value }, { "name": "B", "value": value },
        ] });
        let view = convert(large.clone(), ApiVersion::V1).unwrap();
        assert_eq!(view["spec"]["image"], "i");
        let refusal = size::refusal(&large);
        assert_eq!(refusal.is_none(), fits, "{kilobytes} kB");
        let back = convert(view, ApiVersion::V2);
        match refusal {
            None => assert_eq!(back, Ok(large)),
            Some(refusal) => {
                let words = refusal.to_string();
                assert!(
                    words.contains(&format!("need {} bytes", refusal.bytes)),
                    "{words}"
                );
                assert!(refusal.bytes > kilobytes * 1024);
                let words = back.unwrap_err().to_string();
                assert_eq!(
                    words,
                    "it holds more than locust.io/v1 can carry, and a write would lose that; change it as locust.io/v2"
                );
            }
        }
    }
}

#[test]
fn other_annotations_count_for_what_fits() {
    let mut object = object(ApiVersion::V2);
    object["spec"]["env"] = json!({ "variables": [{ "name": "A", "value": "x".repeat(60_000) }] });
    assert_eq!(size::refusal(&object), None);
    object["metadata"]["annotations"] = json!({ "a": "x".repeat(210_000) });
    assert!(size::refusal(&object).is_some());
}
