//! `scheduling.tolerations`, of which v1 knows those of one effect, with the
//! operators `Exists` and `Equal`.
//!
//! The others are not shown. What v1 would say of them is something that it
//! refuses itself: its operator and effect are required.

use serde_json::{Value, json};

use super::tree;

const TOLERATIONS: &[&str] = &["scheduling", "tolerations"];
/// The fields that v1 has.
const FIELDS: [&str; 4] = ["key", "operator", "value", "effect"];
const OPERATORS: [&str; 2] = ["Exists", "Equal"];
const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/// What v1 shows of the spec.
pub(super) fn shown(spec: &Value) -> Option<Value> {
    let shown: Vec<Value> = list(spec).iter().filter_map(shown_one).collect();
    (!shown.is_empty()).then_some(Value::Array(shown))
}

/// Makes the spec show `tolerations`. Those that v1 does not show stay, and
/// those that it shows keep what it cannot say of them.
pub(super) fn write(spec: &mut Value, tolerations: Option<&Value>) {
    let (mut known, hidden): (Vec<Value>, Vec<Value>) = list(spec)
        .into_iter()
        .partition(|toleration| shown_one(toleration).is_some());
    let wanted: Vec<Value> = tolerations
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(plain)
        .collect();
    let same: Vec<Option<Value>> = wanted
        .iter()
        .map(|wanted| take(&mut known, |known| shown_one(known) == shown_one(wanted)))
        .collect();
    let edited = |(wanted, same): (Value, Option<Value>)| {
        same.unwrap_or_else(|| {
            let of_key = |known: &Value| known.get("key") == wanted.get("key");
            match take(&mut known, of_key) {
                Some(known) => edit(known, &wanted),
                None => wanted,
            }
        })
    };
    let mut list: Vec<Value> = wanted.into_iter().zip(same).map(edited).collect();
    list.extend(hidden);
    match list.is_empty() {
        true => tree::remove(spec, TOLERATIONS),
        false => tree::set(spec, TOLERATIONS, Value::Array(list)),
    }
}

fn list(spec: &Value) -> Vec<Value> {
    let list = tree::get(spec, TOLERATIONS).and_then(Value::as_array);
    list.cloned().unwrap_or_default()
}

/// A toleration as v1 shows it, if it can.
fn shown_one(toleration: &Value) -> Option<Value> {
    let toleration = toleration.as_object()?;
    let text = |name: &str| match toleration.get(name) {
        None | Some(Value::Null) => Some(""),
        Some(value) => value.as_str(),
    };
    // No operator is `Equal` to Kubernetes.
    let operator = match text("operator")? {
        "" => "Equal",
        operator => operator,
    };
    let effect = text("effect")?;
    if !OPERATORS.contains(&operator) || !EFFECTS.contains(&effect) {
        return None;
    }
    let mut shown = json!({ "key": text("key")?, "operator": operator, "effect": effect });
    match text("value")? {
        "" => {}
        value => tree::set(&mut shown, &["value"], json!(value)),
    }
    Some(shown)
}

/// A toleration of v1 in v2, where an empty text is none.
fn plain(toleration: &Value) -> Value {
    let said = |name: &&str| {
        let value = toleration.get(*name)?;
        let is_said = !value.is_null() && value != "";
        is_said.then(|| ((*name).to_owned(), value.clone()))
    };
    Value::Object(FIELDS.iter().filter_map(said).collect())
}

/// What v1 says of a toleration that is there. How long a pod may stay is a
/// matter of one effect only.
fn edit(mut known: Value, wanted: &Value) -> Value {
    for name in FIELDS {
        match wanted.get(name) {
            Some(value) => tree::set(&mut known, &[name], value.clone()),
            None => tree::remove(&mut known, &[name]),
        }
    }
    if wanted.get("effect").and_then(Value::as_str) != Some("NoExecute") {
        tree::remove(&mut known, &["tolerationSeconds"]);
    }
    known
}

fn take(list: &mut Vec<Value>, fits: impl Fn(&Value) -> bool) -> Option<Value> {
    let position = list.iter().position(fits)?;
    Some(list.remove(position))
}
