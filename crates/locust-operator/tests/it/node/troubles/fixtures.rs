//! LocustTests in trouble, and what is to be said of each.

use locust_api::condition::Reason;
use serde_json::{Value, json};

/// What becomes of a fixture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It stays in trouble for as long as the test looks.
    Waits,
    /// It starts once the ConfigMap and the Secret `missing` are there.
    HealsWithWhatIsMissing,
    /// Its LocustTest fails at once.
    Final,
}

pub(super) struct Fixture {
    pub(super) name: &'static str,
    pub(super) reason: Reason,
    /// What the message has to contain.
    pub(super) words: &'static str,
    pub(super) outcome: Outcome,
    spec: Value,
}

impl Fixture {
    pub(super) fn test(&self) -> Value {
        let mut test = stub(self.name);
        for (field, value) in self.spec.as_object().into_iter().flatten() {
            test["spec"][field] = value.clone();
        }
        test
    }
}

/// A LocustTest that needs next to nothing: a stand-in for Locust, no exporter.
pub(super) fn stub(name: &str) -> Value {
    let frugal = json!({ "requests": { "cpu": "5m" } });
    json!({
        "apiVersion": "locust.io/v2",
        "kind": "LocustTest",
        "metadata": { "name": name },
        "spec": {
            "image": "testkit/stub-locust:1",
            "master": { "command": "", "resources": frugal },
            "worker": { "command": "", "replicas": 1, "resources": frugal },
            "observability": { "openTelemetry": { "enabled": true, "endpoint": "http://nowhere.invalid:4317" } },
        },
    })
}

pub(super) fn fixtures() -> Vec<Fixture> {
    let mut fixtures = images();
    fixtures.extend(missing());
    fixtures.extend(nodes());
    fixtures.extend(containers());
    fixtures
}

fn images() -> Vec<Fixture> {
    vec![
        Fixture {
            name: "image-pull",
            reason: Reason::ImagePullError,
            words: "nowhere.invalid/none:1",
            outcome: Outcome::Waits,
            spec: json!({ "image": "nowhere.invalid/none:1" }),
        },
        Fixture {
            name: "image-never",
            reason: Reason::ImagePullError,
            words: "is not present with pull policy of Never",
            outcome: Outcome::Waits,
            spec: json!({ "image": "testkit/none:1", "imagePullPolicy": "Never" }),
        },
        Fixture {
            name: "image-name",
            reason: Reason::ImagePullError,
            words: "couldn't parse image name \"testkit/Stub:1\"",
            outcome: Outcome::Final,
            spec: json!({ "image": "testkit/Stub:1" }),
        },
    ]
}

fn missing() -> Vec<Fixture> {
    let fixture = |name, words, mut spec: Value| {
        // Long enough for all pods to be seen running.
        let long = json!({ "name": "STUB_RUN_SECONDS", "value": "60" });
        match spec
            .pointer_mut("/env/variables")
            .and_then(Value::as_array_mut)
        {
            Some(variables) => variables.push(long),
            None => spec["env"]["variables"] = json!([long]),
        }
        Fixture {
            name,
            reason: Reason::ConfigurationError,
            words,
            outcome: Outcome::HealsWithWhatIsMissing,
            spec,
        }
    };
    let key_of = |kind: &str, name: &str| {
        json!({ "env": { "variables": [{
            "name": "VALUE",
            "valueFrom": { kind: { "name": name, "key": "key" } },
        }] } })
    };
    let mut fixtures = vec![
        fixture(
            "config-volume",
            "ConfigMap not found (expected: missing). MountVolume.SetUp failed for volume \"config-volume-master\" : configmap \"missing\" not found. Create the ConfigMap and the pods will restart automatically.",
            json!({ "testFiles": { "configMapRef": "missing" } }),
        ),
        fixture(
            "config-env",
            "configmap \"missing\" not found. Create the ConfigMap and the pods will restart automatically.",
            json!({ "env": { "configMapRefs": [{ "name": "missing" }] } }),
        ),
        fixture(
            "secret-volume",
            "secret \"missing\" not found. Create the Secret and the pods will restart automatically.",
            json!({
                "testFiles": { "configMapRef": "files" },
                "env": { "secretMounts": [{ "name": "missing", "mountPath": "/secret" }] },
            }),
        ),
        fixture(
            "secret-env",
            "secret \"missing\" not found. Create the Secret and the pods will restart automatically.",
            json!({ "testFiles": { "configMapRef": "files" }, "env": { "secretRefs": [{ "name": "missing" }] } }),
        ),
    ];
    let keys = [
        (
            "config-key",
            "configMapKeyRef",
            "files",
            "couldn't find key key in ConfigMap ",
        ),
        (
            "secret-key",
            "secretKeyRef",
            "present",
            "couldn't find key key in Secret ",
        ),
    ];
    for (name, kind, of, words) in keys {
        fixtures.push(Fixture {
            outcome: Outcome::Waits,
            ..fixture(name, words, key_of(kind, of))
        });
    }
    fixtures
}

fn nodes() -> Vec<Fixture> {
    vec![
        Fixture {
            name: "unscheduled",
            reason: Reason::SchedulingError,
            words: "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector",
            outcome: Outcome::Waits,
            spec: json!({ "scheduling": { "nodeSelector": { "disk": "golden" } } }),
        },
        Fixture {
            name: "sandbox",
            reason: Reason::SandboxError,
            words: "no runtime for \"no-such-runtime\" is configured",
            outcome: Outcome::Waits,
            spec: json!({ "scheduling": { "runtimeClassName": "no-such-runtime" } }),
        },
        Fixture {
            name: "mount",
            reason: Reason::MountError,
            words: "hostPath type check failed, /no/such/folder is not a directory",
            outcome: Outcome::Waits,
            spec: json!({
                "volumes": [{ "name": "host", "hostPath": { "path": "/no/such/folder", "type": "Directory" } }],
                "volumeMounts": [{ "name": "host", "mountPath": "/host" }],
            }),
        },
    ]
}

fn containers() -> Vec<Fixture> {
    let real = "locustio/locust:2.47.0";
    let frugal = json!({ "requests": { "cpu": "5m", "memory": "64Mi" } });
    vec![
        Fixture {
            name: "create",
            reason: Reason::StartError,
            words: "no-such-profile.json",
            outcome: Outcome::Waits,
            spec: json!({ "security": { "containerSecurityContext": {
                "seccompProfile": { "type": "Localhost", "localhostProfile": "no-such-profile.json" },
            } } }),
        },
        Fixture {
            name: "start",
            reason: Reason::StartError,
            words: "executable file not found in $PATH",
            outcome: Outcome::Final,
            spec: json!({
                "image": real,
                "volumes": [{ "name": "hides", "emptyDir": {} }],
                "volumeMounts": [{ "name": "hides", "mountPath": "/usr/local/bin" }],
            }),
        },
        Fixture {
            name: "crash-loop",
            reason: Reason::CrashLoopBackOff,
            words: "Container crash-loop-worker exited with code 2: Error: locust: error: unrecognized arguments: --nope",
            outcome: Outcome::Waits,
            spec: json!({
                "image": real,
                "master": { "command": "-f /lotest/src/locustfile.py", "resources": frugal },
                "worker": { "command": "-f /lotest/src/locustfile.py --nope", "replicas": 1, "resources": frugal },
                "testFiles": { "configMapRef": "files" },
                "observability": { "openTelemetry": { "enabled": false } },
            }),
        },
        Fixture {
            name: "init",
            reason: Reason::InitializationError,
            words: "Container setup exited with code 2: Error",
            outcome: Outcome::Final,
            spec: json!({ "master": { "command": "", "labels": { "init": "fails" } } }),
        },
    ]
}
