//! What a user of the Go operator relies on, by the numbers of its acceptance
//! list: the objects of a test. What happens to a test is in
//! `decide/tests/acceptance.rs`; a test that needs an API server is among the
//! integration tests, under its number.

mod arguments;
mod pods;
mod settings;

use std::collections::BTreeMap;

use locust_api::latest::LocustTest;
use serde_json::{Value, json};

use crate::build::{master_job, master_service, worker_job};
use crate::resolve::resolve;
use crate::settings::{Settings, from_variables};

/// The objects of a test as JSON.
struct Built {
    service: Value,
    master: Value,
    worker: Value,
}

/// The list's base test, changed by a merge patch.
fn base(patch: &Value) -> LocustTest {
    let mut test = json!({
        "apiVersion": "locust.io/v2",
        "kind": "LocustTest",
        "metadata": { "name": "t", "namespace": "n", "uid": "u", "generation": 1 },
        "spec": {
            "image": "locustio/locust:latest",
            "master": { "command": "-f /lotest/src/locustfile.py" },
            "worker": { "command": "-f /lotest/src/locustfile.py", "replicas": 3 },
            "testFiles": { "configMapRef": "cm" },
        },
    });
    merge(&mut test, patch);
    serde_json::from_value(test).unwrap()
}

fn merge(into: &mut Value, patch: &Value) {
    let (Some(fields), Some(changes)) = (into.as_object_mut(), patch.as_object()) else {
        *into = patch.clone();
        return;
    };
    for (key, change) in changes {
        if change.is_null() {
            fields.remove(key);
        } else {
            merge(fields.entry(key).or_insert(json!({})), change);
        }
    }
}

fn read(variables: &[(&str, &str)]) -> Settings {
    let variables: BTreeMap<String, String> = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    from_variables(&variables).settings
}

fn built_with(patch: &Value, variables: &[(&str, &str)]) -> Built {
    let settings = read(variables);
    let resolved = resolve(&base(patch), &settings);
    Built {
        service: serde_json::to_value(master_service(&resolved)).unwrap(),
        master: serde_json::to_value(master_job(&resolved)).unwrap(),
        worker: serde_json::to_value(worker_job(&resolved)).unwrap(),
    }
}

fn built(patch: &Value) -> Built {
    built_with(patch, &[])
}

impl Built {
    fn both(&self) -> [&Value; 2] {
        [&self.master, &self.worker]
    }
}

/// A part of a Job's pod template.
fn pod<'a>(job: &'a Value, path: &str) -> &'a Value {
    at(job, &format!("/spec/template/spec{path}"))
}

/// A part of a Job's Locust container.
fn locust<'a>(job: &'a Value, path: &str) -> &'a Value {
    pod(job, &format!("/containers/0{path}"))
}

/// Null if there is none.
fn at<'a>(object: &'a Value, path: &str) -> &'a Value {
    object.pointer(path).unwrap_or(&Value::Null)
}

fn args(job: &Value) -> Vec<&str> {
    let args = locust(job, "/args").as_array().unwrap();
    args.iter().map(|arg| arg.as_str().unwrap()).collect()
}

fn names(list: &Value) -> Vec<&str> {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter()
        .map(|item| at(item, "/name").as_str().unwrap())
        .collect()
}
