//! Makes random LocustTests: inputs that are known to be good, with leaves of
//! the schema changed, removed, emptied or driven to extremes.

use std::path::Path;
use std::{fmt, fs};

use anyhow::{Context, Result};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSON, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use serde_json::{Map, Value, json};

/// What is done to a leaf.
pub(super) const KINDS: [&str; 4] = ["changed", "removed", "emptied", "extreme"];

/// A LocustTest, and what was done to make it.
pub(super) struct Candidate {
    pub(super) object: Value,
    pub(super) mutations: Vec<Mutation>,
}

/// What was done to one leaf.
pub(super) struct Mutation {
    pub(super) kind: &'static str,
    pub(super) leaf: String,
    /// What it holds since; `None` if it was removed.
    pub(super) value: Option<Value>,
}

impl fmt::Display for Mutation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, leaf, value } = self;
        match value {
            Some(value) => write!(f, "{leaf} {kind}: {}", super::cut(&value.to_string(), 80)),
            None => write!(f, "{leaf} {kind}"),
        }
    }
}

/// Good inputs and the leaves of the schema.
pub(super) struct Corpus {
    inputs: Vec<Value>,
    leaves: Vec<Leaf>,
}

/// A node of the schema without properties of its own, or a list or map.
struct Leaf {
    path: String,
    schema: JSONSchemaProps,
}

impl Corpus {
    /// Those of `conformance/cases`, and the sample.
    pub(super) fn read() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut files = vec![root.join("config/samples/locust_v2_locusttest.yaml")];
        for entry in fs::read_dir(root.join("conformance/cases"))? {
            let case = entry?.path();
            if case.join("master-job.json").exists() {
                files.push(case.join("input.yaml"));
            }
        }
        files.sort();
        let mut inputs = vec![everything()];
        for file in files {
            let text = fs::read_to_string(&file)?;
            let options =
                serde_saphyr::options! { strict_booleans: true, legacy_octal_numbers: true };
            let input = serde_saphyr::from_str_with_options(&text, options)
                .with_context(|| file.display().to_string())?;
            inputs.push(input);
        }
        let version = locust_api::crd::crd().spec.versions.into_iter().next();
        let schema = version.and_then(|version| version.schema?.open_api_v3_schema);
        let mut schema = schema.context("a schema")?;
        let properties = schema.properties.as_mut().context("properties")?;
        let spec = properties.remove("spec").context("a spec")?;
        let mut leaves = Vec::new();
        collect(&spec, "spec", &mut leaves);
        Ok(Self { inputs, leaves })
    }

    /// Every leaf by its path.
    pub(super) fn leaves(&self) -> Vec<&str> {
        self.leaves.iter().map(|leaf| leaf.path.as_str()).collect()
    }

    /// So many candidates. Each leaf is met by itself, in one way, then in
    /// another, until it was met in each; the others are made with one to three
    /// mutations.
    pub(super) fn candidates(&self, count: usize, seed: u64) -> Vec<Candidate> {
        let mut dice = Dice(seed);
        let each = (0..KINDS.len()).flat_map(|round| {
            let leaves = self.leaves.iter().enumerate();
            leaves.map(move |(index, leaf)| (leaf, KINDS[(index + round) % KINDS.len()]))
        });
        let mut candidates: Vec<Candidate> = each
            .take(count)
            .map(|single| self.candidate(&[single], &mut dice))
            .collect();
        while candidates.len() < count {
            let ways: Vec<_> = (0..dice.below(3) + 1)
                .map(|_| (dice.pick(&self.leaves), *dice.pick(&KINDS)))
                .collect();
            candidates.push(self.candidate(&ways, &mut dice));
        }
        candidates
    }

    fn candidate(&self, ways: &[(&Leaf, &'static str)], dice: &mut Dice) -> Candidate {
        let mut object = self.input_with(&ways[0].0.path, dice).clone();
        let mut mutations = Vec::new();
        for (leaf, kind) in ways {
            let change = Change {
                value: leaf.value(kind, dice),
            };
            change.apply(&mut object, &leaf.path, dice);
            mutations.push(Mutation {
                kind,
                leaf: leaf.path.clone(),
                value: change.value,
            });
        }
        Candidate { object, mutations }
    }

    /// One of the inputs that have most of the way to a leaf.
    fn input_with(&self, path: &str, dice: &mut Dice) -> &Value {
        let depth = |input: &&Value| depth(input, &steps(path));
        let most = self.inputs.iter().map(|input| depth(&input)).max();
        let fitting: Vec<&Value> = self
            .inputs
            .iter()
            .filter(|input| Some(depth(input)) == most)
            .collect();
        fitting[dice.below(fitting.len())]
    }
}

/// What stands in none of the other inputs.
fn everything() -> Value {
    json!({
        "apiVersion": "locust.io/v2",
        "kind": "LocustTest",
        "metadata": {"name": "all"},
        "spec": {
            "image": "locustio/locust",
            "imagePullSecrets": [{"name": "a"}],
            "master": {"command": "-f a.py", "extraArgs": ["--users=1"]},
            "worker": {"command": "-f a.py", "replicas": 2},
            "volumes": [
                {"name": "v", "projected": {"sources": [
                    {"clusterTrustBundle": {"signerName": "example.com/a", "path": "a", "labelSelector": {
                        "matchLabels": {"a": "b"},
                        "matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}],
                    }}},
                    {"clusterTrustBundle": {"name": "example.com:a:b", "path": "b"}},
                    {"podCertificate": {"signerName": "example.com/a", "keyType": "ED25519",
                        "credentialBundlePath": "c", "keyPath": "d", "certificateChainPath": "e",
                        "maxExpirationSeconds": 3600, "userAnnotations": {"example.com/a": "b"}}},
                ]}},
                {"name": "e", "ephemeral": {"volumeClaimTemplate": {
                    "metadata": {"labels": {"a": "b"}, "annotations": {"a": "b"}},
                    "spec": {
                        "accessModes": ["ReadWriteOnce"], "storageClassName": "fast", "volumeMode": "Filesystem",
                        "resources": {"requests": {"storage": "1Gi"}, "limits": {"storage": "2Gi"}},
                        "selector": {"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "a", "operator": "Exists"}]},
                        "dataSourceRef": {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "s"},
                        "volumeAttributesClassName": "gold",
                    },
                }}},
                {"name": "f", "emptyDir": {"sizeLimit": "1Gi", "medium": "Memory"}},
            ],
            "volumeMounts": [
                {"name": "v", "mountPath": "/v", "readOnly": true, "recursiveReadOnly": "IfPossible"},
                {"name": "e", "mountPath": "/e", "subPath": "a", "target": "master"},
                {"name": "f", "mountPath": "/f", "mountPropagation": "HostToContainer"},
            ],
            "scheduling": {"affinity": {
                "nodeAffinity": {
                    "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{
                        "matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}],
                        "matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n"]}],
                    }]},
                    "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "preference": {
                        "matchExpressions": [{"key": "a", "operator": "Gt", "values": ["1"]}],
                        "matchFields": [{"key": "metadata.name", "operator": "NotIn", "values": ["n"]}],
                    }}],
                },
                "podAffinity": pod_affinity(),
                "podAntiAffinity": pod_affinity(),
            }},
        },
    })
}

fn pod_affinity() -> Value {
    let selector = json!({
        "matchLabels": {"a": "b"},
        "matchExpressions": [{"key": "c", "operator": "NotIn", "values": ["d"]}],
    });
    let term = json!({
        "topologyKey": "kubernetes.io/hostname",
        "labelSelector": selector,
        "namespaceSelector": selector,
        "namespaces": ["n"],
        "matchLabelKeys": ["e"],
        "mismatchLabelKeys": ["f"],
    });
    json!({
        "requiredDuringSchedulingIgnoredDuringExecution": [term],
        "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "podAffinityTerm": term}],
    })
}

fn collect(schema: &JSONSchemaProps, path: &str, leaves: &mut Vec<Leaf>) {
    let below = leaves.len();
    for (name, property) in schema.properties.iter().flatten() {
        collect(property, &format!("{path}.{name}"), leaves);
    }
    if let Some(JSONSchemaPropsOrArray::Schema(items)) = &schema.items {
        collect(items, &format!("{path}[]"), leaves);
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &schema.additional_properties {
        collect(values, &format!("{path}{{}}"), leaves);
    }
    if leaves.len() == below || schema.properties.is_none() {
        leaves.push(Leaf {
            path: path.to_owned(),
            schema: schema.clone(),
        });
    }
}

/// `spec.volumes[].name` as `spec`, `volumes`, `[]`, `name`.
fn steps(path: &str) -> Vec<&str> {
    path.split('.')
        .flat_map(|part| {
            let name = part.trim_end_matches(['[', ']', '{', '}']);
            let rest = &part[name.len()..];
            let inner = (0..rest.len() / 2).map(move |index| &rest[index * 2..index * 2 + 2]);
            std::iter::once(name).chain(inner)
        })
        .collect()
}

/// How many of the steps can be gone.
fn depth(value: &Value, steps: &[&str]) -> usize {
    let Some((step, rest)) = steps.split_first() else {
        return 0;
    };
    let best = |children: &mut dyn Iterator<Item = &Value>| {
        children
            .map(|child| 1 + depth(child, rest))
            .max()
            .unwrap_or(0)
    };
    match (value, *step) {
        (Value::Array(list), "[]") => best(&mut list.iter()),
        (Value::Object(fields), "{}") => best(&mut fields.values()),
        (Value::Object(fields), name) => best(&mut fields.get(name).into_iter()),
        _ => 0,
    }
}

/// A new value for a leaf; none takes it away.
struct Change {
    value: Option<Value>,
}

impl Change {
    fn apply(&self, object: &mut Value, path: &str, dice: &mut Dice) {
        self.go(object, &steps(path), dice);
    }

    fn go(&self, at: &mut Value, steps: &[&str], dice: &mut Dice) {
        let Some((step, rest)) = steps.split_first() else {
            if let Some(value) = &self.value {
                *at = value.clone();
            }
            return;
        };
        match *step {
            "[]" => {
                let list = array(at);
                if list.is_empty() {
                    list.push(Value::Null);
                }
                let index = choose(list.iter().map(|entry| depth(entry, rest)), dice);
                if rest.is_empty() && self.value.is_none() {
                    list.remove(index);
                    return;
                }
                self.go(&mut list[index], rest, dice);
            }
            "{}" => {
                let fields = object_at(at);
                let keys: Vec<String> = fields.keys().cloned().collect();
                let key = match keys.is_empty() || dice.below(3) == 0 {
                    true => (*dice.pick(TEXTS)).to_owned(),
                    false => dice.pick(&keys).clone(),
                };
                if rest.is_empty() && self.value.is_none() {
                    fields.remove(&key);
                    return;
                }
                self.go(fields.entry(key).or_insert(Value::Null), rest, dice);
            }
            name => {
                let fields = object_at(at);
                if rest.is_empty() && self.value.is_none() {
                    fields.remove(name);
                    return;
                }
                self.go(fields.entry(name).or_insert(Value::Null), rest, dice);
            }
        }
    }
}

fn array(at: &mut Value) -> &mut Vec<Value> {
    if !at.is_array() {
        *at = json!([]);
    }
    at.as_array_mut().expect("it was just made one")
}

fn object_at(at: &mut Value) -> &mut Map<String, Value> {
    if !at.is_object() {
        *at = json!({});
    }
    at.as_object_mut().expect("it was just made one")
}

/// One of the largest.
fn choose(depths: impl Iterator<Item = usize>, dice: &mut Dice) -> usize {
    let depths: Vec<usize> = depths.collect();
    let most = depths.iter().max().copied();
    let largest: Vec<usize> = (0..depths.len())
        .filter(|index| depths.get(*index).copied() == most)
        .collect();
    *dice.pick(&largest)
}

/// Texts that are right somewhere and wrong elsewhere.
const TEXTS: &[&str] = &[
    "a",
    "A",
    "a-b",
    "a.b",
    "a_b",
    "a b",
    "-a",
    "a-",
    ".",
    "..",
    "../a",
    "/",
    "/a",
    "/a/",
    "/a/../b",
    "a/b",
    "a/b/c",
    "//",
    "a=b",
    "a:b",
    "a,b",
    "0",
    "1",
    "-1",
    "1.5",
    "1Gi",
    "2000m",
    "1e3",
    "true",
    "null",
    "é",
    "日本",
    "a\nb",
    "a\tb",
    " ",
    " a ",
    "\"",
    "'",
    "a'b",
    "$(A)",
    "\\",
    "%",
    "~",
    "@",
    "kubernetes.io/a",
    "example.com/a",
    "example.com/A_b",
    "locust-lib",
    "secret-a",
    "all-master",
    "Always",
    "None",
    "Exists",
    "In",
    "Localhost",
    "Bidirectional",
    "v1",
    "metadata.name",
    "metadata.labels['a']",
    "limits.cpu",
    "cpu",
    "memory",
    "hugepages-2Mi",
    "ephemeral-storage",
    "job-name",
    "requests.example.com/a",
    "/lotest/src",
    "/lotest/src/a",
    "/opt/locust/lib",
    "iqn.2001-04.com.example:a",
    "host:80",
    "ReadWriteOncePod",
];
const QUANTITIES: &[&str] = &[
    "0", "1", "-1", "100m", "1.5", "1Gi", "0.1n", "1e30", "9Ei", "-0", "+1", "1e-12", "500M",
    "3Mi", "1Mi", "1000m", "abc", "", "1 Gi", "1Kib",
];
const NUMBERS: &[i64] = &[
    0,
    1,
    -1,
    2,
    100,
    101,
    255,
    256,
    420,
    511,
    512,
    600,
    1023,
    1024,
    3599,
    3600,
    65535,
    65536,
    2_147_483_647,
    -2_147_483_648,
    2_147_483_648,
    4_294_967_297,
    i64::MAX,
    i64::MIN,
];

impl Leaf {
    fn value(&self, kind: &str, dice: &mut Dice) -> Option<Value> {
        match kind {
            "removed" => None,
            "emptied" => Some(self.empty()),
            "extreme" => Some(self.extreme(dice)),
            _ => Some(self.changed(dice)),
        }
    }

    fn type_(&self) -> &str {
        match self.schema.x_kubernetes_int_or_string {
            Some(true) => "quantity",
            _ => self.schema.type_.as_deref().unwrap_or_default(),
        }
    }

    fn empty(&self) -> Value {
        match self.type_() {
            "string" | "quantity" => json!(""),
            "integer" => json!(0),
            "boolean" => json!(false),
            "array" => json!([]),
            _ => json!({}),
        }
    }

    fn changed(&self, dice: &mut Dice) -> Value {
        match self.type_() {
            "string" => match &self.schema.enum_ {
                Some(texts) if dice.below(4) > 0 => {
                    let JSON(text) = dice.pick(texts);
                    text.clone()
                }
                _ => json!(dice.pick(TEXTS)),
            },
            "quantity" => json!(dice.pick(QUANTITIES)),
            "integer" => json!(dice.pick(NUMBERS)),
            "boolean" => json!(dice.below(2) == 0),
            "array" => {
                let item = items(&self.schema).map(|schema| self.below(schema));
                let count = dice.below(3) + 1;
                let items = (0..count).filter_map(|_| Some(item.as_ref()?.changed(dice)));
                Value::Array(items.collect())
            }
            _ => {
                let values = values(&self.schema).map(|schema| self.below(schema));
                let mut fields = Map::new();
                for _ in 0..dice.below(3) + 1 {
                    if let Some(values) = &values {
                        fields.insert((*dice.pick(TEXTS)).to_owned(), values.changed(dice));
                    }
                }
                Value::Object(fields)
            }
        }
    }

    fn extreme(&self, dice: &mut Dice) -> Value {
        match self.type_() {
            "string" => match dice.below(3) {
                0 => json!("a".repeat(dice.long(self.schema.max_length))),
                1 => json!("/a".repeat(dice.long(self.schema.max_length) / 2)),
                _ => json!(dice.pick(TEXTS)),
            },
            "quantity" => match dice.below(4) {
                0 => json!(i64::MAX),
                1 => json!(-1),
                2 => json!(1.5),
                _ => json!(dice.pick(QUANTITIES)),
            },
            "integer" => json!(dice.pick(&[i64::MAX, i64::MIN, 2_147_483_647, -2_147_483_648, -1])),
            "boolean" => json!("yes"),
            "array" => {
                let item = items(&self.schema).map(|schema| self.below(schema).changed(dice));
                let most = self.schema.max_items.unwrap_or(64);
                let count = usize::try_from(most).unwrap_or(64) + dice.below(2);
                Value::Array(vec![item.unwrap_or_default(); count.min(130)])
            }
            _ => {
                let value = values(&self.schema).map(|schema| self.below(schema).changed(dice));
                let most = self.schema.max_properties.unwrap_or(64);
                let count = usize::try_from(most).unwrap_or(64) + dice.below(2);
                let field = |index| (format!("a{index}"), value.clone().unwrap_or_default());
                Value::Object((0..count.min(300)).map(field).collect())
            }
        }
    }

    fn below(&self, schema: &JSONSchemaProps) -> Self {
        Self {
            path: self.path.clone(),
            schema: schema.clone(),
        }
    }
}

fn items(schema: &JSONSchemaProps) -> Option<&JSONSchemaProps> {
    match schema.items.as_ref()? {
        JSONSchemaPropsOrArray::Schema(items) => Some(items),
        JSONSchemaPropsOrArray::Schemas(_) => None,
    }
}

fn values(schema: &JSONSchemaProps) -> Option<&JSONSchemaProps> {
    match schema.additional_properties.as_ref()? {
        JSONSchemaPropsOrBool::Schema(values) => Some(values),
        JSONSchemaPropsOrBool::Bool(_) => None,
    }
}

/// Random numbers that are the same in every run (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(1).max(1);
        usize::try_from(self.roll() % end).unwrap_or_default()
    }

    fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }

    /// As long as something may be, or one more.
    fn long(&mut self, most: Option<i64>) -> usize {
        let most = most
            .and_then(|most| usize::try_from(most).ok())
            .unwrap_or(300);
        most.min(2_000) + self.below(2)
    }
}
