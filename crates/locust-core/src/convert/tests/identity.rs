//! v2→v1→v2 and v1→v2→v1 give back what went in, and an edit of v1 wins over
//! what is kept, shown on objects that are made from the schemas.
//!
//! `CONVERSION_OBJECTS` sets how many; `cargo xtask test long` asks for a
//! million.

use serde_json::{Value, json};

use super::made::{Dice, Maker};
use crate::convert::fields::FIELDS;
use crate::convert::{ApiVersion, convert, tree};
use crate::trials;

const OBJECTS: usize = 120;

/// With so many, every leaf of the larger schema has several turns.
const ENOUGH_FOR_ALL_LEAVES: usize = 2_000;

fn number() -> usize {
    trials::number("CONVERSION_OBJECTS", OBJECTS)
}

fn to(version: ApiVersion, object: &Value) -> Value {
    convert(object.clone(), version).unwrap_or_else(|refusal| panic!("{refusal}: {object:#}"))
}

fn come_back(version: ApiVersion, other: ApiVersion, count: usize) {
    let mut maker = Maker::new(version);
    let mut dice = Dice(0x5eed);
    for _ in 0..count {
        let object = maker.make(&mut dice);
        let through = to(other, &object);
        let back = to(version, &through);
        assert!(
            back == object,
            "{object:#}\n as {other} {through:#}\n came back as {back:#}"
        );
        assert_eq!(through["status"], object["status"]);
    }
    let (leaves, missing) = maker.coverage();
    println!(
        "{count} objects of {version}: {} of {leaves} leaves filled",
        leaves - missing.len()
    );
    if count >= ENOUGH_FOR_ALL_LEAVES {
        assert_eq!(missing, Vec::<&str>::new());
    }
}

#[test]
fn every_v2_object_comes_back_from_v1() {
    come_back(ApiVersion::V2, ApiVersion::V1, number() * 3 / 5);
}

#[test]
fn every_v1_object_comes_back_from_v2() {
    come_back(ApiVersion::V1, ApiVersion::V2, number() / 5);
}

/// Where each field of v1 stands in v2, written down once more.
const PLACES: [(&str, &str); 14] = [
    ("image", "image"),
    ("imagePullPolicy", "imagePullPolicy"),
    ("imagePullSecrets", "imagePullSecrets"),
    ("masterCommandSeed", "master.command"),
    ("workerCommandSeed", "worker.command"),
    ("workerReplicas", "worker.replicas"),
    ("labels.master", "master.labels"),
    ("labels.worker", "worker.labels"),
    ("annotations.master", "master.annotations"),
    ("annotations.worker", "worker.annotations"),
    ("configMap", "testFiles.configMapRef"),
    ("libConfigMap", "testFiles.libConfigMapRef"),
    (
        "affinity",
        "scheduling.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution",
    ),
    ("tolerations", "scheduling.tolerations"),
];

#[test]
fn an_edit_of_v1_wins_in_its_field_and_in_no_other() {
    let (mut v2_maker, mut v1_maker) = (Maker::new(ApiVersion::V2), Maker::new(ApiVersion::V1));
    let mut dice = Dice(0xed17);
    let mut edits = [0; PLACES.len()];
    for turn in 0..number() / 5 {
        let object = v2_maker.make(&mut dice);
        let mut view = to(ApiVersion::V1, &object);
        let at = turn % PLACES.len();
        let path: Vec<&str> = PLACES[at].0.split('.').collect();
        let place: Vec<&str> = PLACES[at].1.split('.').collect();
        let wanted = v1_maker.make(&mut dice);
        match tree::get(&wanted["spec"], &path) {
            Some(value) => tree::set(&mut view["spec"], &path, value.clone()),
            None => tree::remove(&mut view["spec"], &path),
        }
        edits[at] += 1;
        let edited = to(ApiVersion::V2, &view);
        let shown = to(ApiVersion::V1, &edited);
        let context = || {
            format!("{object:#}\nedited in v1 to {view:#}\ngives {edited:#}\nshown as {shown:#}")
        };
        assert!(
            shown["spec"] == view["spec"],
            "not as v1 says: {}",
            context()
        );
        let rest = |object: &Value| {
            let mut spec = object["spec"].clone();
            tree::set(&mut spec, &place, json!(null));
            spec
        };
        assert!(
            rest(&edited) == rest(&object),
            "more than the edit changed: {}",
            context()
        );
        assert_eq!(edited["status"], object["status"]);
    }
    println!("edits of each field: {edits:?}");
    assert!(edits.iter().all(|count| *count > 0), "{edits:?}");
    assert_eq!(
        FIELDS.len(),
        PLACES.len(),
        "a field has no place in this test"
    );
}

#[test]
fn a_view_shows_no_toleration_that_v1_refuses() {
    let mut maker = Maker::new(ApiVersion::V2);
    let mut dice = Dice(0x701e);
    let mut shown = 0;
    for _ in 0..number() / 4 {
        let view = to(ApiVersion::V1, &maker.make(&mut dice));
        shown += usize::from(view["spec"].get("tolerations").is_some());
        let refused: Vec<_> = locust_api::schema::check(&view)
            .into_iter()
            .filter(|problem| problem.path.starts_with("spec.tolerations"))
            .collect();
        assert_eq!(refused, [], "{view:#}");
    }
    assert!(shown > 0, "no toleration was shown");
}

#[test]
fn the_same_object_gives_the_same_bytes() {
    for (version, other) in [
        (ApiVersion::V1, ApiVersion::V2),
        (ApiVersion::V2, ApiVersion::V1),
    ] {
        let (mut once, mut again) = (Maker::new(version), Maker::new(version));
        let (mut dice, mut same_dice) = (Dice(0xb17e), Dice(0xb17e));
        for _ in 0..number().min(2_000) / 4 {
            let bytes = |object: Value| to(other, &object).to_string();
            let first = bytes(once.make(&mut dice));
            assert_eq!(first, bytes(again.make(&mut same_dice)));
        }
    }
}
