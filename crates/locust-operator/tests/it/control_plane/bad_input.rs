//! What no pod can have is refused with its field named, or becomes a condition
//! at once and is then left alone.

mod stored;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use jiff::SignedDuration;
use k8s_openapi::api::events::v1::Event;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client};
use locust_api::latest::{LocustTest, Phase};
use serde_json::{Value, json};
use testkit::AuditEvent;
use tokio::time::Instant;

use super::World;
use crate::operator::Operator;
use crate::tests_of::{Tests, condition, locust_test, phase, until};

/// What happens to a mistake.
enum Fate {
    /// The API server refuses the test and names the field.
    Refused(&'static str),
    /// The test is stored, and its condition says so.
    Told(&'static str),
    /// It works, and the test says what may not be meant.
    Warned(&'static str),
}

use Fate::{Refused, Told, Warned};

/// Mistakes by the name of their test: changes of the spec, and what happens.
fn mistakes() -> Vec<(&'static str, Value, Fate)> {
    let volume = json!([{"name": "v", "emptyDir": {}}]);
    let mounts = |paths: &[&str]| -> Value {
        let mount = |path: &&str| json!({"name": "v", "mountPath": path});
        paths.iter().map(mount).collect()
    };
    let secrets = |list: Value| json!({"env": {"secretMounts": list}});
    vec![
        (
            "secret-dotted",
            secrets(json!([{"name": "my.tls", "mountPath": "/t"}])),
            Refused("spec.env.secretMounts"),
        ),
        (
            "secret-long",
            secrets(json!([{"name": "s".repeat(57), "mountPath": "/t"}])),
            Refused("spec.env.secretMounts"),
        ),
        (
            "secret-twice",
            secrets(json!([{"name": "t", "mountPath": "/a"}, {"name": "t", "mountPath": "/b"}])),
            Refused("spec.env.secretMounts"),
        ),
        (
            "mount-twice",
            json!({"volumes": volume, "volumeMounts": mounts(&["/a", "/a"])}),
            Refused("spec.volumeMounts"),
        ),
        (
            "volume-twice",
            json!({"volumes": [volume[0], volume[0]], "volumeMounts": mounts(&["/a"])}),
            Refused("spec.volumes"),
        ),
        (
            "mount-of-nothing",
            json!({"volumeMounts": mounts(&["/a"])}),
            Refused("spec.volumeMounts"),
        ),
        (
            "mount-on-secret",
            json!({
                "env": {"secretMounts": [{"name": "t", "mountPath": "/t"}]},
                "volumes": volume, "volumeMounts": mounts(&["/t"]),
            }),
            Refused("spec.volumeMounts"),
        ),
        (
            "mount-on-files",
            json!({
                "testFiles": {"configMapRef": "c"},
                "volumes": volume, "volumeMounts": mounts(&["/lotest/src"]),
            }),
            Refused("spec.volumeMounts"),
        ),
        (
            "reserved-lib",
            json!({
                "testFiles": {"libConfigMapRef": "c"},
                "volumes": [{"name": "locust-lib", "emptyDir": {}}],
                "volumeMounts": [{"name": "locust-lib", "mountPath": "/a"}],
            }),
            Refused("spec.volumes"),
        ),
        (
            "quantity",
            json!({"master": {"resources": {"limits": {"cpu": "lots"}}}}),
            Refused("spec.master.resources.limits.cpu"),
        ),
        (
            "variable-name",
            json!({"env": {"variables": [{"name": "a=b"}]}}),
            Refused("spec.env.variables[0].name"),
        ),
        (
            "reserved-files",
            json!({
                "testFiles": {"configMapRef": "c"},
                "volumes": [{"name": "reserved-files-master", "emptyDir": {}}],
                "volumeMounts": [{"name": "reserved-files-master", "mountPath": "/a"}],
            }),
            Told(
                "InvalidVolumes: spec.volumes: volume name \"reserved-files-master\" conflicts with operator-generated name",
            ),
        ),
        (
            "mount-no-lib",
            json!({"volumeMounts": [{"name": "locust-lib", "mountPath": "/a"}]}),
            Told(
                "InvalidVolumes: spec.volumeMounts[0]: volumeMount \"locust-lib\" references undefined volume",
            ),
        ),
        (
            "mount-on-slash",
            json!({"volumes": volume, "volumeMounts": mounts(&["/a", "/a/"])}),
            Told("InvalidVolumes: spec.volumeMounts[1]: something else is mounted at \"/a/\""),
        ),
        (
            "mount-in-files",
            json!({
                "testFiles": {"configMapRef": "c"},
                "volumes": volume, "volumeMounts": mounts(&["/lotest/src/data"]),
            }),
            Told(
                "InvalidVolumes: spec.volumeMounts[0]: \"/lotest/src/data\" lies inside \"/lotest/src\"",
            ),
        ),
        (
            "volume-of-nothing",
            json!({"volumes": [{"name": "v"}], "volumeMounts": mounts(&["/a"])}),
            Told("InvalidVolumes: spec.volumes[0]: has no source"),
        ),
        (
            "request-above-limit",
            json!({"worker": {"resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}}}),
            Told("InvalidResources: spec.worker.resources.requests.cpu: 2 is above the limit of 1"),
        ),
        (
            "negative",
            json!({"worker": {"resources": {"requests": {"memory": "-1Gi"}}}}),
            Told("InvalidResources: spec.worker.resources.requests.memory: -1Gi is below 0"),
        ),
        (
            "label",
            json!({"worker": {"labels": {"team": "a b"}}}),
            Told("InvalidMetadata: spec.worker.labels.team: \"a b\" must be"),
        ),
        (
            "quote",
            json!({"master": {"command": "-f 'a b.py --users 10"}}),
            Told("InvalidCommand: spec.master.command: the quote ' at character 4 is not closed"),
        ),
        (
            "flags",
            json!({"master": {"extraArgs": ["--master-port=9999"]}}),
            Warned(
                "spec.master.extraArgs: User-provided extraArgs override operator-managed flags: --master-port=9999 (user value takes precedence)",
            ),
        ),
        (
            "variable-twice",
            json!({"env": {"variables": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]}}),
            Warned("spec.env.variables[1].name: A is set twice: the later value counts"),
        ),
        (
            "mount-around",
            json!({"volumes": volume, "volumeMounts": mounts(&["/a", "/a/b"])}),
            Warned("spec.volumeMounts[0].mountPath: \"/a/b\" is mounted inside \"/a\""),
        ),
    ]
}

fn changed(name: &str, change: &Value) -> Result<Value> {
    let mut test = locust_test(name, 1);
    let spec = test.get_mut("spec").context("a spec")?;
    json_patch::merge(spec, change);
    Ok(test)
}

#[tokio::test]
async fn a_mistake_is_refused_with_its_field_or_told_within_a_second_and_left_alone() -> Result<()>
{
    let world = World::new("mistakes").await?;
    let namespace = world.namespace.name();
    let tests = Tests::new(world.client.clone(), namespace);
    let _operator = Operator::start(&world.control_plane, &world.kubeconfig(), namespace)?;
    tests.create(locust_test("good", 1)).await?;
    tests.wait_for("good", &[Phase::Pending]).await?;
    let mut told = Vec::new();
    for (name, change, fate) in mistakes() {
        let created = tests.create(changed(name, &change)?).await;
        match fate {
            Refused(field) => {
                let error = created
                    .err()
                    .with_context(|| format!("{name} was accepted"))?;
                let said = format!("{error:#}");
                assert!(said.contains(&format!("{field}: ")), "{name}: {said}");
            }
            Told(words) => {
                created.with_context(|| name.to_owned())?;
                told.push((name, format!("False/{words}")));
            }
            Warned(words) => {
                created.with_context(|| name.to_owned())?;
                told.push((name, format!("True/AcceptedWithWarnings: {words}")));
            }
        }
    }
    for (name, words) in &told {
        let test = tests
            .wait_until(name, words, |test| {
                condition(test, "Accepted").starts_with(words.as_str())
            })
            .await?;
        assert_eq!(phase(&test), Some(Phase::Pending), "{name}");
        let is_refused = words.starts_with("False");
        let ready = condition(&test, "Ready");
        assert_eq!(
            ready.contains("/NotAccepted: "),
            is_refused,
            "{name}: {ready}"
        );
    }
    for (name, words) in &told {
        let reason = match words.starts_with("False") {
            true => "NotAccepted",
            false => "SpecWarning",
        };
        told_of(&world, name, reason).await?;
    }
    quiet_for(&world, Duration::from_secs(4)).await?;
    let log = writes(&world)?;
    let mut times = Vec::new();
    for (name, words) in &told {
        let of_test: Vec<&AuditEvent> = log.iter().filter(|event| concerns(event, name)).collect();
        let count = |verb: &str, resource: &str| {
            let fits = |event: &&&AuditEvent| event.verb == verb && event.resource == resource;
            of_test.iter().filter(fits).count()
        };
        if words.starts_with("False") {
            assert_eq!(
                count("create", "services") + count("create", "jobs"),
                0,
                "{name}"
            );
            assert_eq!(count("patch", "locusttests"), 1, "{name}: {of_test:#?}");
            times.push(time_to_tell(&of_test)?);
        }
    }
    // All at once, beside other tests: a single one may have to wait its turn.
    times.sort();
    println!("told after {times:?}");
    let median = times.get(times.len() / 2).context("times")?;
    ensure!(
        *median <= SignedDuration::from_secs(1),
        "told after {times:?}"
    );
    Ok(())
}

/// Waits for the one event of a reason.
async fn told_of(world: &World, test: &str, reason: &str) -> Result<()> {
    let namespace = world.namespace.name();
    until(&format!("an event {reason} about {test}"), async || {
        let notes = notes(&world.client, namespace, test).await?;
        let about = notes.iter().filter(|(own, _)| own == reason).count();
        ensure!(about < 2, "told twice: {notes:?}");
        Ok((about == 1).then_some(()))
    })
    .await
}

/// Polls for as long as nothing is to happen.
async fn quiet_for(world: &World, time: Duration) -> Result<()> {
    let before = writes(world)?.len();
    let start = Instant::now();
    until("time to pass", async || {
        Ok((start.elapsed() > time).then_some(()))
    })
    .await?;
    let after = writes(world)?;
    // What the Job controller does about the tests that run is its own.
    let ours = |event: &&AuditEvent| !event.user.starts_with("system:");
    let ours: Vec<_> = after.iter().skip(before).filter(ours).collect();
    ensure!(ours.is_empty(), "written while nothing changed: {ours:#?}");
    Ok(())
}

/// Writes to the namespace, so far.
fn writes(world: &World) -> Result<Vec<AuditEvent>> {
    let mut log = world.control_plane.audit_log()?;
    log.retain(|event| event.namespace == world.namespace.name());
    Ok(log)
}

/// Whether a write is about a test or what is made of it.
fn concerns(event: &AuditEvent, test: &str) -> bool {
    let rest = event.name.strip_prefix(test);
    rest.is_some_and(|rest| matches!(rest, "" | "-master" | "-worker"))
}

fn time_to_tell(events: &[&AuditEvent]) -> Result<SignedDuration> {
    let at = |verb: &str| -> Result<jiff::Timestamp> {
        let event = events
            .iter()
            .find(|event| event.verb == verb && event.resource == "locusttests")
            .context("a write of the test")?;
        Ok(event.timestamp.parse()?)
    };
    Ok(at("patch")?.duration_since(at("create")?))
}

/// Reasons and notes of the events about a test.
async fn notes(client: &Client, namespace: &str, test: &str) -> Result<Vec<(String, String)>> {
    let events: Api<Event> = Api::namespaced(client.clone(), namespace);
    let events = events.list(&Default::default()).await?.items;
    let about = |event: &Event| {
        let object = event.regarding.as_ref();
        object.and_then(|object| object.name.as_deref()) == Some(test)
    };
    Ok(events
        .into_iter()
        .filter(about)
        .map(|event| {
            (
                event.reason.unwrap_or_default(),
                event.note.unwrap_or_default(),
            )
        })
        .collect())
}

#[tokio::test]
async fn a_corrected_spec_runs_like_one_born_correct() -> Result<()> {
    let world = World::new("corrected").await?;
    let namespace = world.namespace.name();
    let tests = Tests::new(world.client.clone(), namespace);
    let _operator = Operator::start(&world.control_plane, &world.kubeconfig(), namespace)?;
    let change = json!({"master": {"command": "-f 'a"}});
    tests.create(changed("born-wrong", &change)?).await?;
    tests
        .wait_until("born-wrong", "a refusal", |test| {
            condition(test, "Accepted").starts_with("False/")
        })
        .await?;
    let mend = json!({"spec": {"master": {"command": "-f '/lotest/src/a b.py'"}}});
    tests
        .api
        .patch("born-wrong", &PatchParams::default(), &Patch::Merge(mend))
        .await?;
    tests.create(locust_test("born-right", 1)).await?;
    let began = |test: &LocustTest| {
        test.status
            .as_ref()
            .is_some_and(|status| status.run.is_some())
    };
    let mended = tests.wait_until("born-wrong", "a run", began).await?;
    let right = tests.wait_until("born-right", "a run", began).await?;
    assert_eq!(lasting(&mended), lasting(&right));
    let jobs: Api<k8s_openapi::api::batch::v1::Job> =
        Api::namespaced(world.client.clone(), namespace);
    let job = serde_json::to_value(jobs.get("born-wrong-master").await?)?;
    let args = job.pointer("/spec/template/spec/containers/0/args");
    let args = args.and_then(Value::as_array).context("arguments")?;
    assert_eq!(
        args.get(..2),
        Some(&[json!("-f"), json!("/lotest/src/a b.py")][..])
    );
    Ok(())
}

/// A status without what differs from test to test.
fn lasting(test: &LocustTest) -> Vec<String> {
    let status = test.status.clone().unwrap_or_default();
    let conditions = status.conditions.iter().flatten().map(|condition| {
        format!(
            "{}={}/{}: {}",
            condition.type_, condition.status, condition.reason, condition.message
        )
    });
    let phase = status.phase.map(|phase| phase.as_str().to_owned());
    let mut lines: Vec<String> = phase.into_iter().chain(conditions).collect();
    lines.sort();
    lines
}

#[tokio::test]
async fn opentelemetry_that_an_image_cannot_do_is_a_warning_and_the_test_runs() -> Result<()> {
    let world = World::new("telemetry").await?;
    let namespace = world.namespace.name();
    let tests = Tests::new(world.client.clone(), namespace);
    let _operator = Operator::start(&world.control_plane, &world.kubeconfig(), namespace)?;
    let telemetry = json!({"openTelemetry": {"enabled": true, "endpoint": "http://c:4317"}});
    for (name, image, words) in [
        (
            "old",
            "locustio/locust:2.32.0",
            "False/LocustTooOld: No metrics and no traces will come: Locust 2.32.0 does not know --otel",
        ),
        (
            "plain",
            "locustio/locust:2.47.0",
            "False/ImageWithoutSdk: No metrics and no traces will come: the image locustio/locust has no OpenTelemetry SDK",
        ),
        ("able", "locustio/locust-otel:2.47.0", ""),
        ("own", "registry.example/load/locust:1.0", ""),
    ] {
        let change = json!({"image": image, "observability": telemetry});
        tests.create(changed(name, &change)?).await?;
        let test = tests
            .wait_until(name, "a run", |test| {
                test.status
                    .as_ref()
                    .is_some_and(|status| status.run.is_some())
            })
            .await?;
        let said = condition(&test, "OpenTelemetryAvailable");
        assert!(
            said.starts_with(words) && said.is_empty() == words.is_empty(),
            "{name}: {said}"
        );
        let expected = usize::from(!words.is_empty());
        until("its events", async || {
            let notes = notes(&world.client, namespace, name).await?;
            let about = |(reason, _): &&(String, String)| reason == "OpenTelemetryUnavailable";
            let enough = notes.len() >= 3 && notes.iter().filter(about).count() == expected;
            Ok(enough.then_some(()))
        })
        .await?;
    }
    Ok(())
}
