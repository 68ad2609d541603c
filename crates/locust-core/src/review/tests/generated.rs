//! One verdict on generated tests, wherever it is asked for: by the webhook
//! before a test is stored, by the CRD, and by the controller before a run.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{admission, admitted_as, settings};
use crate::decide::{Step, decide};
use crate::observed::{Child, Observed};
use crate::settings::{Admission, Settings};
use crate::trials::cases;
use locust_api::schema;

/// What a field may hold: something good nearly always, or else no test would
/// be good as a whole.
fn either(good: &'static [&'static str], bad: &'static [&'static str]) -> BoxedStrategy<Value> {
    prop_oneof![
        24 => prop::sample::select(good),
        1 => prop::sample::select(bad),
    ]
    .prop_map(Value::from)
    .boxed()
}

fn path() -> BoxedStrategy<Value> {
    either(
        &["/a", "/a/b", "/c", "/opt/x", "/data/"],
        &[
            "/lotest/src",
            "/lotest",
            "/opt/locust/lib/x",
            "/",
            "/a/",
            "/lotest/./src",
        ],
    )
}

fn volume_name() -> BoxedStrategy<Value> {
    either(
        &["v", "v", "v", "v", "w"],
        &["secret-s", "locust-lib", "demo-master", "V_", ""],
    )
}

fn file_name() -> BoxedStrategy<Value> {
    either(&["cm", "files"], &["", "A_b"])
}

fn volumes() -> impl Strategy<Value = Value> {
    let source = prop::sample::select(vec![
        json!({"emptyDir": {}}),
        json!({"emptyDir": {"sizeLimit": "1Gi"}}),
        json!({"configMap": {"name": "c"}}),
        json!({"secret": {"secretName": "s"}}),
        json!({}),
        json!({"emptyDir": {}, "hostPath": {"path": "/x"}}),
    ]);
    let volume = (volume_name(), source).prop_map(|(name, mut volume)| {
        volume["name"] = name;
        volume
    });
    prop::collection::vec(volume, 0..3).prop_map(Value::from)
}

fn mounts() -> impl Strategy<Value = Value> {
    let target = either(&["both", "master", "worker"], &["none"]);
    let mount = (volume_name(), path(), target).prop_map(
        |(name, path, target)| json!({"name": name, "mountPath": path, "target": target}),
    );
    prop::collection::vec(mount, 0..3).prop_map(Value::from)
}

fn secret_mounts() -> impl Strategy<Value = Value> {
    let name = either(&["s", "t"], &["A.b", ""]);
    let mount = (name, path()).prop_map(|(name, path)| json!({"name": name, "mountPath": path}));
    prop::collection::vec(mount, 0..3).prop_map(Value::from)
}

fn variables() -> impl Strategy<Value = Value> {
    let variable = (either(&["A", "B", "C_D"], &["a=b", ""]), any::<bool>()).prop_map(|(name, plain)| {
        match plain {
            true => json!({"name": name, "value": "1"}),
            false => json!({"name": name, "value": "1", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}),
        }
    });
    prop::collection::vec(variable, 0..3).prop_map(Value::from)
}

fn role() -> impl Strategy<Value = Value> {
    let command = either(
        &["-f a.py", "-f a.py --run-time 1m -u 5", "--x 'a b'", ""],
        &["it's", "-f \"a", "--headless"],
    );
    let amount = either(&["1", "250m"], &["lots", "-1", "1.5"]);
    let resources = (amount.clone(), amount).prop_map(
        |(request, limit)| json!({"requests": {"cpu": request}, "limits": {"cpu": limit}}),
    );
    let labels = (
        either(&["a", "b.c/d"], &["-x", "a b"]),
        either(&["v", ""], &["v v"]),
    )
        .prop_map(|(name, value)| json!({name.as_str().unwrap(): value}));
    (
        command,
        prop::option::weighted(0.4, resources),
        prop::option::weighted(0.4, labels),
    )
        .prop_map(|(command, resources, labels)| {
            let mut role = json!({"command": command});
            set(&mut role, "resources", resources);
            set(&mut role, "labels", labels);
            role
        })
}

fn scheduling() -> impl Strategy<Value = Value> {
    (
        either(&["Exists", "Equal"], &["Maybe"]),
        either(&["NoSchedule", "NoExecute", ""], &["Never"]),
        either(&["k", ""], &["k k"]),
        prop::option::of(either(&["gvisor", ""], &["A_b"])),
    )
        .prop_map(|(operator, effect, key, class)| {
            let toleration = json!({"operator": operator, "effect": effect, "key": key});
            let mut scheduling = json!({"tolerations": [toleration]});
            set(&mut scheduling, "runtimeClassName", class);
            scheduling
        })
}

fn set(object: &mut Value, field: &str, value: Option<Value>) {
    if let Some(value) = value {
        object[field] = value;
    }
}

fn names() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => Just("demo".to_owned()),
        1 => Just("a.demo".to_owned()),
        1 => (55_usize..59).prop_map(|length| "n".repeat(length)),
        1 => Just("1st".to_owned()),
    ]
}

fn tests() -> impl Strategy<Value = Value> {
    let files = (
        prop::option::of(file_name()),
        prop::option::of(file_name()),
        prop::option::weighted(0.3, path()),
    )
        .prop_map(|(src, lib, src_path)| {
            let mut files = json!({});
            set(&mut files, "configMapRef", src);
            set(&mut files, "libConfigMapRef", lib);
            set(&mut files, "srcMountPath", src_path);
            files
        });
    let env = (secret_mounts(), variables())
        .prop_map(|(secrets, variables)| json!({"secretMounts": secrets, "variables": variables}));
    let telemetry = (
        any::<bool>(),
        prop::option::of(either(&["http://c:4317"], &[""])),
    )
        .prop_map(|(enabled, endpoint)| {
            let mut telemetry = json!({"enabled": enabled});
            set(&mut telemetry, "endpoint", endpoint);
            json!({"openTelemetry": telemetry})
        });
    let replicas =
        prop_oneof![8 => 1_i64..10, 1 => prop::sample::select(vec![0_i64, 500, 501, -1])];
    let parts = (
        (names(), role(), role(), replicas),
        prop::option::weighted(0.5, files),
        prop::option::weighted(0.4, env),
        prop::option::weighted(0.5, (volumes(), mounts())),
        prop::option::weighted(0.3, telemetry),
        prop::option::weighted(0.3, scheduling()),
        either(&["locustio/locust", "r.example/x:1"], &[""]),
    );
    parts.prop_map(
        |(
            (name, master, mut worker, replicas),
            files,
            env,
            volumes,
            telemetry,
            scheduling,
            image,
        )| {
            worker["replicas"] = replicas.into();
            let mut spec = json!({"image": image, "master": master, "worker": worker});
            let (volumes, mounts) = volumes.unzip();
            for (field, value) in [
                ("testFiles", files),
                ("env", env),
                ("volumes", volumes),
                ("volumeMounts", mounts),
                ("observability", telemetry),
                ("scheduling", scheduling),
            ] {
                set(&mut spec, field, value);
            }
            json!({
                "apiVersion": "locust.io/v2",
                "kind": "LocustTest",
                "metadata": {"name": name, "namespace": "ns"},
                "spec": spec,
            })
        },
    )
}

/// Whether the controller would begin to run it.
fn is_run(object: &Value, settings: &Settings) -> Option<bool> {
    let observed = Observed {
        now: "2026-01-01T00:00:00Z".parse().unwrap(),
        test: serde_json::from_value(object.clone()).ok()?,
        service: Child::Absent,
        master_job: Child::Absent,
        worker_job: Child::Absent,
        pods: Vec::new(),
        heard: None,
        notices: Vec::new(),
        refused: None,
        storing: None,
    };
    let decision = decide(&observed, settings);
    Some(
        decision
            .steps
            .iter()
            .any(|step| matches!(step, Step::CreateJob(..))),
    )
}

/// How many of the generated tests were of which kind.
#[derive(Debug, Default)]
struct Count {
    run: u32,
    refused_by_the_schema: u32,
    refused_before_the_run: u32,
    refused_as_upstream: u32,
}

#[test]
fn webhook_crd_and_controller_give_one_verdict() {
    let count = std::cell::RefCell::new(Count::default());
    // `cargo xtask test long` asks for 100,000 by `PROPTEST_CASES`.
    let config = cases(96);
    let enough_for_each_kind = config.cases >= 256;
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let own = Settings {
        admission: Admission::OnlyWhatCannotRun,
        ..settings()
    };
    let result = runner.run(&tests(), |object| {
        let asked = admission("CREATE", &object, None);
        let by_crd = schema::check(&object).is_empty();
        for settings in [&own, &settings()] {
            let by_webhook = admitted_as(settings, &asked)["allowed"] == true;
            // What the API server does not store no controller sees.
            let by_controller = by_crd && is_run(&object, settings) == Some(true);
            prop_assert_eq!(
                by_webhook,
                by_controller,
                "{:?} on {}",
                settings.admission,
                object
            );
        }
        let mut count = count.borrow_mut();
        let runs = |settings| is_run(&object, settings) == Some(true);
        match (by_crd, runs(&own), runs(&settings())) {
            (false, _, _) => count.refused_by_the_schema += 1,
            (true, false, _) => count.refused_before_the_run += 1,
            (true, true, false) => count.refused_as_upstream += 1,
            (true, true, true) => count.run += 1,
        }
        Ok(())
    });
    result.unwrap();
    let count = count.into_inner();
    println!("{count:?}");
    let Count {
        run,
        refused_by_the_schema,
        refused_before_the_run,
        refused_as_upstream,
    } = count;
    let least = run
        .min(refused_by_the_schema)
        .min(refused_before_the_run)
        .min(refused_as_upstream);
    assert!(
        least > 0 || !enough_for_each_kind,
        "each kind was tried: {count:?}"
    );
}
