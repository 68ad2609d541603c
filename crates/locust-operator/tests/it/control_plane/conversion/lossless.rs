//! Objects are written by v2, read and written by v1 in every way that kubectl
//! has, and read by v2 again. `V1_OBJECTS` sets how many;
//! `cargo xtask test long` asks for five hundred.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};

use super::{World, manifest, name_of, with};
use crate::tests_of::number;

/// One of each kind, and some in another phase.
const OBJECTS: usize = 40;
/// Replicas that no object has.
const EDITED: i32 = 11;
const REPLICAS: &str = "/spec/workerReplicas";

/// Specs of v2 that the CRD takes, of all kinds.
fn specs() -> Result<Vec<Value>> {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/conversion");
    let mut files: Vec<_> = fs::read_dir(cases)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    files.sort();
    let mut specs = Vec::new();
    for file in files {
        let case: Value = serde_json::from_str(&fs::read_to_string(&file)?)?;
        let input = case.get("input").context("an input")?;
        let is_v2 = input.get("apiVersion") == Some(&json!("locust.io/v2"));
        let spec = input.get("spec").context("a spec")?;
        // NEL is white space in the YAML as which kubectl sends an apply.
        let is_sent = !spec.to_string().contains('\u{85}');
        if is_v2 && is_sent && locust_api::schema::check(&object("probe", spec)).is_empty() {
            specs.push(spec.clone());
        }
    }
    Ok(specs)
}

fn object(name: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": "locust.io/v2",
        "kind": "LocustTest",
        "metadata": { "name": name, "annotations": { "mine": "1" } },
        "spec": spec,
    })
}

fn status(index: usize) -> Value {
    let phases = ["Pending", "Running", "Succeeded", "Failed"];
    json!({ "status": {
        "phase": phases[index % phases.len()],
        "observedGeneration": 1,
        "connectedWorkers": index,
        "run": { "id": format!("run-{index}"), "generation": 1, "specHash": "00" },
        "conditions": [{
            "type": "Ready", "status": "True", "reason": "ResourcesCreated", "message": "made",
            "lastTransitionTime": "2026-01-02T03:04:05Z", "observedGeneration": 1,
        }],
    } })
}

/// What must not differ: all but who wrote last.
fn essence(objects: &BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    let mut objects = objects.clone();
    for object in objects.values_mut() {
        if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
            metadata.remove("managedFields");
            metadata.remove("resourceVersion");
        }
    }
    objects
}

/// The first few objects that are not as expected.
fn differences(expected: &BTreeMap<String, Value>, found: &BTreeMap<String, Value>) -> Vec<String> {
    let differs = |(name, expected): (&String, &Value)| {
        let found = found.get(name);
        (found != Some(expected)).then(|| format!("{name}: {expected} is {found:?}"))
    };
    expected.iter().filter_map(differs).take(3).collect()
}

async fn create_all(world: &World, count: usize) -> Result<()> {
    let specs = specs()?;
    assert!(specs.len() > 60, "{} kinds of objects", specs.len());
    stream::iter(0..count)
        .map(|index| {
            let object = object(&format!("t{index:03}"), &specs[index % specs.len()]);
            async move {
                world.done("POST", &world.path("v2", ""), &object).await?;
                let status_path = format!("{}/status", world.path("v2", &name_of(&object)));
                world.done("PATCH", &status_path, &status(index)).await
            }
        })
        .buffer_unordered(8)
        .try_for_each(|_| async { Ok(()) })
        .await
}

#[tokio::test]
async fn objects_pass_through_v1_and_lose_nothing() -> Result<()> {
    let count = number("V1_OBJECTS", OBJECTS);
    let world = World::converting().await?;
    let started = Instant::now();
    create_all(&world, count).await?;
    let before = essence(&world.stored().await?);
    assert_eq!(before.len(), count);

    let views = world.views().await?;
    assert_eq!(views.len(), count);
    let all = world.file("all", &views)?;
    let manifests: Vec<Value> = views.iter().map(manifest).collect();
    let applied = world.file("applied", &manifests)?;
    let apply = ["apply", "--server-side", "--force-conflicts", "-f"];
    let nothing = ["patch", "--type=merge", "-p", "{}", "-f"];
    world.kubectl(&["replace", "-f", &all]).await?;
    world.kubectl(&[&nothing[..], &[&all]].concat()).await?;
    world.kubectl(&[&apply[..], &[&applied]].concat()).await?;
    let after = essence(&world.stored().await?);
    let changed = differences(&before, &after);
    assert!(changed.is_empty(), "what changes nothing: {changed:#?}");

    let mut groups: [Vec<Value>; 4] = Default::default();
    for (index, view) in world.views().await?.into_iter().enumerate() {
        groups[index % 4].push(view);
    }
    let [patched, applied, edited, replaced] = groups;
    let patch = json!({ "spec": { "workerReplicas": EDITED } }).to_string();
    let file = world.file("patched", &patched)?;
    world
        .kubectl(&["patch", "--type=merge", "-p", &patch, "-f", &file])
        .await?;
    let only_replicas = |view: &Value| {
        let metadata = json!({ "name": name_of(view) });
        let spec = json!({ "workerReplicas": EDITED });
        json!({ "apiVersion": "locust.io/v1", "kind": "LocustTest", "metadata": metadata, "spec": spec })
    };
    let only: Vec<Value> = applied.iter().map(only_replicas).collect();
    let file = world.file("only", &only)?;
    // Only the result has all that is required.
    let as_other = ["--field-manager=other", "--validate=false", "-f", &file];
    world.kubectl(&[&apply[..3], &as_other].concat()).await?;
    let names: Vec<String> = edited.iter().map(name_of).collect();
    let script = format!("s/workerReplicas: .*/workerReplicas: {EDITED}/");
    world.edit(&names, &script).await?;
    let replacements = replaced
        .iter()
        .map(|view| with(view, REPLICAS, json!(EDITED)));
    let file = world.file("replaced", &replacements.collect::<Result<Vec<_>>>()?)?;
    world.kubectl(&["replace", "-f", &file]).await?;

    let mut expected = before.clone();
    for object in expected.values_mut() {
        *object = with(object, "/spec/worker/replicas", json!(EDITED))?;
        *object = with(object, "/metadata/generation", json!(2))?;
    }
    let found = essence(&world.stored().await?);
    let lost = differences(&expected, &found);
    assert!(lost.is_empty(), "more than the edit changed: {lost:#?}");

    let bare: Vec<Value> = world.views().await?.iter().map(manifest).collect();
    let bare = bare
        .iter()
        .map(|view| with(view, "/metadata/annotations", json!({})));
    let file = world.file("bare", &bare.collect::<Result<Vec<_>>>()?)?;
    world.kubectl(&["replace", "-f", &file]).await?;
    let statuses = |objects: &BTreeMap<String, Value>| -> Vec<Value> {
        objects
            .values()
            .map(|object| object["status"].clone())
            .collect()
    };
    let bare = world.stored().await?;
    assert_eq!(statuses(&bare), statuses(&before), "a status is never lost");
    println!(
        "{count} objects, 0 differences, in {} s",
        started.elapsed().as_secs()
    );
    Ok(())
}

#[tokio::test]
async fn check_37_a_v1_object_is_warned_of_and_read_and_changed_in_both_versions() -> Result<()> {
    let world = World::converting().await?;
    let old = json!({
        "apiVersion": "locust.io/v1",
        "kind": "LocustTest",
        "metadata": { "name": "old" },
        "spec": {
            "image": "locustio/locust:2.47.0",
            "masterCommandSeed": "-f a.py",
            "workerCommandSeed": "-f a.py",
            "labels": { "master": { "a": "1" } },
            "affinity": { "nodeAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": { "z": "1", "a": "2" } } },
            "tolerations": [{ "key": "k", "operator": "Exists", "effect": "NoSchedule" }],
        },
    });
    let file = world.file("old", std::slice::from_ref(&old))?;
    let output = world.try_kubectl(&["create", "-f", &file], "true").await?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let warning = "Warning: locust.io/v1 LocustTest is deprecated, migrate to locust.io/v2";
    assert!(said.contains(warning), "{said}");

    let new = world
        .done("GET", &world.path("v2", "old"), &Value::Null)
        .await?;
    assert_eq!(new["apiVersion"], "locust.io/v2");
    let autoquit = json!({ "enabled": true, "timeout": 60 });
    assert_eq!(new["spec"]["master"]["autostart"], true);
    assert_eq!(new["spec"]["master"]["autoquit"], autoquit);
    assert_eq!(new["spec"]["worker"]["replicas"], 1);
    let view = world
        .done("GET", &world.path("v1", "old"), &Value::Null)
        .await?;
    for (field, value) in old["spec"].as_object().context("fields")? {
        assert_eq!(view["spec"][field], *value, "{field}");
    }
    let patch = json!({ "spec": { "workerReplicas": 3 } });
    world
        .done("PATCH", &world.path("v1", "old"), &patch)
        .await?;
    let new = world
        .done("GET", &world.path("v2", "old"), &Value::Null)
        .await?;
    assert_eq!(new["spec"]["worker"]["replicas"], 3);

    let table = world.kubectl(&["get", super::V1]).await?;
    let head: Vec<_> = table
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    assert_eq!(
        head,
        ["NAME", "MASTER_CMD", "WORKER_REPLICA_COUNT", "IMAGE", "AGE"]
    );
    for (pointer, value, named) in [
        (REPLICAS, json!(0), "spec.workerReplicas"),
        (REPLICAS, json!(501), "spec.workerReplicas"),
        (
            "/spec/imagePullPolicy",
            json!("Sometimes"),
            "spec.imagePullPolicy",
        ),
        (
            "/spec/tolerations",
            json!([{ "key": "k", "operator": "Lt", "effect": "NoExecute" }]),
            "spec.tolerations[0].operator",
        ),
    ] {
        let bad = with(&old, pointer, value)?;
        let refused = world.send("POST", &world.path("v1", ""), &bad).await?;
        let words = refused.err().context(named)?.message;
        assert!(words.contains(named), "{words}");
    }
    Ok(())
}
