//! A LocustTest as JSON against the finished schema: what the API server would
//! refuse, found without one and named by the same path and in the same words.

use std::fmt;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{JSON, JSONSchemaProps};
use regex_lite::Regex;
use serde_json::{Map, Value};

use super::{items, values};
use crate::crd::{METADATA_SCHEMA, STORED_SCHEMA, V1_SCHEMA};
use crate::names::MAX_TEST_NAME;

/// Something about a LocustTest that the API server would refuse.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where: `spec.volumes[0].name`. Empty for the whole object.
    pub path: String,
    /// What, in one line, without the path in front.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.path, self.message)
        }
    }
}

/// Everything that the API server would refuse in `locust_test`, a whole
/// LocustTest as JSON, under strict field validation.
///
/// `apiVersion` and `kind` have to be text: which documents are LocustTests is
/// for the caller to say. One of `locust.io/v1` is judged as such. `status` is not looked
/// into, because the API server takes it off.
///
/// ```
/// let locust_test = serde_json::json!({
///     "apiVersion": "locust.io/v2",
///     "kind": "LocustTest",
///     "metadata": { "name": "demo" },
///     "spec": {
///         "image": "locustio/locust",
///         "master": { "command": "-f /lotest/src/locustfile.py" },
///         "worker": { "command": "-f /lotest/src/locustfile.py", "replicas": 0 },
///     },
/// });
/// let problems = locust_api::schema::check(&locust_test);
/// assert_eq!(
///     problems[0].to_string(),
///     "spec.worker.replicas: Invalid value: 0: \
///      spec.worker.replicas in body should be greater than or equal to 1",
/// );
/// ```
pub fn check(locust_test: &Value) -> Vec<Problem> {
    let mut found = Found(Vec::new());
    let mut locust_test = locust_test.clone();
    drop_nulls(&mut locust_test);
    let Value::Object(mut fields) = locust_test else {
        let got = type_name(&locust_test);
        found.add(
            "",
            format!("a LocustTest is an object, and this is of type {got}"),
        );
        return found.0;
    };
    for name in ["apiVersion", "kind"] {
        match fields.get(name) {
            Some(Value::String(_)) => {}
            Some(value) => found.wrong_type(name, "string", value),
            None => found.add(name, "Required value".to_owned()),
        }
    }
    let mut metadata = fields.get("metadata").cloned().unwrap_or_default();
    if let Value::Object(metadata) = &mut metadata {
        metadata.remove("managedFields");
    }
    if !metadata.is_null() {
        found.compare("metadata", &METADATA_SCHEMA, &metadata);
    }
    found.name(&metadata);

    let is_v1 = fields
        .get("apiVersion")
        .is_some_and(|version| version == "locust.io/v1");
    fields.retain(|name, _| !NOT_WRITTEN.contains(&name.as_str()));
    let spec = fields.get("spec").cloned();
    match is_v1 {
        true => found.compare("", &V1_SCHEMA, &Value::Object(fields)),
        false => {
            found.compare("", &STORED_SCHEMA, &Value::Object(fields));
            found.rules(spec);
        }
    }
    found.0
}

/// Fields of the object that the stored schema does not have, or that users
/// do not write.
const NOT_WRITTEN: &[&str] = &["apiVersion", "kind", "metadata", "status"];

/// Drops every field that is null, as the API server does. A LocustTest that
/// did not come from there is to be decoded only after this. A null in a list
/// stays, and is a problem.
pub fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(list) => list.iter_mut().for_each(drop_nulls),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

struct Found(Vec<Problem>);

impl Found {
    fn add(&mut self, path: &str, message: String) {
        self.0.push(Problem {
            path: path.to_owned(),
            message,
        });
    }

    /// `path` has the wrong `value`. The API server repeats the path here.
    fn invalid(&mut self, path: &str, value: &str, rule: &str) {
        self.add(
            path,
            format!("Invalid value: {value}: {path} in body {rule}"),
        );
    }

    fn wrong_type(&mut self, path: &str, expected: &str, value: &Value) {
        let got = format!("{:?}", type_name(value));
        let rule = format!("must be of type {expected}: {got}");
        self.invalid(path, &got, &rule);
    }

    /// The rules about several fields. The API server, too, looks at them only
    /// where it can rely on the fields.
    fn rules(&mut self, spec: Option<Value>) {
        const BLOCKING: [&str; 4] = ["Required", "Too long", "Too many", "Unsupported"];
        let blocks = |problem: &Problem| {
            let mut blocking = BLOCKING.iter();
            blocking.any(|start| problem.message.starts_with(start))
        };
        if self.0.iter().any(blocks) {
            return;
        }
        let Some(spec) = spec.and_then(|spec| serde_json::from_value(spec).ok()) else {
            return;
        };
        for (Problem { path, message }, _) in super::rules::broken(&spec) {
            self.add(&path, format!("Invalid value: {message}"));
        }
    }

    fn compare(&mut self, path: &str, schema: &JSONSchemaProps, value: &Value) {
        if schema.x_kubernetes_int_or_string == Some(true) {
            match value {
                Value::String(text) => self.pattern(path, schema, text),
                Value::Number(number) if !number.is_f64() => {}
                Value::Null
                | Value::Bool(_)
                | Value::Number(_)
                | Value::Array(_)
                | Value::Object(_) => self.wrong_type(path, "integer,string", value),
            }
            return;
        }
        match (schema.type_.as_deref().unwrap_or_default(), value) {
            ("object", Value::Object(fields)) => self.object(path, schema, fields),
            ("array", Value::Array(list)) => self.list(path, schema, list),
            ("string", Value::String(text)) => self.text(path, schema, text),
            ("integer", Value::Number(number)) if !number.is_f64() => {
                self.number(path, schema, value);
            }
            ("number", Value::Number(_)) => self.number(path, schema, value),
            ("boolean", Value::Bool(_)) => {}
            (expected, _) => self.wrong_type(path, expected, value),
        }
    }

    fn object(&mut self, path: &str, schema: &JSONSchemaProps, fields: &Map<String, Value>) {
        for name in schema.required.iter().flatten() {
            if !fields.contains_key(name) {
                self.add(&join(path, name), "Required value".to_owned());
            }
        }
        if over(fields.len(), schema.max_properties) {
            self.too_many(path, fields.len(), schema.max_properties);
        }
        for (name, value) in fields {
            let below = join(path, name);
            let property = schema
                .properties
                .as_ref()
                .and_then(|properties| properties.get(name));
            match property.or_else(|| values(schema)) {
                Some(property) => self.compare(&below, property, value),
                None => self.add(&below, "unknown field".to_owned()),
            }
        }
    }

    fn list(&mut self, path: &str, schema: &JSONSchemaProps, list: &[Value]) {
        if over(list.len(), schema.max_items) {
            self.too_many(path, list.len(), schema.max_items);
        }
        let Some(entry_schema) = items(schema) else {
            return;
        };
        for (index, entry) in list.iter().enumerate() {
            self.compare(&format!("{path}[{index}]"), entry_schema, entry);
        }
        self.duplicates(path, schema, list);
    }

    /// Two entries with one key, in a list whose entries have keys.
    fn duplicates(&mut self, path: &str, schema: &JSONSchemaProps, list: &[Value]) {
        let Some([key]) = schema.x_kubernetes_list_map_keys.as_deref() else {
            return;
        };
        for (index, entry) in list.iter().enumerate() {
            let id = entry.get(key);
            let before = list.iter().take(index);
            if id.is_some() && before.clone().any(|other| other.get(key) == id) {
                let shown = serde_json::json!({ key: id });
                self.add(
                    &format!("{path}[{index}]"),
                    format!("Duplicate value: {shown}"),
                );
            }
        }
    }

    fn text(&mut self, path: &str, schema: &JSONSchemaProps, text: &str) {
        if let Some(allowed) = &schema.enum_ {
            if !allowed.iter().any(|JSON(member)| member == text) {
                let allowed: Vec<_> = allowed
                    .iter()
                    .map(|JSON(member)| member.to_string())
                    .collect();
                self.add(
                    path,
                    format!(
                        "Unsupported value: {text:?}: supported values: {}",
                        allowed.join(", ")
                    ),
                );
            }
            return;
        }
        let characters = text.chars().count();
        if over(characters, schema.max_length) {
            let most = schema.max_length.unwrap_or_default();
            self.add(path, format!("Too long: may not be more than {most} bytes"));
        }
        let length = i64::try_from(characters).unwrap_or(i64::MAX);
        if let Some(least) = schema.min_length
            && length < least
        {
            let rule = format!("should be at least {least} chars long");
            self.invalid(path, &format!("{text:?}"), &rule);
        }
        self.pattern(path, schema, text);
    }

    fn pattern(&mut self, path: &str, schema: &JSONSchemaProps, text: &str) {
        let Some(pattern) = &schema.pattern else {
            return;
        };
        // That every pattern of the schema compiles is a test.
        if Regex::new(pattern).is_ok_and(|form| !form.is_match(text)) {
            let rule = format!("should match '{pattern}'");
            self.invalid(path, &format!("{text:?}"), &rule);
        }
    }

    fn number(&mut self, path: &str, schema: &JSONSchemaProps, value: &Value) {
        let Some(number) = value.as_f64() else {
            return;
        };
        let shown = value.to_string();
        if let Some(least) = schema.minimum
            && number < least
        {
            let rule = format!("should be greater than or equal to {least}");
            self.invalid(path, &shown, &rule);
        }
        if let Some(most) = schema.maximum
            && number > most
        {
            let rule = format!("should be less than or equal to {most}");
            self.invalid(path, &shown, &rule);
        }
        let fits = value.as_i64().is_some_and(|number| {
            schema.format.as_deref() != Some("int32") || i32::try_from(number).is_ok()
        });
        if schema.type_.as_deref() == Some("integer") && !fits {
            let format = schema.format.as_deref().unwrap_or("int64");
            let rule = format!("Checked value must be of type integer with format {format}");
            self.add(path, format!("Invalid value: {shown}: {rule}"));
        }
    }

    fn too_many(&mut self, path: &str, count: usize, most: Option<i64>) {
        let most = most.unwrap_or_default();
        self.add(
            path,
            format!("Too many: {count}: must have at most {most} items"),
        );
    }

    /// The name, for which the schema has a rule and Kubernetes a form.
    fn name(&mut self, metadata: &Value) {
        let name = match (metadata.get("name"), metadata.get("generateName")) {
            (Some(Value::String(name)), _) => name,
            (None, None) => {
                let message = "Required value: name or generateName is required";
                return self.add("metadata.name", message.to_owned());
            }
            (Some(_), _) | (None, Some(_)) => return,
        };
        if name.len() > MAX_TEST_NAME {
            self.add("metadata.name", too_long(&format!("name {name:?}")));
        }
        if !is_subdomain(name) {
            self.add(
                "metadata.name",
                format!(
                    "Invalid value: {name:?}: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character"
                ),
            );
        }
    }
}

/// What is said of a name over [`MAX_TEST_NAME`].
pub(super) fn too_long(name: &str) -> String {
    format!(
        "{name} is too long: generated Job names would exceed 63 characters (max CR name length is {MAX_TEST_NAME})"
    )
}

fn is_subdomain(name: &str) -> bool {
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    name.split('.').all(|label| {
        label.starts_with(edge)
            && label.ends_with(edge)
            && label.chars().all(|c| edge(c) || c == '-')
    })
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

fn over(count: usize, most: Option<i64>) -> bool {
    most.is_some_and(|most| i64::try_from(count).is_ok_and(|count| count > most))
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests;
