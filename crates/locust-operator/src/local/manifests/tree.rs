//! YAML with the line of every field.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::Spanned;

/// A document: its content, and on which line each field stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// The content as JSON.
    pub value: Value,
    lines: BTreeMap<String, u64>,
}

impl Document {
    /// Reads all documents of `text`; empty ones are left out.
    pub(super) fn read_all(text: &str) -> Result<Vec<Self>, serde_saphyr::Error> {
        // `0644` is a file mode, as for kubectl.
        let options = serde_saphyr::options! { legacy_octal_numbers: true };
        let trees = serde_saphyr::from_multiple_with_options::<Spanned<Tree>>(text, options)?;
        Ok(trees.into_iter().map(Self::new).collect())
    }

    fn new(tree: Spanned<Tree>) -> Self {
        let mut lines = BTreeMap::from([(String::new(), tree.referenced.line())]);
        let value = tree.value.split("", &mut lines);
        Self { value, lines }
    }

    /// The items of a `List`, as documents of their own.
    pub(super) fn items(&self) -> Vec<Self> {
        let items = self.value.get("items").and_then(Value::as_array);
        items
            .into_iter()
            .flatten()
            .enumerate()
            .map(|(index, value)| {
                let prefix = format!("items[{index}]");
                let below = |(path, line): (&String, &u64)| {
                    let rest = path.strip_prefix(&prefix)?;
                    let rest = rest.strip_prefix('.').unwrap_or(rest);
                    Some((rest.to_owned(), *line))
                };
                Self {
                    value: value.clone(),
                    lines: self.lines.iter().filter_map(below).collect(),
                }
            })
            .collect()
    }

    /// The line of a field such as `spec.volumes[0].name`, or of the nearest
    /// field around it that is there.
    pub fn line(&self, field: &str) -> u64 {
        let mut path = field;
        loop {
            if let Some(line) = self.lines.get(path) {
                return *line;
            }
            path = path
                .rfind(['.', '['])
                .and_then(|end| path.get(..end))
                .unwrap_or_default();
            if path.is_empty() {
                return self.lines.get("").copied().unwrap_or(1);
            }
        }
    }

    /// The text of a field, if it is text.
    pub(super) fn text(&self, pointer: &str) -> Option<&str> {
        self.value.pointer(pointer).and_then(Value::as_str)
    }
}

/// YAML as it is read.
enum Tree {
    Scalar(Value),
    List(Vec<Spanned<Tree>>),
    Map(Vec<(Spanned<Key>, Spanned<Tree>)>),
}

/// A key is text, also where it does not look so (`8080:`).
struct Key(String);

impl Tree {
    /// The value; the lines of everything in it go to `lines`.
    fn split(self, path: &str, lines: &mut BTreeMap<String, u64>) -> Value {
        match self {
            Self::Scalar(value) => value,
            Self::List(items) => items
                .into_iter()
                .enumerate()
                .map(|(index, item)| {
                    let path = format!("{path}[{index}]");
                    lines.insert(path.clone(), item.referenced.line());
                    item.value.split(&path, lines)
                })
                .collect(),
            Self::Map(entries) => {
                let mut map = Map::new();
                for (key, value) in entries {
                    let name = key.value.0;
                    let dot = if path.is_empty() { "" } else { "." };
                    let path = format!("{path}{dot}{name}");
                    lines.insert(path.clone(), key.referenced.line());
                    map.insert(name, value.value.split(&path, lines));
                }
                Value::Object(map)
            }
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KeyVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that JSON has as well")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Scalar(value.into()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Scalar(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Scalar(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Tree, E> {
        Number::from_f64(value)
            .map(|number| Tree::Scalar(number.into()))
            .ok_or_else(|| E::custom("a number that JSON does not have"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Scalar(value.into()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Tree, E> {
        Ok(Tree::Scalar(value.into()))
    }

    fn visit_unit<E: Error>(self) -> Result<Tree, E> {
        Ok(Tree::Scalar(Value::Null))
    }

    fn visit_none<E: Error>(self) -> Result<Tree, E> {
        Ok(Tree::Scalar(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        Tree::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Tree, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Tree::Map(map))
    }
}

struct KeyVisitor;

impl Visitor<'_> for KeyVisitor {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Key, E> {
        Ok(Key(value.to_owned()))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Key, E> {
        Ok(Key(value.to_string()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Key, E> {
        Ok(Key(value.to_string()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Key, E> {
        Ok(Key(value.to_string()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Key, E> {
        Ok(Key(value.to_string()))
    }
}
