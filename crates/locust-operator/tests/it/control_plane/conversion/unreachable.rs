//! Nothing that converts: switched off, or not to be reached.

use anyhow::{Context, Result};
use locust_api::latest::Phase;
use serde_json::{Value, json};

use super::{World, operator};
use crate::pods;
use crate::tests_of::{Tests, locust_test};

#[tokio::test]
async fn without_conversion_v2_goes_on_and_v1_fails_with_the_reason() -> Result<()> {
    let mut world = World::converting().await?;
    let name = world.namespace.name().to_owned();
    let tests = Tests::new(world.client.clone(), &name);
    tests.create(locust_test("before", 1)).await?;
    world
        .done("GET", &world.path("v1", "before"), &Value::Null)
        .await?;
    world.operator.kill()?;

    let of_v1 = async |method: &str, path: String, body: Value| -> Result<String> {
        let answer = world.send(method, &path, &body).await?;
        Ok(answer.err().context("v1 was answered")?.message)
    };
    let old = json!({
        "apiVersion": "locust.io/v1", "kind": "LocustTest", "metadata": { "name": "old" },
        "spec": { "image": "i", "masterCommandSeed": "m", "workerCommandSeed": "w" },
    });
    let edit = json!({ "spec": { "workerReplicas": 2 } });
    for (method, path, body) in [
        ("GET", world.path("v1", "before"), Value::Null),
        ("POST", world.path("v1", ""), old.clone()),
        ("PATCH", world.path("v1", "before"), edit),
    ] {
        let words = of_v1(method, path, body).await?;
        assert!(
            words.contains("conversion webhook for locust.io/"),
            "{method}: {words}"
        );
        assert!(words.contains("failed"), "{method}: {words}");
    }

    // An operator that does not convert runs tests as ever.
    let arguments = ["--watch-namespaces", &name, "--enable-conversion=false"];
    let _operator = operator(&world.control_plane, &name, &arguments)?;
    tests.create(locust_test("after", 1)).await?;
    for test in ["before", "after"] {
        for role in ["worker", "master"] {
            pods::put(
                &world.client,
                &name,
                &format!("{test}-{role}"),
                1,
                "Succeeded",
            )
            .await?;
        }
        tests.wait_for(test, &[Phase::Succeeded]).await?;
    }
    assert_eq!(world.stored_versions().await?, ["v2"]);
    let names: Vec<String> = world.stored().await?.into_keys().collect();
    assert_eq!(names, ["after", "before"], "nothing came by v1");

    world.put_crd(&locust_api::crd::manifest()).await?;
    world.until_v1_is_gone().await?;
    let refused = world.send("POST", &world.path("v1", ""), &old).await?;
    assert_eq!(refused.err().map(|status| status.code), Some(404));
    let before = world.stored().await?["before"].clone();
    assert_eq!(before["spec"]["worker"]["replicas"], 1);
    assert_eq!(before["status"]["phase"], "Succeeded");
    Ok(())
}
