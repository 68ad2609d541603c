//! A finished test that is touched by v1 is not run again.

use anyhow::{Context, Result};
use k8s_openapi::api::batch::v1::Job;
use kube::api::{DeleteParams, ListParams};
use kube::{Api, ResourceExt};
use locust_api::latest::Phase;
use serde_json::{Value, json};

use super::{V1, World, manifest, with};
use crate::pods;
use crate::tests_of::{Tests, locust_test, phase, until};

/// Each way to touch a test.
const WAYS: [&str; 6] = ["get", "patch", "apply", "edit", "replace", "bare"];
const REPLICAS: &str = "/spec/workerReplicas";

async fn touch(world: &World, way: &str, name: &str) -> Result<()> {
    let view = world
        .done("GET", &world.path("v1", name), &Value::Null)
        .await?;
    let edited = with(&view, REPLICAS, json!(2))?;
    let file = |object: Value| world.file(name, &[object]);
    match way {
        "get" => drop(world.kubectl(&["get", V1, name, "-o", "yaml"]).await?),
        "patch" => {
            let patch = r#"{"spec":{"workerReplicas":2}}"#;
            world
                .kubectl(&["patch", V1, name, "--type=merge", "-p", patch])
                .await?;
        }
        "apply" => {
            let file = file(manifest(&edited))?;
            let arguments = ["apply", "--server-side", "--force-conflicts", "-f", &file];
            world.kubectl(&arguments).await?;
        }
        "edit" => {
            world
                .edit(
                    &[name.to_owned()],
                    "s/workerReplicas: .*/workerReplicas: 2/",
                )
                .await?
        }
        "replace" => drop(world.kubectl(&["replace", "-f", &file(edited)?]).await?),
        "bare" => {
            let bare = with(&manifest(&edited), "/metadata/annotations", json!({}))?;
            world.kubectl(&["replace", "-f", &file(bare)?]).await?;
        }
        other => anyhow::bail!("{other} is no way"),
    }
    Ok(())
}

#[tokio::test]
async fn a_finished_test_touched_by_v1_is_not_run_again() -> Result<()> {
    let world = World::running().await?;
    let (client, namespace) = (&world.client, world.namespace.name());
    let tests = Tests::new(client.clone(), namespace);
    let jobs: Api<Job> = Api::namespaced(client.clone(), namespace);
    let names = WAYS
        .map(|way| [format!("{way}-present"), format!("{way}-gone")])
        .concat();
    for name in &names {
        tests.create(locust_test(name, 1)).await?;
    }
    for name in &names {
        for role in ["worker", "master"] {
            pods::put(client, namespace, &format!("{name}-{role}"), 1, "Succeeded").await?;
        }
    }
    for name in &names {
        tests.wait_for(name, &[Phase::Succeeded]).await?;
    }
    let gone = names.iter().filter(|name| name.ends_with("gone"));
    for name in gone {
        for role in ["master", "worker"] {
            let job = format!("{name}-{role}");
            jobs.delete(&job, &DeleteParams::background()).await?;
        }
    }
    let uids = async || {
        let jobs = jobs.list(&ListParams::default()).await?.items;
        anyhow::Ok(
            jobs.iter()
                .map(|job| (job.name_any(), job.uid()))
                .collect::<Vec<_>>(),
        )
    };
    let before = until("the Jobs to be gone", async || {
        let left = uids().await?;
        Ok((left.len() == names.len()).then_some(left))
    })
    .await?;
    let stored = world.stored().await?;

    for name in &names {
        let (way, _) = name.split_once('-').context("a way")?;
        touch(&world, way, name).await?;
    }
    // What comes later is looked at later: then all were looked at.
    tests.create(locust_test("later", 1)).await?;
    pods::put(client, namespace, "later-master", 1, "Succeeded").await?;
    tests.wait_for("later", &[Phase::Succeeded]).await?;
    let mut after = uids().await?;
    after.retain(|(name, _)| !name.starts_with("later-"));
    assert_eq!(after, before, "a Job was created");
    for name in &names {
        let test = tests.api.get(name).await?;
        assert_eq!(phase(&test), Some(Phase::Succeeded), "{name}");
        let run = test.status.and_then(|status| status.run).context("a run")?;
        assert_eq!(stored[name]["status"]["run"]["id"], json!(run.id), "{name}");
    }
    Ok(())
}
