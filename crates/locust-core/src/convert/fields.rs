//! The fields of a v1 spec, and where each stands in a v2 spec.
//!
//! Each can be shown, which is v2→v1, and written, which is v1→v2. Written into
//! a spec that holds more than v1 can say, a field changes as little as makes
//! the spec show it: this is how an edit of v1 wins without taking the rest.

use serde_json::{Value, json};

use super::tree::{self, Path};
use super::{affinity, tolerations};

/// A field of a v1 spec.
pub(super) struct Field {
    /// Where it is in v1.
    pub(super) path: Path,
    place: Place,
}

/// Where it is in v2, and in which form.
enum Place {
    /// The same value.
    Same(Path),
    /// The same text; an empty one is none.
    Text(Path),
    /// The same map; an empty one is none.
    Map(Path),
    /// The same number; 0 is none.
    Number(Path),
    /// A list of objects with these names; an empty one is none.
    Names(Path),
    /// `scheduling.affinity`, of which v1 knows labels that a node must have.
    Affinity,
    /// `scheduling.tolerations`, of which v1 knows those with an effect.
    Tolerations,
}

use Place::{Affinity, Map, Names, Number, Same, Text, Tolerations};

const fn field(path: Path, place: Place) -> Field {
    Field { path, place }
}

/// All of them.
pub(super) const FIELDS: &[Field] = &[
    field(&["image"], Same(&["image"])),
    field(&["imagePullPolicy"], Text(&["imagePullPolicy"])),
    field(&["imagePullSecrets"], Names(&["imagePullSecrets"])),
    field(&["masterCommandSeed"], Same(&["master", "command"])),
    field(&["workerCommandSeed"], Same(&["worker", "command"])),
    field(&["workerReplicas"], Number(&["worker", "replicas"])),
    field(&["labels", "master"], Map(&["master", "labels"])),
    field(&["labels", "worker"], Map(&["worker", "labels"])),
    field(&["annotations", "master"], Map(&["master", "annotations"])),
    field(&["annotations", "worker"], Map(&["worker", "annotations"])),
    field(&["configMap"], Text(&["testFiles", "configMapRef"])),
    field(&["libConfigMap"], Text(&["testFiles", "libConfigMapRef"])),
    field(&["affinity"], Affinity),
    field(&["tolerations"], Tolerations),
];

impl Field {
    /// The field as a v1 view of the v2 spec shows it.
    pub(super) fn shown(&self, spec: &Value) -> Option<Value> {
        match &self.place {
            Same(path) => tree::get(spec, path).cloned(),
            Text(path) => tree::get(spec, path).filter(|text| is_text(text)).cloned(),
            Map(path) => tree::get(spec, path).filter(|map| is_map(map)).cloned(),
            Number(path) => tree::get(spec, path).filter(|count| **count != 0).cloned(),
            Names(path) => names(tree::get(spec, path)?),
            Affinity => affinity::shown(spec),
            Tolerations => tolerations::shown(spec),
        }
    }

    /// Makes the v2 spec show `value`, the field as v1 has it.
    pub(super) fn write(&self, spec: &mut Value, value: Option<&Value>) {
        match &self.place {
            Same(path) => put(spec, path, value.cloned()),
            Text(path) => put(spec, path, value.filter(|text| is_text(text)).cloned()),
            Map(path) => put(spec, path, value.filter(|map| is_map(map)).cloned()),
            // As in Go: a number that is not there is 0. An API server fills
            // in v1's default before.
            Number(path) => put(spec, path, Some(value.cloned().unwrap_or(json!(0)))),
            Names(path) => {
                let named = value.and_then(|value| objects(value, tree::get(spec, path)));
                put(spec, path, named);
            }
            Affinity => affinity::write(spec, value),
            Tolerations => tolerations::write(spec, value),
        }
    }
}

fn put(spec: &mut Value, path: Path, value: Option<Value>) {
    match value {
        Some(value) => tree::set(spec, path, value),
        None => tree::remove(spec, path),
    }
}

fn is_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty())
}

fn is_map(value: &Value) -> bool {
    value.as_object().is_some_and(|map| !map.is_empty())
}

/// The names of a list of objects.
fn names(list: &Value) -> Option<Value> {
    let list = list.as_array().filter(|list| !list.is_empty())?;
    list.iter().map(name).collect()
}

/// The name of an object; without one it is the empty one.
fn name(entry: &Value) -> Option<Value> {
    let fields = entry.as_object()?;
    Some(fields.get("name").cloned().unwrap_or(json!("")))
}

/// The objects with these names: those that are there already, as they are.
fn objects(names: &Value, there: Option<&Value>) -> Option<Value> {
    let names = names.as_array().filter(|names| !names.is_empty())?;
    let there = there.and_then(Value::as_array);
    let mut there: Vec<&Value> = there.into_iter().flatten().collect();
    let object = |wanted: &Value| {
        let known = there
            .iter()
            .position(|entry| name(entry).as_ref() == Some(wanted));
        match known {
            Some(known) => there.remove(known).clone(),
            None => json!({ "name": wanted }),
        }
    };
    Some(names.iter().map(object).collect())
}
