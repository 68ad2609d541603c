//! What is wrong is said by file, line and field, and nothing is started.

use super::stage::Stage;

#[track_caller]
fn refused(stage: &Stage, args: &[&str], said: &[&str]) {
    stage.run(args).expect(2, said);
    assert_eq!(stage.records(), 0, "nothing was started");
}

#[test]
fn a_wrong_manifest_is_refused_with_every_mistake() {
    let stage = Stage::new();
    let text = stage
        .manifest("demo", "1")
        .replace("replicas: 2", "replicas: 0, lables: {}");
    stage.write("a.yaml", &text);
    stage.write(
        "b.yaml",
        "apiVersion: locust.io/v2\nkind: LocustTest\nmetadata: {name: [}\n",
    );
    refused(
        &stage,
        &["a.yaml", "b.yaml", "c.yaml"],
        &[
            "error: a.yaml:13: spec.worker.replicas: Invalid value: 0",
            "error: a.yaml:13: spec.worker.lables: unknown field",
            "error: b.yaml:3: ",
            "metadata: {name: [}",
            "error: c.yaml: cannot be read: No such file",
        ],
    );
}

#[test]
fn what_a_manifest_refers_to_has_to_be_there() {
    let stage = Stage::new();
    let text = stage
        .manifest("demo", "1")
        .replace("configMapRef: scripts", "configMapRef: other");
    let secret = "    - {name: T, valueFrom: {secretKeyRef: {name: login, key: token}}}\n---\n\
                  {apiVersion: v1, kind: Secret, metadata: {name: login}, stringData: {pin: very-secret}}\n";
    stage.write("a.yaml", &format!("{text}{secret}"));
    let said = stage.run(&["a.yaml"]);
    said.expect(
        2,
        &[
            "error: a.yaml:11: spec.testFiles.configMapRef: ConfigMap \"other\" is not in the given files (they hold \"scripts\")",
            "error: a.yaml:18: spec.env.variables[2].valueFrom.secretKeyRef: Secret \"login\" has no key \"token\"; its keys: \"pin\"",
        ],
    );
    assert_eq!(
        said.stderr.matches("is not in the given files").count(),
        1,
        "once for all processes"
    );
    assert!(!said.stderr.contains("very-secret"));
    assert_eq!(stage.records(), 0);
}

#[test]
fn one_bad_test_keeps_the_others_from_starting() {
    let stage = Stage::new();
    stage.write("a.yaml", &stage.manifest("good", "1"));
    let bad = stage
        .manifest("bad", "1")
        .replace("configMapRef: scripts", "configMapRef: other");
    stage.write("b.yaml", &bad);
    refused(
        &stage,
        &["a.yaml", "b.yaml"],
        &["error: b.yaml:11: spec.testFiles"],
    );
}

#[test]
fn files_without_a_test_and_names_of_none_are_said() {
    let stage = Stage::new();
    stage.write(
        "a.yaml",
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}",
    );
    refused(
        &stage,
        &["a.yaml"],
        &["error: the files hold no LocustTest\n"],
    );
    stage.write("a.yaml", &stage.manifest("good", "1"));
    let said = "error: the files hold no LocustTest \"bad\"; they hold good\n";
    refused(&stage, &["a.yaml", "--name", "bad"], &[said]);
}

#[test]
fn a_port_in_use_is_said() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let stage = Stage::new();
    stage.write("a.yaml", &stage.manifest("demo", "1"));
    let said =
        format!("error: port {port} of 127.0.0.1 is in use; name another one with --web-port");
    refused(
        &stage,
        &["a.yaml", "--web-port", &port.to_string()],
        &[&said],
    );
}

#[test]
fn a_program_that_is_no_locust_is_said() {
    let stage = Stage::new();
    stage.write("a.yaml", &stage.manifest("demo", "1"));
    stage.write("locust", "#!/bin/sh\necho broken >&2; exit 1\n");
    refused(&stage, &["a.yaml"], &["is no working Locust: broken"]);
}

#[test]
fn a_test_that_is_stopped_has_nobody_to_let_it_go_on() {
    let stage = Stage::new();
    let text = stage
        .manifest("demo", "1")
        .replace("spec:\n", "spec:\n  desiredState: Stopped\n");
    stage.write("a.yaml", &text);
    let said = "error: a.yaml:10: spec.desiredState: a test that is Stopped waits until it is Running, and here nobody edits it; leave the field out";
    refused(&stage, &["a.yaml"], &[said]);
}
