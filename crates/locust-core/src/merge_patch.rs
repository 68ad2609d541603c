//! The difference of two values as a JSON merge patch (RFC 7386).

use serde_json::{Map, Value};

/// What turns `from` into `to`. None if no such patch can say it: a merge patch
/// has no word for a field that is null.
pub(crate) fn difference(from: &Value, to: &Value) -> Option<Value> {
    let (Value::Object(old), Value::Object(new)) = (from, to) else {
        return sayable(to).then(|| to.clone());
    };
    let mut patch = Map::new();
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        patch.insert(name.clone(), Value::Null);
    }
    for (name, value) in new {
        match old.get(name) {
            Some(before) if before == value => {}
            Some(before) => {
                patch.insert(name.clone(), difference(before, value)?);
            }
            None => {
                patch.insert(name.clone(), sayable(value).then(|| value.clone())?);
            }
        }
    }
    Some(Value::Object(patch))
}

/// Whether a patch gives `value` when it holds it. A null in a list counts as
/// any other entry.
fn sayable(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Object(fields) => fields.values().all(sayable),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => true,
    }
}

/// Does to `target` what `patch` says.
pub(crate) fn apply(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(fields) = target else {
        return;
    };
    for (name, change) in changes {
        if change.is_null() {
            fields.remove(name);
        } else {
            apply(fields.entry(name.as_str()).or_insert(Value::Null), change);
        }
    }
}

/// What one value is more than another.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum More {
    /// A patch on the other.
    Patch(Value),
    /// The whole value, where no patch can say it.
    Whole(Value),
}

impl More {
    /// What `whole` is more than `part`.
    pub(crate) fn new(part: &Value, whole: &Value) -> Self {
        match difference(part, whole) {
            Some(patch) => Self::Patch(patch),
            None => Self::Whole(whole.clone()),
        }
    }

    /// The whole again.
    pub(crate) fn than(&self, part: &Value) -> Value {
        match self {
            Self::Patch(patch) => {
                let mut whole = part.clone();
                apply(&mut whole, patch);
                whole
            }
            Self::Whole(whole) => whole.clone(),
        }
    }
}
