//! The sidecar that stores full results.

use locust_api::latest::{LocustTest, StartPolicy};
use serde_json::{Value, json};

use crate::build::{master_job, worker_job};
use crate::resolve::resolve;
use crate::settings::Settings;
use crate::storage::Plan;

fn test(results: &Value, args: &[&str]) -> LocustTest {
    let test = json!({
        "apiVersion": "locust.io/v2",
        "kind": "LocustTest",
        "metadata": {
            "name": "t", "namespace": "n", "uid": "0a1b2c3d-4e5f",
            "creationTimestamp": "2026-02-03T04:05:06Z",
        },
        "spec": {
            "image": "locustio/locust:2.43.0",
            "master": { "command": "-t 90s", "extraArgs": args },
            "worker": { "command": "", "replicas": 3 },
            "results": results,
        },
    });
    serde_json::from_value(test).unwrap()
}

/// The pods of master and workers.
fn pods(results: &Value, args: &[&str]) -> [Value; 2] {
    pods_of(&test(results, args))
}

fn pods_of(test: &LocustTest) -> [Value; 2] {
    let resolved = resolve(test, &Settings::default());
    [master_job(&resolved), worker_job(&resolved)].map(|job| {
        let pod = job.spec.unwrap().template.spec.unwrap();
        serde_json::to_value(pod).unwrap()
    })
}

/// What the sidecar of a master's pod is told.
fn plan_text(master: &Value) -> &str {
    let told = &master["initContainers"][1]["env"][0]["value"];
    told.as_str().unwrap()
}

fn plan(master: &Value) -> Plan {
    serde_json::from_str(plan_text(master)).unwrap()
}

fn names(list: &Value) -> Vec<&str> {
    let list = list.as_array().into_iter().flatten();
    list.map(|named| named["name"].as_str().unwrap()).collect()
}

fn both() -> Value {
    json!({
        "persistentVolumeClaim": { "claimName": "archive", "directory": "nightly/" },
        "s3": {
            "bucket": "archive",
            "endpoint": "https://s3.example:9000",
            "credentialsSecret": "keys",
        },
    })
}

#[test]
fn the_master_has_a_native_sidecar_that_is_asked_before_it_ends() {
    let [master, worker] = pods(&both(), &[]);
    let sidecars = &master["initContainers"];
    assert_eq!(
        names(sidecars),
        ["locust-metrics-exporter", "locust-results"]
    );
    let sidecar = &sidecars[1];
    assert_eq!(sidecar["restartPolicy"], "Always");
    assert_eq!(sidecar["args"], json!(["store-results"]));
    assert_eq!(sidecar["image"], Settings::default().results_image);
    assert_eq!(
        sidecar["volumeMounts"],
        json!([{ "name": "locust-results", "mountPath": "/results" }])
    );
    assert_eq!(
        master["volumes"],
        json!([{
            "name": "locust-results",
            "persistentVolumeClaim": { "claimName": "archive" },
        }])
    );
    let locust = &master["containers"][0];
    assert_eq!(
        locust["lifecycle"],
        json!({ "preStop": { "httpGet": { "path": "/gather", "port": 9647 } } })
    );
    assert_eq!(locust["volumeMounts"], Value::Null);
    for field in ["initContainers", "volumes"] {
        assert_eq!(worker[field], Value::Null);
    }
    assert_eq!(worker["containers"][0]["lifecycle"], Value::Null);
}

#[test]
fn credentials_are_references_and_no_reason_not_to_start() {
    let [master, _] = pods(&both(), &[]);
    let env = master["initContainers"][1]["env"].as_array().unwrap();
    let keys = [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
    ];
    for (variable, key) in env[1..].iter().zip(keys) {
        let reference = json!({ "name": "keys", "key": key, "optional": true });
        let expected = json!({ "name": key, "valueFrom": { "secretKeyRef": reference } });
        assert_eq!(*variable, expected);
    }
    assert_eq!(env.len(), 4);
}

#[test]
fn the_plan_says_whom_to_follow_and_where_to_store() {
    let [master, _] = pods(
        &both(),
        &["-P", "8090", "--web-base-path", "/ui", "-u", "7"],
    );
    let plan = plan(&master);
    let followed = plan.master();
    assert_eq!(followed.address, ([127, 0, 0, 1], 8090).into());
    assert_eq!(followed.base_path, "ui");
    assert_eq!(followed.workers, "t-worker-");
    assert_eq!(followed.users, Some(7));
    assert_eq!(followed.wanted_workers, Some(3));
    assert_eq!(followed.run_time.unwrap().as_secs(), 90);
    assert_eq!(followed.image_version.as_deref(), Some("2.43.0"));
    let [volume, bucket] = plan.places()[..] else {
        panic!("{plan:?}");
    };
    assert_eq!(
        volume.path(&plan.folder),
        "nightly/n/t/2026-02-03T04-05-06Z-0a1b2c3d"
    );
    assert_eq!(
        bucket.words(&plan.folder),
        "s3://archive/n/t/2026-02-03T04-05-06Z-0a1b2c3d"
    );
}

#[test]
fn of_a_run_that_starts_anyway_no_worker_is_missed() {
    let mut test = test(&both(), &[]);
    test.spec.start_policy = Some(StartPolicy::StartAnyway);
    let [master, _] = pods_of(&test);
    assert_eq!(plan(&master).master().wanted_workers, None);
}

#[test]
fn no_dollar_sign_of_a_plan_means_something_to_kubernetes() {
    let mut results = both();
    results["s3"]["caBundle"] = json!("$(HOME) $$");
    let [master, _] = pods(&results, &[]);
    let text = plan_text(&master);
    assert!(!text.contains('$'), "{text}");
    assert_eq!(
        plan(&master).bucket.unwrap().ca_bundle.unwrap(),
        "$(HOME) $$"
    );
}

#[test]
fn without_a_place_or_without_a_web_api_there_is_none() {
    for (results, args) in [
        (json!({ "configMap": "Retain" }), &[][..]),
        (both(), &["--headless"][..]),
    ] {
        let [master, _] = pods(&results, args);
        assert_eq!(
            names(&master["initContainers"]),
            ["locust-metrics-exporter"]
        );
        assert_eq!(master["volumes"], Value::Null);
        assert_eq!(master["containers"][0]["lifecycle"], Value::Null);
    }
}
