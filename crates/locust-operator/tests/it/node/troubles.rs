//! Every kind of trouble with pods, made for real, and what the status says.

mod fixtures;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::future::{join_all, try_join_all};
use k8s_openapi::api::core::v1::{ConfigMap, Event, Namespace, Pod, Secret};
use k8s_openapi::api::node::v1::RuntimeClass;
use kube::Api;
use kube::api::{
    ApiResource, DynamicObject, GroupVersionKind, ListParams, Patch, PatchParams, PostParams,
    TypeMeta,
};
use locust_api::condition::{ConditionType, Reason};
use locust_api::latest::{LocustTest, Phase};
use serde_json::{Value, json};

use super::World;
use crate::tests_of::{condition, until};
use fixtures::{Fixture, Outcome, fixtures};

/// How long after the kubelet's event the status may be silent about it. Two to
/// five seconds on a machine that has nothing else to do.
const AT_ONCE: Duration = Duration::from_secs(15);

#[tokio::test]
async fn each_trouble_is_told_in_the_status_and_passes_when_what_was_missing_is_there() -> Result<()>
{
    let world = World::new("trouble", 1).await?;
    let (client, namespace) = (&world.client, world.namespace.name());
    prepare(&world).await?;
    let fixtures = fixtures();
    let creates = fixtures
        .iter()
        .map(|fixture| world.tests.create(fixture.test()));
    try_join_all(creates).await?;
    let told = join_all(fixtures.iter().map(|fixture| told(&world, fixture))).await;
    let failures: Vec<String> = told
        .into_iter()
        .filter_map(Result::err)
        .map(|error| format!("{error:#}"))
        .collect();
    ensure!(failures.is_empty(), "{}", failures.join("\n\n"));
    for name in ["config-volume", "sandbox"] {
        told_at_once(&world, name).await?;
    }

    let data = json!({ "metadata": { "name": "missing" }, "data": { "key": "value" } });
    let config_map: ConfigMap = serde_json::from_value(data)?;
    Api::namespaced(client.clone(), namespace)
        .create(&PostParams::default(), &config_map)
        .await?;
    let data = json!({ "metadata": { "name": "missing" }, "stringData": { "key": "value" } });
    let secret: Secret = serde_json::from_value(data)?;
    Api::namespaced(client.clone(), namespace)
        .create(&PostParams::default(), &secret)
        .await?;
    let healing = fixtures
        .iter()
        .filter(|fixture| fixture.outcome == Outcome::HealsWithWhatIsMissing);
    try_join_all(healing.map(|fixture| {
        world.tests.wait_until(fixture.name, "its start", |test| {
            condition(test, "PodsHealthy").starts_with("True/")
                && condition(test, "TestCompleted").starts_with("False/")
        })
    }))
    .await?;
    Ok(())
}

/// What the fixtures need that is not theirs.
async fn prepare(world: &World) -> Result<()> {
    let (client, namespace) = (&world.client, world.namespace.name());
    let class: RuntimeClass = serde_json::from_value(json!({
        "metadata": { "name": "no-such-runtime" },
        "handler": "no-such-runtime",
    }))?;
    let classes: Api<RuntimeClass> = Api::all(client.clone());
    match classes.create(&PostParams::default(), &class).await {
        Err(kube::Error::Api(status)) if status.code == 409 => {}
        other => drop(other?),
    }
    world
        .locustfile("files", "from locust import User, task\n\n\nclass Idle(User):\n    @task\n    def rest(self):\n        pass\n")
        .await?;
    let secret: Secret = serde_json::from_value(json!({ "metadata": { "name": "present" } }))?;
    Api::namespaced(client.clone(), namespace)
        .create(&PostParams::default(), &secret)
        .await?;
    add_failing_init_containers(world).await
}

/// Pods with the label `init: fails` get an init container that fails, as from
/// a service mesh: a LocustTest itself can have none.
async fn add_failing_init_containers(world: &World) -> Result<()> {
    let name = world.namespace.name();
    let policy = json!({
        "metadata": { "name": name },
        "spec": {
            "matchConstraints": {
                "resourceRules": [{ "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"] }],
                "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": name } },
                "objectSelector": { "matchLabels": { "init": "fails" } },
            },
            "failurePolicy": "Fail",
            "reinvocationPolicy": "Never",
            "mutations": [{
                "patchType": "ApplyConfiguration",
                "applyConfiguration": {
                    "expression": "Object{spec: Object.spec{initContainers: [Object.spec.initContainers{name: \"setup\", image: \"testkit/stub-locust:1\"}]}}",
                },
            }],
        },
    });
    let binding = json!({ "metadata": { "name": name }, "spec": { "policyName": name } });
    for (kind, object) in [
        ("MutatingAdmissionPolicy", policy),
        ("MutatingAdmissionPolicyBinding", binding),
    ] {
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(
            "admissionregistration.k8s.io",
            "v1",
            kind,
        ));
        let mut typed: DynamicObject = serde_json::from_value(object)?;
        typed.types = Some(TypeMeta {
            api_version: resource.api_version.clone(),
            kind: kind.to_owned(),
        });
        Api::<DynamicObject>::all_with(world.client.clone(), &resource)
            .create(&PostParams::default(), &typed)
            .await
            .with_context(|| format!("create a {kind}"))?;
    }
    let pods: Api<Pod> = Api::namespaced(world.client.clone(), name);
    let probe: Pod = serde_json::from_value(json!({
        "metadata": { "name": "probe", "labels": { "init": "fails" } },
        "spec": { "containers": [{ "name": "probe", "image": "testkit/stub-locust:1" }] },
    }))?;
    let dry_run = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    until("the admission policy to be in force", async || {
        let pod = pods.create(&dry_run, &probe).await?;
        Ok(pod.spec.and_then(|spec| spec.init_containers).map(drop))
    })
    .await
}

/// Waits until the status says what a fixture expects.
async fn told(world: &World, fixture: &Fixture) -> Result<()> {
    let Fixture {
        name,
        reason,
        words,
        outcome,
        ..
    } = fixture;
    let expected = format!("False/{0}: {0}: ", reason.as_str());
    let test = world
        .tests
        .wait_until(name, &format!("PodsHealthy {expected}… {words}"), |test| {
            let healthy = condition(test, "PodsHealthy");
            healthy.starts_with(&expected) && healthy.contains(words)
        })
        .await?;
    println!("{name}: {}", condition(&test, "PodsHealthy"));
    if *outcome == Outcome::Final {
        let test = world.tests.wait_for(name, &[Phase::Failed]).await?;
        let verdict = condition(&test, "TestCompleted");
        ensure!(
            verdict.starts_with("True/TestFailed: Test failed: ") && verdict.contains(words),
            "{name}: {verdict}"
        );
        println!("{name}: {verdict}");
    } else {
        ensure!(
            !condition(&test, "TestCompleted").starts_with("True"),
            "{name} has ended: {}",
            condition(&test, "TestCompleted")
        );
    }
    Ok(())
}

/// Compares when the kubelet first told of a trouble with when the status did.
async fn told_at_once(world: &World, name: &str) -> Result<()> {
    let api: Api<Event> = Api::namespaced(world.client.clone(), world.namespace.name());
    let events = api
        .list(&ListParams::default().fields("type=Warning"))
        .await?;
    let first = events
        .items
        .iter()
        .filter(|event| {
            let about = event.involved_object.name.as_deref().unwrap_or_default();
            about.starts_with(&format!("{name}-"))
        })
        .filter_map(|event| event.first_timestamp.as_ref())
        .map(|time| time.0)
        .min()
        .with_context(|| format!("no event of the kubelet about {name}"))?;
    let test = world.tests.api.get(name).await?;
    let told = transition(&test, "PodsHealthy").context("no condition")?;
    let late = told.duration_since(first);
    println!("{name}: told {late:#} after the kubelet's event");
    ensure!(
        Duration::try_from(late).unwrap_or_default() < AT_ONCE,
        "{name}: told {late:#} after the kubelet's event"
    );
    Ok(())
}

fn transition(test: &LocustTest, type_: &str) -> Option<jiff::Timestamp> {
    let conditions = test.status.as_ref()?.conditions.as_ref()?;
    let found = conditions
        .iter()
        .find(|condition| condition.type_ == type_)?;
    Some(found.last_transition_time.0)
}

#[tokio::test]
async fn a_job_that_may_not_make_pods_says_why_and_starts_when_it_may() -> Result<()> {
    let quota = World::new("quota", 1).await?;
    let restricted = World::new("restricted", 1).await?;
    let hard = json!({
        "metadata": { "name": "no-pods" },
        "spec": { "hard": { "pods": "0" } },
    });
    let quotas: Api<k8s_openapi::api::core::v1::ResourceQuota> =
        Api::namespaced(quota.client.clone(), quota.namespace.name());
    quotas
        .create(&PostParams::default(), &serde_json::from_value(hard)?)
        .await?;
    until("the quota to be in force", async || {
        let quota = quotas.get("no-pods").await?;
        Ok(quota.status.and_then(|status| status.used).map(drop))
    })
    .await?;
    enforce(&restricted, Some("restricted")).await?;
    let cases = [
        (&quota, "exceeded quota: no-pods"),
        (&restricted, "violates PodSecurity \"restricted:latest\""),
    ];
    for (world, words) in cases {
        world.tests.create(fixtures::stub("refused")).await?;
        let test = world
            .tests
            .wait_until("refused", words, |test| {
                let healthy = condition(test, "PodsHealthy");
                healthy.starts_with("False/PodCreationError: PodCreationError: 2 pod(s) affected [Job refused-master, Job refused-worker]: ") && healthy.contains(words)
            })
            .await?;
        println!("{}", condition(&test, "PodsHealthy"));
    }
    quotas.delete("no-pods", &Default::default()).await?;
    enforce(&restricted, None).await?;
    for (world, _) in cases {
        let test = world
            .tests
            .wait_for("refused", &[Phase::Succeeded, Phase::Failed])
            .await?;
        let verdict = condition(&test, "TestCompleted");
        ensure!(verdict.starts_with("True/TestSucceeded"), "{verdict}");
    }
    Ok(())
}

/// Sets or clears the PodSecurity level of a namespace.
async fn enforce(world: &World, level: Option<&str>) -> Result<()> {
    let labels = json!({ "pod-security.kubernetes.io/enforce": level });
    let patch: Value = json!({ "metadata": { "labels": labels } });
    Api::<Namespace>::all(world.client.clone())
        .patch(
            world.namespace.name(),
            &PatchParams::default(),
            &Patch::Merge(patch),
        )
        .await?;
    Ok(())
}

#[test]
fn every_reason_about_pods_is_made_for_real_by_some_test() {
    // Made by other tests: refused pods above, lost workers in `losses.rs`.
    let elsewhere = [Reason::PodCreationError, Reason::OOMKilled, Reason::Evicted];
    let good = [Reason::PodsStarting, Reason::PodsHealthy];
    let fixtures = fixtures();
    let missing: Vec<&Reason> = Reason::ALL
        .iter()
        .filter(|reason| reason.types().contains(&ConditionType::PodsHealthy))
        .filter(|reason| !good.contains(reason) && !elsewhere.contains(reason))
        .filter(|reason| !fixtures.iter().any(|fixture| fixture.reason == **reason))
        .collect();
    assert!(missing.is_empty(), "no fixture makes {missing:?}");
}
