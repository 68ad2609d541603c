//! Objects that an API server stored as v1 are stored as v2: by the documented
//! command, and by an operator that may.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{World, converting_crd, operator};
use crate::operator::BINARY;
use crate::tests_of::until;

/// The CRD as it was when v1 was stored.
fn storing_v1() -> Result<Value> {
    let mut crd = converting_crd();
    let versions = crd
        .pointer_mut("/spec/versions")
        .and_then(Value::as_array_mut);
    for version in versions.context("versions")? {
        let is_v1 = version.get("name") == Some(&json!("v1"));
        let fields = version.as_object_mut().context("fields")?;
        fields.insert("storage".to_owned(), is_v1.into());
    }
    Ok(crd)
}

/// Has some LocustTests stored as v1.
async fn store_as_v1(world: &World, names: &[&str]) -> Result<()> {
    world.put_crd(&storing_v1()?).await?;
    until("v1 to be stored", async || {
        let versions = world.stored_versions().await?;
        Ok(versions.contains(&"v1".to_owned()).then_some(()))
    })
    .await?;
    for name in names {
        let old = json!({
            "apiVersion": "locust.io/v1", "kind": "LocustTest", "metadata": { "name": name },
            "spec": {
                "image": "i", "masterCommandSeed": name, "workerCommandSeed": "w", "workerReplicas": 3,
                "configMap": "c",
            },
        });
        world.done("POST", &world.path("v1", ""), &old).await?;
    }
    Ok(())
}

/// Runs the command and gives what it printed, to whichever stream.
async fn migrate(world: &World) -> Result<String> {
    let mut command = world.control_plane.network_command(BINARY);
    command
        .arg("migrate")
        .arg("--kubeconfig")
        .arg(world.control_plane.kubeconfig());
    let output = tokio::task::spawn_blocking(move || command.output()).await??;
    Ok(String::from_utf8(output.stdout)? + &String::from_utf8(output.stderr)?)
}

/// Read without conversion, a v2 object shows what is stored.
async fn all_are_stored_as_v2(world: &World, names: &[&str]) -> Result<()> {
    assert_eq!(world.stored_versions().await?, ["v2"]);
    world.put_crd(&locust_api::crd::manifest()).await?;
    world.until_v1_is_gone().await?;
    let stored = world.stored().await?;
    for name in names {
        let spec = stored.get(*name).map(|test| test["spec"].clone());
        let spec = spec.with_context(|| format!("{name} is gone"))?;
        assert_eq!(spec["master"]["command"], *name);
        assert_eq!(spec["worker"]["replicas"], 3);
        assert_eq!(spec["testFiles"]["configMapRef"], "c");
    }
    Ok(())
}

#[tokio::test]
async fn what_was_stored_as_v1_is_stored_as_v2_by_the_command() -> Result<()> {
    let world = World::converting().await?;
    assert_eq!(
        migrate(&world).await?,
        "all LocustTests are stored as v2 already\n"
    );

    // Never where they would be read without being converted.
    store_as_v1(&world, &["one", "two"]).await?;
    world.put_crd(&locust_api::crd::manifest()).await?;
    let refused = migrate(&world).await?;
    assert!(
        refused.starts_with(
            "error: there may be LocustTests that are stored as v1, and the CRD names no webhook"
        ),
        "{refused}"
    );

    world.put_crd(&converting_crd()).await?;
    world.until_converted().await?;
    assert_eq!(
        migrate(&world).await?,
        "all LocustTests (2) are stored as v2\n"
    );
    all_are_stored_as_v2(&world, &["one", "two"]).await?;
    Ok(())
}

#[tokio::test]
async fn what_was_stored_as_v1_is_stored_as_v2_by_an_operator_that_may() -> Result<()> {
    let mut world = World::converting().await?;
    store_as_v1(&world, &["three"]).await?;
    world.put_crd(&converting_crd()).await?;
    world.operator.kill()?;
    let home = world.namespace.name().to_owned();
    world.operator = operator(&world.control_plane, &home, &[])?;
    let migrated = until("the operator to migrate", async || {
        Ok((world.stored_versions().await? == ["v2"]).then_some(()))
    });
    migrated
        .await
        .with_context(|| format!("the log of the operator: {}", world.operator.log()))?;
    all_are_stored_as_v2(&world, &["three"]).await
}
