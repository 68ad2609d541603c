//! A spec in both directions.

use serde_json::{Value, json};

use super::affinity;
use super::fields::FIELDS;
use super::kept::{KeptV1, KeptV2};
use super::tree;
use crate::merge_patch::More;
use crate::status::hash;

/// What v1 shows of a v2 spec.
fn view(spec: &Value) -> Value {
    let mut view = json!({});
    for field in FIELDS {
        if let Some(shown) = field.shown(spec) {
            tree::set(&mut view, field.path, shown);
        }
    }
    if let Some(nothing) = affinity::shown_of_nothing(spec) {
        tree::set(&mut view, &["affinity"], nothing);
    }
    view
}

/// What a v1 spec means by itself. The load starts and the master ends by
/// itself: v1 has no word for anything else.
fn plain(view: &Value) -> Value {
    let mut spec = json!({
        "master": { "autostart": true, "autoquit": { "enabled": true, "timeout": 60 } },
        "worker": {},
    });
    for field in FIELDS {
        field.write(&mut spec, tree::get(view, field.path));
    }
    spec
}

/// Whether v1 shows the same of two v2 specs.
fn look_alike(one: &Value, other: &Value) -> bool {
    FIELDS
        .iter()
        .all(|field| field.shown(one) == field.shown(other))
}

/// The v1 view of a v2 spec, and what has to be kept beside it. `before` is
/// kept of a v1 spec that the v2 spec came from.
pub(super) fn to_v1(spec: &Value, before: Option<&KeptV1>) -> (Value, Option<KeptV2>) {
    if !spec.is_object() {
        return (spec.clone(), None);
    }
    let mut shown = view(spec);
    if let Some(before) = before {
        let spelled = before.spell(&shown);
        if look_alike(&plain(&spelled), spec) {
            shown = spelled;
        }
    }
    let plain = plain(&shown);
    if plain == *spec {
        return (shown, None);
    }
    let kept = KeptV2 {
        view: hash(&shown.to_string()),
        more: More::new(&plain, spec),
    };
    (shown, Some(kept))
}

/// The v2 spec of a v1 spec with what was kept beside it, and what has to be
/// kept of v1's way to write it.
pub(super) fn to_v2(said: &Value, before: Option<&KeptV2>) -> (Value, Option<KeptV1>) {
    if !said.is_object() {
        return (said.clone(), None);
    }
    let spec = match before {
        Some(before) => edited(said, before),
        None => plain(said),
    };
    let shown = view(&spec);
    let kept = (shown != *said).then(|| KeptV1(More::new(&shown, said)));
    (spec, kept)
}

/// What was kept, with the fields that v1 says differently as v1 says them.
fn edited(said: &Value, kept: &KeptV2) -> Value {
    let plain = plain(said);
    let mut spec = kept.more.than(&plain);
    if kept.view == hash(&said.to_string()) {
        return spec;
    }
    for field in FIELDS {
        if field.shown(&spec) != field.shown(&plain) {
            field.write(&mut spec, tree::get(said, field.path));
        }
    }
    match look_alike(&spec, &plain) {
        true => spec,
        false => plain,
    }
}
