//! The objects of `conformance/cases`, field for field.
//!
//! A case is a LocustTest, the operator's variables, and what the Go operator
//! 2.3.0 made of them on a real API server. What differs here on purpose is
//! listed in `conformance/deviations.json` and applied to the expectation.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Service;
use kube::api::{DynamicObject, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client};
use serde::Deserialize;
use serde_json::Value;
use testkit::ControlPlane;
use testkit::control_plane::Options;

use crate::operator::Operator;
use crate::tests_of::until;

/// The children, by the names of their files.
const CHILDREN: [(&str, &str); 3] = [
    ("service", "master"),
    ("master-job", "master"),
    ("worker-job", "worker"),
];

/// So many namespaces are watched one by one.
const FEW: usize = 10;

struct Case {
    dir: PathBuf,
    name: String,
    input: Value,
    variables: BTreeMap<String, String>,
}

impl Case {
    /// Its own.
    fn namespace(&self) -> String {
        format!("case-{}", self.name)
    }
}

#[derive(Deserialize)]
struct Deviation {
    object: String,
    #[serde(default)]
    patch: json_patch::Patch,
}

#[tokio::test]
async fn every_case_has_the_objects_of_the_go_operator() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance");
    let deviations: Vec<Deviation> =
        serde_json::from_str(&fs::read_to_string(root.join("deviations.json"))?)?;
    let mut groups: BTreeMap<BTreeMap<String, String>, Vec<Case>> = BTreeMap::new();
    for case in cases(&root.join("cases"))? {
        groups.entry(case.variables.clone()).or_default().push(case);
    }
    let mut options = Options::default();
    // Nobody asks for the thousand pods of these cases.
    let makes_pods = |controller: &&str| *controller == "job-controller";
    options
        .controllers
        .retain(|controller| !makes_pods(controller));
    let control_plane = ControlPlane::start(options).await?;
    let client = control_plane.client().await?;
    super::install_crd(&client).await?;
    let mut differences = Vec::new();
    let mut count = 0;
    for (variables, cases) in groups {
        let kubeconfig = control_plane.kubeconfig();
        let namespaces: Vec<String> = cases.iter().map(Case::namespace).collect();
        let namespaces: Vec<&str> = namespaces.iter().map(String::as_str).collect();
        // One that looks everywhere looks at all earlier cases again, too. The
        // largest group comes first, and has more namespaces than are watched
        // one by one with profit.
        let _operator = match namespaces.len() {
            ..=FEW => Operator::start_for(&control_plane, &kubeconfig, &namespaces, &variables)?,
            _ => Operator::start_in(&control_plane, &kubeconfig, &variables)?,
        };
        count += cases.len();
        let checks = stream::iter(cases).map(|case| check(&client, case, &deviations));
        let found: Vec<Vec<String>> = checks.buffer_unordered(16).try_collect().await?;
        differences.extend(found.into_iter().flatten());
    }
    println!("{count} cases");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    Ok(())
}

fn cases(dir: &Path) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for entry in fs::read_dir(dir)? {
        let dir = entry?.path();
        let read = |file: &str| {
            fs::read_to_string(dir.join(file)).with_context(|| format!("{}/{file}", dir.display()))
        };
        let variables = read("config.env")?
            .lines()
            .filter_map(|line| line.trim_start_matches('#').split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        cases.push(Case {
            name: dir
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            input: serde_saphyr::from_str_with_options(
                &read("input.yaml")?,
                serde_saphyr::options! { strict_booleans: true, legacy_octal_numbers: true },
            )?,
            variables,
            dir,
        });
    }
    cases.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(cases)
}

/// Applies one case in a namespace of its own; returns what differs.
async fn check(client: &Client, case: Case, deviations: &[Deviation]) -> Result<Vec<String>> {
    let namespace = case.namespace();
    create_namespace(client, &namespace).await?;
    let created = create(client, &namespace, &case.input).await;
    if let Some(rejected) = expectation(&case, "rejected")? {
        let code = created.err().as_ref().and_then(refusal_code);
        let expected = rejected.get("code").and_then(Value::as_u64);
        return Ok((code != expected)
            .then(|| {
                format!(
                    "{}: expected the code {expected:?}, got {code:?}",
                    case.name
                )
            })
            .into_iter()
            .collect());
    }
    created.with_context(|| case.name.clone())?;
    let name = case
        .input
        .pointer("/metadata/name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if let Some(expected) = expectation(&case, "not-accepted")? {
        return not_accepted(client, &namespace, name, &case, &expected).await;
    }
    let mut differences = Vec::new();
    for (object, role) in CHILDREN {
        let mut expected = expectation(&case, object)?.context("an expected object")?;
        for deviation in deviations
            .iter()
            .filter(|deviation| deviation.object == object)
        {
            json_patch::patch(&mut expected, &deviation.patch)
                .with_context(|| format!("{}/{object}: deviation", case.name))?;
        }
        let child = child_name(name, role);
        let what = format!("{object} of case {}", case.name);
        let actual = until(&what, async || {
            settled(client, &namespace, object, &child).await
        })
        .await?;
        compare(
            &format!("{}/{object}", case.name),
            &expected,
            &normal(actual),
            &mut differences,
        );
    }
    Ok(differences)
}

/// The Go operator makes some of the children and tries the rest for ever. Ours
/// makes none, and says what is wrong.
async fn not_accepted(
    client: &Client,
    namespace: &str,
    name: &str,
    case: &Case,
    expected: &Value,
) -> Result<Vec<String>> {
    let reason = expected.get("reason").and_then(Value::as_str);
    let start = format!("False/{}: ", reason.context("a reason")?);
    let tests = crate::tests_of::Tests::new(client.clone(), namespace);
    tests
        .wait_until(name, &start, |test| {
            crate::tests_of::condition(test, "Accepted").starts_with(&start)
        })
        .await?;
    let mut differences = Vec::new();
    for (object, role) in CHILDREN {
        let child = child_name(name, role);
        if stored(client, namespace, object, &child).await?.is_some() {
            differences.push(format!("{}: {object} is there", case.name));
        }
    }
    Ok(differences)
}

fn child_name(name: &str, role: &str) -> String {
    format!("{}-{role}", name.replace('.', "-"))
}

fn expectation(case: &Case, object: &str) -> Result<Option<Value>> {
    let path = case.dir.join(format!("{object}.json"));
    match path.exists() {
        true => Ok(Some(serde_json::from_str(&fs::read_to_string(path)?)?)),
        false => Ok(None),
    }
}

async fn create_namespace(client: &Client, name: &str) -> Result<()> {
    let namespace = serde_json::from_value(serde_json::json!({ "metadata": { "name": name } }))?;
    Api::<k8s_openapi::api::core::v1::Namespace>::all(client.clone())
        .create(&PostParams::default(), &namespace)
        .await?;
    Ok(())
}

async fn create(client: &Client, namespace: &str, input: &Value) -> Result<(), kube::Error> {
    let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("locust.io", "v2", "LocustTest"));
    let object: DynamicObject =
        serde_json::from_value(input.clone()).map_err(kube::Error::SerdeError)?;
    Api::<DynamicObject>::namespaced_with(client.clone(), namespace, &kind)
        .create(&PostParams::default(), &object)
        .await
        .map(drop)
}

fn refusal_code(error: &kube::Error) -> Option<u64> {
    let kube::Error::Api(status) = error else {
        return None;
    };
    Some(u64::from(status.code))
}

/// A child as the API server stores it.
async fn stored(
    client: &Client,
    namespace: &str,
    object: &str,
    name: &str,
) -> Result<Option<Value>> {
    let service = Api::<Service>::namespaced(client.clone(), namespace);
    let jobs = Api::<Job>::namespaced(client.clone(), namespace);
    Ok(match object {
        "service" => service.get_opt(name).await?.map(serde_json::to_value),
        _ => jobs.get_opt(name).await?.map(serde_json::to_value),
    }
    .transpose()?)
}

/// A child that nothing more will be done to: a master Job is released.
async fn settled(
    client: &Client,
    namespace: &str,
    object: &str,
    name: &str,
) -> Result<Option<Value>> {
    let child = stored(client, namespace, object, name).await?;
    let held = "/metadata/annotations/locust.io~1held";
    Ok(child.filter(|child| child.pointer(held).is_none()))
}

/// Without what differs from run to run.
fn normal(mut object: Value) -> Value {
    remove(&mut object, "", &["status"]);
    remove(
        &mut object,
        "/metadata",
        &[
            "uid",
            "resourceVersion",
            "creationTimestamp",
            "managedFields",
            "generation",
        ],
    );
    remove(&mut object, "/metadata/ownerReferences/0", &["uid"]);
    remove(
        &mut object,
        "/spec",
        &["selector/matchLabels", "clusterIP", "clusterIPs"],
    );
    let is_job = object.pointer("/spec/template").is_some();
    if is_job {
        remove(&mut object, "/spec", &["selector"]);
    }
    for labels in ["/metadata/labels", "/spec/template/metadata/labels"] {
        remove(
            &mut object,
            labels,
            &["controller-uid", "batch.kubernetes.io/controller-uid"],
        );
    }
    remove(
        &mut object,
        "/spec/template/metadata",
        &["creationTimestamp"],
    );
    if let Some(namespace) = object.pointer_mut("/metadata/namespace") {
        *namespace = Value::from("NS");
    }
    object
}

fn remove(object: &mut Value, at: &str, keys: &[&str]) {
    if let Some(map) = object.pointer_mut(at).and_then(Value::as_object_mut) {
        for key in keys {
            map.remove(*key);
        }
    }
}

fn compare(path: &str, expected: &Value, actual: &Value, differences: &mut Vec<String>) {
    match (expected, actual) {
        (Value::Object(left), Value::Object(right)) => {
            let keys: std::collections::BTreeSet<&String> =
                left.keys().chain(right.keys()).collect();
            for key in keys {
                let side = |map: &serde_json::Map<String, Value>| {
                    map.get(key).cloned().unwrap_or_default()
                };
                compare(
                    &format!("{path}.{key}"),
                    &side(left),
                    &side(right),
                    differences,
                );
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (index, (left, right)) in left.iter().zip(right).enumerate() {
                compare(&format!("{path}[{index}]"), left, right, differences);
            }
        }
        _ if expected == actual => {}
        _ => differences.push(format!("{path}: expected {expected}, got {actual}")),
    }
}
