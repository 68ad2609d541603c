//! `scheduling.affinity`, of which v1 knows labels that a node must have.
//!
//! v2 has several terms, of which a node must fit one, each with several
//! expressions. v1 shows the first term in which it can say something, and of
//! each expression the first of the values that may be: a node that fits what
//! v1 shows fits what v2 says there. An edit in v1 is about that term. The
//! others could not be seen, and would let pods run where the edit says that
//! they must not, so they go.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::tree;

const SCHEDULING: &[&str] = &["scheduling"];
const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const SHOWN: &[&str] = &["nodeAffinity", REQUIRED];
const TERMS: &[&str] = &[
    "scheduling",
    "affinity",
    "nodeAffinity",
    REQUIRED,
    "nodeSelectorTerms",
];

/// Labels and the value that each must have.
type Pairs = BTreeMap<String, Value>;

/// What v1 shows of the spec.
pub(super) fn shown(spec: &Value) -> Option<Value> {
    let pairs = terms(spec)
        .iter()
        .map(pairs)
        .find(|pairs| !pairs.is_empty())?;
    Some(as_v1(pairs))
}

/// What v1 says for a `scheduling` that is there and says nothing.
pub(super) fn shown_of_nothing(spec: &Value) -> Option<Value> {
    let scheduling = tree::get(spec, SCHEDULING)?;
    (*scheduling == json!({})).then(|| as_v1(Pairs::new()))
}

fn as_v1(pairs: Pairs) -> Value {
    let pairs: Map<String, Value> = pairs.into_iter().collect();
    json!({ "nodeAffinity": { REQUIRED: pairs } })
}

/// Makes the spec show `affinity`.
pub(super) fn write(spec: &mut Value, affinity: Option<&Value>) {
    let wanted = affinity
        .and_then(|affinity| tree::get(affinity, SHOWN))
        .and_then(Value::as_object)
        .map(|pairs| pairs.clone().into_iter().collect::<Pairs>())
        .unwrap_or_default();
    let mut terms = terms(spec);
    match terms.iter().position(|term| !pairs(term).is_empty()) {
        Some(position) => terms = Vec::from([terms.swap_remove(position)]),
        None if terms.is_empty() => terms.push(json!({})),
        None => {}
    }
    for term in &mut terms {
        edit(term, &wanted);
    }
    // A term that asks for nothing fits every node.
    if terms.iter().any(|term| *term == json!({})) {
        tree::remove(spec, TERMS);
    } else {
        tree::set(spec, TERMS, Value::Array(terms));
    }
    if affinity.is_some_and(|affinity| !affinity.is_null()) && tree::get(spec, SCHEDULING).is_none()
    {
        tree::set(spec, SCHEDULING, json!({}));
    }
}

fn terms(spec: &Value) -> Vec<Value> {
    let terms = tree::get(spec, TERMS).and_then(Value::as_array);
    terms.cloned().unwrap_or_default()
}

/// What v1 can say of a term.
fn pairs(term: &Value) -> Pairs {
    let pair = |expression: &Value| {
        let key = expression.get("key")?.as_str()?;
        let value = expression.get("values")?.as_array()?.first()?;
        let is_in = expression.get("operator")? == "In";
        is_in.then(|| (key.to_owned(), value.clone()))
    };
    expressions(term).iter().filter_map(pair).collect()
}

fn expressions(term: &Value) -> Vec<Value> {
    let expressions = term.get("matchExpressions").and_then(Value::as_array);
    expressions.cloned().unwrap_or_default()
}

/// Makes a term show `wanted`, label by label.
fn edit(term: &mut Value, wanted: &Pairs) {
    let before = pairs(term);
    let mut expressions = expressions(term);
    expressions.retain(|expression| {
        let key = expression.get("key").and_then(Value::as_str);
        key.is_none_or(|key| !before.contains_key(key) || wanted.contains_key(key))
    });
    for (key, value) in wanted
        .iter()
        .filter(|(key, value)| before.get(*key) != Some(value))
    {
        let about = |expression: &Value| expression.get("key").and_then(Value::as_str) == Some(key);
        let place = expressions.iter().position(about);
        expressions.retain(|expression| !about(expression));
        let said = json!({ "key": key, "operator": "In", "values": [value] });
        let place = place.unwrap_or(expressions.len()).min(expressions.len());
        expressions.insert(place, said);
    }
    match expressions.is_empty() {
        true => tree::remove(term, &["matchExpressions"]),
        false => tree::set(term, &["matchExpressions"], Value::Array(expressions)),
    }
}
