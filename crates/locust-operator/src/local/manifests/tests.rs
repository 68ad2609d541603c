//! Tests of reading manifests.

use super::{Fault, Manifests};

const TEST: &str = "\
apiVersion: locust.io/v2
kind: LocustTest
metadata:
  name: demo
spec:
  image: locustio/locust:2.47.0
  master:
    command: -f /lotest/src/locustfile.py
  worker:
    command: -f /lotest/src/locustfile.py
    replicas: 2
";

const OLD_TEST: &str = "\
apiVersion: locust.io/v1
kind: LocustTest
metadata:
  name: demo
spec:
  image: locustio/locust:2.47.0
  masterCommandSeed: -f /lotest/src/locustfile.py
  workerCommandSeed: -f /lotest/src/worker.py
  configMap: files
";

fn read(text: &str) -> (Manifests, Vec<Fault>) {
    let mut manifests = Manifests::default();
    let mut faults = Vec::new();
    manifests.add("a.yaml", text, &mut faults);
    (manifests, faults)
}

/// What is said about `text`, without snippets.
fn said(text: &str) -> Vec<String> {
    let (_, faults) = read(text);
    faults
        .into_iter()
        .map(|fault| {
            Fault {
                snippet: None,
                ..fault
            }
            .to_string()
        })
        .collect()
}

#[test]
fn tests_and_what_they_refer_to_are_found_in_all_documents_and_lists() {
    let indented = TEST.replace("demo", "listed").replace('\n', "\n    ");
    let (manifests, faults) = read(&format!(
        "# nothing but a comment\n---\n{TEST}---\napiVersion: v1\nkind: List\nitems:\n  - {indented}\n  - {{apiVersion: v1, kind: Secret, metadata: {{name: s}}, data: {{k: eA==}}, stringData: {{l: z}}}}\n---\n{{apiVersion: v1, kind: ConfigMap, metadata: {{name: c}}, data: {{k: v, 8080: w, n: null}}}}\n---\n{{apiVersion: v1, kind: Service, metadata: {{name: web}}}}\n"
    ));
    assert_eq!(faults, []);
    let names: Vec<_> = manifests.tests.iter().map(super::Loaded::name).collect();
    assert_eq!(names, ["demo", "listed"]);
    assert_eq!(
        format!("{:?}", manifests.bundle),
        r#"{(ConfigMap, "c"), (Secret, "s")}"#
    );
    assert_eq!(
        manifests.notes,
        ["a.yaml:34: Service web is not needed here and left out"]
    );
    let fault = manifests.tests[1].fault("spec.worker.replicas", "too many");
    assert_eq!(
        fault.to_string(),
        "a.yaml:28: spec.worker.replicas: too many"
    );
    let fault = manifests.tests[0].fault("spec.testFiles.configMapRef", "gone");
    assert_eq!(fault.line, Some(7), "the nearest field that is there");
}

#[test]
fn what_is_wrong_with_a_test_is_named_by_file_line_and_field() {
    let text = TEST
        .replace("replicas: 2", "replicas: many\n    replica: 3")
        .replace("  image: locustio/locust:2.47.0\n", "");
    assert_eq!(
        said(&text),
        [
            "a.yaml:5: spec.image: Required value",
            "a.yaml:10: spec.worker.replicas: Invalid value: \"string\": spec.worker.replicas in body must be of type integer: \"string\"",
            "a.yaml:11: spec.worker.replica: unknown field",
        ]
    );
}

#[test]
fn what_is_no_test_says_what_to_write_instead() {
    for (text, message) in [
        (
            TEST.replace("locust.io/v2", "locust.io/v3"),
            "a.yaml:1: apiVersion: \"locust.io/v3\" has no LocustTest; write locust.io/v2",
        ),
        (
            OLD_TEST.replace("  image: locustio/locust:2.47.0\n", ""),
            "a.yaml:5: spec.image: Required value",
        ),
        (
            TEST.replace("LocustTest", "LoadTest"),
            "a.yaml:2: kind: locust.io/v2 has no \"LoadTest\"; write LocustTest",
        ),
        (
            TEST.replace("kind: LocustTest\n", ""),
            "a.yaml:1: kind: is missing; this is no Kubernetes object",
        ),
        (
            "just text".to_owned(),
            "a.yaml:1: is no Kubernetes object; one begins with apiVersion and kind",
        ),
        (
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\ndata:\n  a: b\n  PORT: 80\n"
                .to_owned(),
            "a.yaml:7: data.PORT: must be text; put the value in quotes",
        ),
        (
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: c\ndata:\n  PIN: plain!\n".to_owned(),
            "a.yaml:6: data.PIN: must be base64; plain text belongs into stringData",
        ),
        (
            "apiVersion: v1\nkind: Secret\n".to_owned(),
            "a.yaml:1: metadata.name: Required value",
        ),
    ] {
        assert_eq!(said(&text), [message]);
    }
}

#[test]
fn what_is_no_yaml_is_shown_where_it_stands() {
    let (_, faults) = read(&TEST.replace("  worker:", "  worker: [1"));
    let [fault] = faults.as_slice() else {
        panic!("{faults:?}")
    };
    let text = fault.to_string();
    assert!(text.starts_with("a.yaml:10: "), "{text}");
    assert!(
        text.contains("command: -f /lotest/src/locustfile.py"),
        "{text}"
    );
    let (_, faults) = read(&TEST.replace("  image:", "  worker: {}\n  image:"));
    let text = faults[0].to_string();
    assert!(text.contains("duplicate"), "{text}");
}

#[test]
fn octal_modes_and_words_mean_what_they_mean_for_kubectl() {
    let text =
        format!("{TEST}  volumes:\n  - {{name: v, configMap: {{name: c, defaultMode: 0644}}}}\n");
    let (manifests, faults) = read(&text);
    assert_eq!(faults, []);
    let volumes = manifests.tests[0].test.spec.volumes.clone().unwrap();
    assert_eq!(
        volumes[0].config_map.as_ref().unwrap().default_mode,
        Some(420)
    );
}

#[test]
fn a_test_of_v1_is_what_it_is_in_a_cluster() {
    let (manifests, faults) = read(OLD_TEST);
    assert_eq!(faults, []);
    let spec = &manifests.tests[0].test.spec;
    assert_eq!(spec.worker.command, "-f /lotest/src/worker.py");
    assert_eq!(spec.worker.replicas, 1, "the default");
    let autoquit = spec.master.autoquit.as_ref().unwrap();
    assert_eq!((spec.master.autostart, autoquit.timeout), (true, 60));
    let files = spec.test_files.as_ref().unwrap();
    assert_eq!(files.config_map_ref.as_deref(), Some("files"));
}
