//! What a user of the Go operator relies on, by the numbers of its acceptance
//! list: the checks that need an API server. The others are in `locust-core`.

mod again;

use std::time::Duration;

use anyhow::{Context, Result};
use futures::future::try_join;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::events::v1::Event;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use locust_api::latest::{LocustTest, Phase};
use serde_json::{Value, json};

use super::World;
use crate::operator::Operator;
use crate::pods;
use crate::tests_of::{Tests, locust_test, phase, until};

/// Reasons of all events of a namespace.
async fn event_reasons(client: &Client, namespace: &str) -> Result<Vec<String>> {
    let events: Api<Event> = Api::namespaced(client.clone(), namespace);
    let events = events.list(&ListParams::default()).await?.items;
    Ok(events
        .into_iter()
        .filter_map(|event| event.reason)
        .collect())
}

/// Brings the pods of a test with one worker to a phase.
async fn put(client: &Client, namespace: &str, objects: &str, phase: &str) -> Result<()> {
    for role in ["worker", "master"] {
        pods::put(client, namespace, &format!("{objects}-{role}"), 1, phase).await?;
    }
    Ok(())
}

#[tokio::test]
async fn check_21_a_dotted_name_runs_and_misses_nothing() -> Result<()> {
    let world = World::new("dotted").await?;
    let (client, namespace) = (&world.client, world.namespace.name());
    let tests = Tests::new(client.clone(), namespace);
    let _operator = Operator::start(&world.control_plane, &world.kubeconfig(), namespace)?;
    tests.create(locust_test("team-a.load.test", 1)).await?;
    put(client, namespace, "team-a-load-test", "Running").await?;
    tests
        .wait_for("team-a.load.test", &[Phase::Running])
        .await?;
    put(client, namespace, "team-a-load-test", "Succeeded").await?;
    tests
        .wait_for("team-a.load.test", &[Phase::Succeeded])
        .await?;
    let reasons = event_reasons(client, namespace).await?;
    assert!(
        !reasons.contains(&"ResourceDeleted".to_owned()),
        "{reasons:?}"
    );
    Ok(())
}

/// What the API server says to a changed test, without storing it.
async fn judged(client: &Client, namespace: &str, path: &str, value: Value) -> Result<(), String> {
    let mut test = locust_test("judged", 1);
    let (parent, field) = path.rsplit_once('/').unwrap_or_default();
    let spec = test.pointer_mut("/spec").and_then(Value::as_object_mut);
    if let (Some(spec), "/spec/scheduling") = (spec, parent) {
        spec.insert("scheduling".to_owned(), json!({}));
    }
    if let Some(parent) = test.pointer_mut(parent).and_then(Value::as_object_mut) {
        parent.insert(field.to_owned(), value);
    }
    let kind = kube::core::ApiResource::erase::<LocustTest>(&());
    let api = Api::<kube::api::DynamicObject>::namespaced_with(client.clone(), namespace, &kind);
    let object = serde_json::from_value(test).map_err(|error| error.to_string())?;
    let dry_run = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let answer = api.create(&dry_run, &object).await;
    answer.map(drop).map_err(|error| error.to_string())
}

#[tokio::test]
async fn check_32_and_40_the_crd_refuses_what_cannot_be() -> Result<()> {
    let world = World::new("refused").await?;
    let (client, namespace) = (&world.client, world.namespace.name());
    let class = "/spec/scheduling/runtimeClassName";
    let mount = json!([{ "name": "v", "mountPath": "/v", "target": "nobody" }]);
    let refused = [
        (class, json!("gVisor_Sandbox"), "runtimeClassName"),
        ("/spec/worker/replicas", json!(0), "spec.worker.replicas"),
        (
            "/spec/imagePullPolicy",
            json!("Sometimes"),
            "spec.imagePullPolicy",
        ),
        ("/spec/volumeMounts", mount, "spec.volumeMounts[0].target"),
    ];
    for (path, value, named) in refused {
        let words = judged(client, namespace, path, value).await;
        let words = words.err().with_context(|| format!("{path} was taken"))?;
        assert!(words.contains(named), "{words}");
    }
    for name in ["", "gvisor"] {
        let taken = judged(client, namespace, class, json!(name)).await;
        assert_eq!(taken, Ok(()), "{name:?}");
    }
    Ok(())
}

#[tokio::test]
async fn check_44_a_child_that_cannot_be_read_changes_nothing() -> Result<()> {
    let world = World::new("unreadable").await?;
    let (client, namespace) = (&world.client, world.namespace.name());
    let tests = Tests::new(client.clone(), namespace);
    let mut first = Operator::start(&world.control_plane, &world.kubeconfig(), namespace)?;
    tests.create(locust_test("blind", 1)).await?;
    put(client, namespace, "blind", "Running").await?;
    tests.wait_for("blind", &[Phase::Running]).await?;
    first.kill()?;
    let services: Api<Service> = Api::namespaced(client.clone(), namespace);
    services
        .delete("blind-master", &DeleteParams::default())
        .await?;

    let user = format!("blind-{namespace}");
    let kubeconfig = world.control_plane.user_kubeconfig(&user, None)?;
    may(
        client,
        namespace,
        &user,
        &["list", "watch", "create", "patch"],
    )
    .await?;
    let operator = Operator::start(&world.control_plane, &kubeconfig, namespace)?;
    until("a look that fails", async || {
        Ok(operator.log().contains("cannot read Job").then_some(()))
    })
    .await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let blind = tests.api.get("blind").await?;
    assert_eq!(phase(&blind), Some(Phase::Running));
    let reasons = event_reasons(client, namespace).await?;
    assert!(
        !reasons.contains(&"ResourceDeleted".to_owned()),
        "{reasons:?}"
    );

    may(client, namespace, &user, &["*"]).await?;
    until("the Service", async || {
        Ok(services.get_opt("blind-master").await?)
    })
    .await?;
    Ok(())
}

/// Lets a user do these things with Jobs, and all with what else it needs.
async fn may(client: &Client, namespace: &str, user: &str, verbs: &[&str]) -> Result<()> {
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": { "name": user },
        "rules": [
            { "apiGroups": ["batch"], "resources": ["jobs"], "verbs": verbs },
            { "apiGroups": ["", "locust.io", "events.k8s.io"], "resources": ["*"], "verbs": ["*"] },
        ],
    });
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": { "name": user },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": user },
        "subjects": [{ "kind": "User", "name": user, "apiGroup": "rbac.authorization.k8s.io" }],
    });
    let apply = PatchParams::apply("test").force();
    use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
    Api::<Role>::namespaced(client.clone(), namespace)
        .patch(user, &apply, &Patch::Apply(role))
        .await?;
    Api::<RoleBinding>::namespaced(client.clone(), namespace)
        .patch(user, &apply, &Patch::Apply(binding))
        .await?;
    Ok(())
}

#[tokio::test]
async fn check_45_a_finished_test_is_not_run_again_whatever_is_deleted() -> Result<()> {
    let world = World::new("finished").await?;
    let (client, namespace) = (&world.client, world.namespace.name());
    let tests = Tests::new(client.clone(), namespace);
    let _operator = Operator::start(&world.control_plane, &world.kubeconfig(), namespace)?;
    for name in ["kept", "unmarked", "erased"] {
        tests.create(locust_test(name, 1)).await?;
        put(client, namespace, name, "Succeeded").await?;
        tests.wait_for(name, &[Phase::Succeeded]).await?;
    }
    let params = PatchParams::default();
    let unmark = Patch::Merge(json!({ "metadata": { "annotations": { "locust.io/run": null } } }));
    tests.api.patch("unmarked", &params, &unmark).await?;
    let jobs: Api<Job> = Api::namespaced(client.clone(), namespace);
    let services: Api<Service> = Api::namespaced(client.clone(), namespace);
    for name in ["kept", "unmarked", "erased"] {
        for role in ["master", "worker"] {
            let job = format!("{name}-{role}");
            jobs.delete(&job, &DeleteParams::background()).await?;
        }
        let service = format!("{name}-master");
        services.delete(&service, &DeleteParams::default()).await?;
    }
    until("the Jobs to be gone", async || {
        let left = jobs.list(&ListParams::default()).await?.items;
        Ok(left.is_empty().then_some(()))
    })
    .await?;
    let erase = Patch::Merge(json!({ "status": null }));
    tests.api.patch_status("erased", &params, &erase).await?;

    let erased = tests.wait_for("erased", &[Phase::Failed]).await?;
    let words = crate::tests_of::condition(&erased, "TestCompleted");
    assert!(words.starts_with("True/ResultUnknown: "), "{words}");
    for name in ["kept", "unmarked"] {
        let test = tests.api.get(name).await?;
        assert_eq!(phase(&test), Some(Phase::Succeeded), "{name}");
    }
    assert_eq!(jobs.list(&ListParams::default()).await?.items.len(), 0);
    assert_eq!(services.list(&ListParams::default()).await?.items.len(), 0);
    Ok(())
}

#[tokio::test]
async fn check_48_jobs_are_left_alone_by_an_edit() -> Result<()> {
    let world = World::new("edited").await?;
    let (client, namespace) = (&world.client, world.namespace.name());
    let tests = Tests::new(client.clone(), namespace);
    let _operator = Operator::start(&world.control_plane, &world.kubeconfig(), namespace)?;
    let created = tests.create(locust_test("edited", 1)).await?;
    put(client, namespace, "edited", "Running").await?;
    let running = tests.wait_for("edited", &[Phase::Running]).await?;
    assert_eq!(running.metadata.generation, Some(1), "nobody edited it");
    let drifted = |test: &LocustTest| crate::tests_of::condition(test, "SpecDrifted");
    assert_eq!(drifted(&running), "");
    let jobs: Api<Job> = Api::namespaced(client.clone(), namespace);
    // Their statuses are the Job controller's, which may still write them.
    let all_but_status = async || {
        let mut jobs = jobs.list(&ListParams::default()).await?.items;
        for job in &mut jobs {
            job.status = None;
            job.metadata.resource_version = None;
            let managers = job.metadata.managed_fields.get_or_insert_default();
            managers.retain(|manager| manager.subresource.is_none());
        }
        anyhow::Ok(jobs)
    };
    let before = all_but_status().await?;

    let edit = |image: &str| Patch::Merge(json!({ "spec": { "image": image } }));
    let params = PatchParams::default();
    tests.api.patch("edited", &params, &edit("other")).await?;
    let edited = tests
        .wait_until("edited", "a drift", |test| !drifted(test).is_empty())
        .await?;
    assert_eq!(
        drifted(&edited),
        "True/SpecChangeIgnored: Spec changes after creation are ignored. Delete and recreate the CR to apply changes."
    );
    let back = edit(&created.spec.image);
    tests.api.patch("edited", &params, &back).await?;
    let same = tests
        .wait_until("edited", "no drift", |test| drifted(test).is_empty())
        .await?;
    let status = same.status.context("a status")?;
    assert_eq!(status.observed_generation, same.metadata.generation);
    assert_eq!(before.len(), 2);
    assert_eq!(all_but_status().await?, before);
    Ok(())
}

#[tokio::test]
async fn check_53_tests_of_the_same_name_in_two_namespaces_are_independent() -> Result<()> {
    let (one, two) = try_join(World::new("same"), World::new("same")).await?;
    let namespaces = [one.namespace.name(), two.namespace.name()];
    let (cluster, kubeconfig) = (&one.control_plane, one.kubeconfig());
    let _operator = Operator::start_for(cluster, &kubeconfig, &namespaces, &Default::default())?;
    let ends = [("Succeeded", Phase::Succeeded), ("Failed", Phase::Failed)];
    for (namespace, (end, phase)) in namespaces.into_iter().zip(ends) {
        let tests = Tests::new(one.client.clone(), namespace);
        tests.create(locust_test("same", 1)).await?;
        pods::put(&one.client, namespace, "same-master", 1, end).await?;
        tests.wait_for("same", &[phase]).await?;
    }
    Ok(())
}
