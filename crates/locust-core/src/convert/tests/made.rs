//! Makes LocustTests of either version from its schema: some leaves each, with
//! values of the leaf's type that a schema may or may not accept.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSON, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use serde_json::{Value, json};

use crate::convert::ApiVersion;

/// Made once: it takes longer than many objects do.
static CRD: LazyLock<CustomResourceDefinition> = LazyLock::new(locust_api::crd::crd);

/// Random numbers, the same in every run.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    /// A number below `limit`.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % limit.max(1)
    }

    fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }
}

/// What a leaf holds.
enum Kind {
    OneOf(Vec<Value>),
    Text,
    Whole,
    Truth,
    Quantity,
    /// A list of scalars.
    List,
    /// A map of texts.
    Map,
    /// An object without fields that are known.
    Anything,
}

struct Leaf {
    path: String,
    kind: Kind,
    /// Whether the other version has it too.
    is_of_both: bool,
}

/// Makes objects of one version.
pub(super) struct Maker {
    version: ApiVersion,
    leaves: Vec<Leaf>,
    /// Those of both versions, by their place in `leaves`.
    of_both: Vec<usize>,
    next: usize,
    /// Leaves that had a value, and those that had more than an empty one.
    filled: BTreeSet<String>,
}

/// Where the fields are in v2 that v1 has as well.
const OF_BOTH: [&str; 12] = [
    "spec.image",
    "spec.master.command",
    "spec.master.labels",
    "spec.master.annotations",
    "spec.worker.command",
    "spec.worker.replicas",
    "spec.worker.labels",
    "spec.worker.annotations",
    "spec.testFiles",
    "spec.scheduling.affinity.nodeAffinity.required",
    "spec.scheduling.tolerations",
    "spec.master.auto",
];

const TEXTS: [&str; 9] = [
    "",
    "a",
    "b",
    "load",
    "spot",
    "In",
    "Exists",
    "NoExecute",
    "ü \"\\\n{}",
];

impl Maker {
    pub(super) fn new(version: ApiVersion) -> Self {
        let name = version.as_str().rsplit('/').next().unwrap();
        let mut versions = CRD.spec.versions.iter();
        let found = versions.find(|version| version.name == name);
        let schema = found.unwrap().schema.as_ref().unwrap();
        let schema = schema.open_api_v3_schema.as_ref().unwrap();
        let mut leaves = Vec::new();
        for (name, schema) in schema.properties.as_ref().unwrap() {
            if ["spec", "status"].contains(&name.as_str()) {
                collect(schema, name, &mut leaves);
            }
        }
        let of_both = (0..leaves.len()).filter(|at| leaves[*at].is_of_both);
        Self {
            version,
            of_both: of_both.collect(),
            leaves,
            next: 0,
            filled: BTreeSet::new(),
        }
    }

    /// How many leaves there are, and those that never had anything in them.
    pub(super) fn coverage(&self) -> (usize, Vec<&str>) {
        let paths = self.leaves.iter().map(|leaf| leaf.path.as_str());
        let missing = paths.filter(|path| !self.filled.contains(*path));
        (self.leaves.len(), missing.collect())
    }

    /// One more object. Every leaf has its turn, beside some by chance.
    pub(super) fn make(&mut self, dice: &mut Dice) -> Value {
        let mut object = json!({
            "apiVersion": self.version.as_str(),
            "kind": "LocustTest",
            "metadata": { "name": "made", "uid": "0-1", "labels": { "l": "1" } },
            "spec": {},
        });
        if dice.one_in(2) {
            object["metadata"]["annotations"] = json!({ "unknown": *dice.pick(&TEXTS) });
        }
        if dice.one_in(64) {
            let text = dice.pick(&["", "{}", "{\"v1\":{}}x", "{\"view\":1}"]);
            object["metadata"]["annotations"] = json!({ "locust.io/conversion-data": text });
        }
        let mut chosen = vec![self.next];
        self.next = (self.next + 1) % self.leaves.len();
        chosen.extend((0..dice.below(6)).map(|_| dice.below(self.leaves.len())));
        chosen.extend((0..dice.below(12)).map(|_| *dice.pick(&self.of_both)));
        for at in chosen {
            let leaf = &self.leaves[at];
            let value = leaf.value(dice);
            if !is_empty(&value) && !self.filled.contains(&leaf.path) {
                self.filled.insert(leaf.path.clone());
            }
            put(&mut object, &leaf.path, value, dice);
        }
        object
    }
}

fn is_empty(value: &Value) -> bool {
    [json!(""), json!([]), json!({})].contains(value)
}

/// Every leaf below `schema`.
fn collect(schema: &JSONSchemaProps, path: &str, leaves: &mut Vec<Leaf>) {
    let below = |name: &str| format!("{path}.{name}");
    let kind = match (schema.type_.as_deref(), &schema.properties) {
        _ if schema.x_kubernetes_int_or_string == Some(true) => Kind::Quantity,
        (Some("object"), Some(properties)) => {
            for (name, schema) in properties {
                collect(schema, &below(name), leaves);
            }
            return;
        }
        (Some("object"), None) => match &schema.additional_properties {
            Some(JSONSchemaPropsOrBool::Schema(_)) => Kind::Map,
            _ => Kind::Anything,
        },
        (Some("array"), _) => {
            let Some(JSONSchemaPropsOrArray::Schema(items)) = &schema.items else {
                panic!("{path} has no items");
            };
            if items.properties.is_some() {
                return collect(items, &format!("{path}[]"), leaves);
            }
            Kind::List
        }
        (Some("string"), _) => match &schema.enum_ {
            Some(texts) => Kind::OneOf(texts.iter().map(|JSON(text)| text.clone()).collect()),
            None => Kind::Text,
        },
        (Some("boolean"), _) => Kind::Truth,
        _ => Kind::Whole,
    };
    leaves.push(Leaf {
        path: path.to_owned(),
        kind,
        is_of_both: OF_BOTH.iter().any(|place| path.starts_with(place)),
    });
}

impl Leaf {
    fn value(&self, dice: &mut Dice) -> Value {
        match &self.kind {
            Kind::OneOf(values) => dice.pick(values).clone(),
            Kind::Text => json!(*dice.pick(&TEXTS)),
            Kind::Whole => json!(dice.below(4)),
            Kind::Truth => json!(dice.one_in(2)),
            Kind::Quantity => match dice.one_in(2) {
                true => json!(dice.below(3)),
                false => json!("500m"),
            },
            Kind::List => (0..dice.below(3)).map(|_| *dice.pick(&TEXTS)).collect(),
            Kind::Map => {
                let entries = (0..dice.below(4)).map(|_| (*dice.pick(&TEXTS), *dice.pick(&TEXTS)));
                json!(entries.collect::<BTreeMap<_, _>>())
            }
            Kind::Anything => match dice.one_in(2) {
                true => json!({}),
                false => json!({ "labels": { "a": "b" } }),
            },
        }
    }
}

/// Puts `value` where `path` is. Of a list it is in one of the first entries;
/// now and then what is around it is left empty.
fn put(object: &mut Value, path: &str, value: Value, dice: &mut Dice) {
    let mut node = object;
    for segment in path.split('.') {
        let name = segment.trim_end_matches("[]");
        node = &mut node[name];
        if node.is_null() {
            *node = json!({});
            if dice.one_in(64) {
                return;
            }
        }
        if name != segment {
            if !node.is_array() {
                *node = json!([]);
            }
            let list = node.as_array_mut().unwrap();
            let at = dice.below(3).min(list.len());
            if at == list.len() {
                list.push(json!({}));
            }
            node = &mut list[at];
        }
    }
    *node = value;
}
