//! Fields of JSON by their path.

use serde_json::{Map, Value};

/// The names of nested fields, from the outside in.
pub(super) type Path = &'static [&'static str];

/// The field at `path`; none if it is null or a part of the way is no object.
pub(super) fn get<'a>(root: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter()
        .try_fold(root, |node, name| node.get(name))
        .filter(|found| !found.is_null())
}

/// Sets the field at `path`; what is no object on the way becomes one.
pub(super) fn set(root: &mut Value, path: &[&str], value: Value) {
    match path {
        [] => *root = value,
        [name, rest @ ..] => {
            if !root.is_object() {
                *root = Value::Object(Map::new());
            }
            if let Value::Object(fields) = root {
                set(fields.entry(*name).or_insert(Value::Null), rest, value);
            }
        }
    }
}

/// Removes the field at `path`, and every object around it that is empty then.
pub(super) fn remove(root: &mut Value, path: &[&str]) {
    let (Value::Object(fields), [name, rest @ ..]) = (root, path) else {
        return;
    };
    let Some(below) = fields.get_mut(*name) else {
        return;
    };
    if !rest.is_empty() {
        let was_empty = is_empty(below);
        remove(below, rest);
        if was_empty || !is_empty(below) {
            return;
        }
    }
    fields.remove(*name);
}

fn is_empty(value: &Value) -> bool {
    value.as_object().is_some_and(Map::is_empty)
}
