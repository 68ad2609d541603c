//! The environment of a process: whole ConfigMaps and Secrets first, then
//! single variables, which win. The rules are the kubelet's.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{EnvFromSource, EnvVarSource};

use super::bundle::{Bundle, Data, Kind};
use super::expand::expand;
use super::fields::{Fields, missing_key, missing_object};
use super::{Pod, Problem};
use crate::processes::ProcessSpec;

pub(super) fn environment(
    process: &ProcessSpec,
    pod: &Pod,
    bundle: &Bundle,
    fields: &Fields<'_>,
    problems: &mut Vec<Problem>,
) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    for (index, source) in process.env_from.iter().enumerate() {
        match source_data(source, index, pod, bundle, fields) {
            Ok(data) => add_all(&mut values, source.prefix.as_deref(), data),
            Err(problem) => problems.extend(problem),
        }
    }
    for variable in &process.env {
        let value = match (&variable.value, &variable.value_from) {
            (Some(value), _) if !value.is_empty() => Ok(Some(expand(value, &values))),
            (_, Some(source)) => {
                let field = fields.variable(&variable.name);
                single(source, &field, pod, bundle)
            }
            _ => Ok(Some(String::new())),
        };
        match value {
            Ok(Some(value)) => {
                values.insert(variable.name.clone(), value);
            }
            Ok(None) => {}
            Err(problem) => problems.push(problem),
        }
    }
    values
}

/// The keys of one `envFrom` entry. `Err(None)`: missing and allowed to be.
fn source_data<'a>(
    source: &EnvFromSource,
    index: usize,
    pod: &Pod,
    bundle: &'a Bundle,
    fields: &Fields<'_>,
) -> Result<&'a Data, Option<Problem>> {
    let (kind, name, optional) = match (&source.config_map_ref, &source.secret_ref) {
        (Some(config_map), _) => (Kind::ConfigMap, &config_map.name, config_map.optional),
        (None, Some(secret)) => (Kind::Secret, &secret.name, secret.optional),
        (None, None) => return Err(None),
    };
    bundle.get(kind, name, &pod.namespace).map_err(|missing| {
        (optional != Some(true)).then(|| {
            let field = fields.env_from(kind, index);
            missing_object(&field, kind, name, &missing, bundle)
        })
    })
}

fn add_all(values: &mut BTreeMap<String, String>, prefix: Option<&str>, data: &Data) {
    let prefix = prefix.unwrap_or_default();
    for (key, value) in data {
        let name = format!("{prefix}{key}");
        // What is not text cannot be a variable; a kubelet passes it on and
        // the container runtime refuses or mangles it.
        if let (true, Ok(value)) = (is_variable_name(&name), std::str::from_utf8(value)) {
            values.insert(name, value.to_owned());
        }
    }
}

/// Since Kubernetes 1.30 everything printable is a name, except for `=`.
fn is_variable_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| (' '..='~').contains(&c) && c != '=')
}

/// The value of one `valueFrom`. `Ok(None)`: missing and allowed to be.
fn single(
    source: &EnvVarSource,
    field: &str,
    pod: &Pod,
    bundle: &Bundle,
) -> Result<Option<String>, Problem> {
    let problem = |message: String| Problem {
        field: field.to_owned(),
        message,
    };
    if let Some(selector) = &source.config_map_key_ref {
        let optional = selector.optional == Some(true);
        let reference = Reference {
            kind: Kind::ConfigMap,
            name: &selector.name,
            key: &selector.key,
            optional,
        };
        return reference.value(&format!("{field}.configMapKeyRef"), pod, bundle);
    }
    if let Some(selector) = &source.secret_key_ref {
        let optional = selector.optional == Some(true);
        let reference = Reference {
            kind: Kind::Secret,
            name: &selector.name,
            key: &selector.key,
            optional,
        };
        return reference.value(&format!("{field}.secretKeyRef"), pod, bundle);
    }
    if let Some(selector) = &source.field_ref {
        return pod.field(selector).map(Some).ok_or_else(|| {
            problem(format!(
                "fieldRef {:?} is not a field of a pod that containers may read",
                selector.field_path
            ))
        });
    }
    let kind = if source.resource_field_ref.is_some() {
        "resourceFieldRef"
    } else if source.file_key_ref.is_some() {
        "fileKeyRef"
    } else {
        return Err(problem(
            "says nothing about where the value comes from".to_owned(),
        ));
    };
    Err(problem(format!(
        "{kind} has no meaning without a cluster; give the variable a value in the file you run"
    )))
}

struct Reference<'a> {
    kind: Kind,
    name: &'a str,
    key: &'a str,
    optional: bool,
}

impl Reference<'_> {
    fn value(&self, field: &str, pod: &Pod, bundle: &Bundle) -> Result<Option<String>, Problem> {
        let found = bundle
            .get(self.kind, self.name, &pod.namespace)
            .map_err(|missing| missing_object(field, self.kind, self.name, &missing, bundle))
            .and_then(|data| {
                data.get(self.key)
                    .ok_or_else(|| missing_key(field, self.kind, self.name, self.key, data))
            });
        match found {
            Ok(value) => String::from_utf8(value.clone())
                .map(Some)
                .map_err(|_| Problem {
                    field: field.to_owned(),
                    message: format!(
                        "key {:?} of {} {:?} is not text",
                        self.key, self.kind, self.name
                    ),
                }),
            Err(_) if self.optional => Ok(None),
            Err(problem) => Err(problem),
        }
    }
}
