//! Tests of what a process is given, on manifests as a user writes them.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use locust_api::latest::LocustTest;
use proptest::prelude::*;

use super::expand::expand;
use super::{Bundle, Content, Inputs, Mount, Pod, Problem, Remap, inputs};
use crate::processes::{Endpoint, processes};
use crate::resolve::resolve;
use crate::settings::Settings;

const BASE: &str = "
apiVersion: locust.io/v2
kind: LocustTest
metadata: {name: team.load, namespace: perf}
spec:
  image: locustio/locust:2.47.0
  master: {command: '-f /lotest/src/a.py', labels: {team: blue}}
  worker: {command: '-f /lotest/src/a.py', replicas: 2}
";

fn bundle() -> Bundle {
    let mut bundle = Bundle::default();
    for yaml in [
        "{metadata: {name: scripts}, data: {a.py: 'print(1)', b.py: 'print(2)'}}",
        "{metadata: {name: settings, namespace: perf}, data: {HOST: h1, PORT: '80', 'A=B': x}}",
        "{metadata: {name: away, namespace: other}, data: {HOST: h2}}",
    ] {
        bundle.add_config_map(serde_saphyr::from_str::<ConfigMap>(yaml).unwrap());
    }
    let secret =
        "{metadata: {name: login}, data: {USER: YWRtaW4=, KEY: b2xk}, stringData: {KEY: new}}";
    bundle.add_secret(serde_saphyr::from_str::<Secret>(secret).unwrap());
    bundle
}

/// What process `index` of a test with `spec` added to [`BASE`] is given.
fn given(spec: &str, index: usize) -> (Inputs, Vec<Problem>) {
    let test: LocustTest = serde_saphyr::from_str(&format!("{BASE}{spec}")).unwrap();
    let resolved = resolve(&test, &Settings::default());
    let endpoint = Endpoint {
        master_port: 5557,
        web_port: 8089,
    };
    let process = processes(&resolved, &endpoint).swap_remove(index);
    let pod = Pod::new(&resolved, &process, "laptop");
    inputs(&test, &process, &pod, &bundle())
}

fn env(spec: &str) -> BTreeMap<String, String> {
    let (inputs, problems) = given(spec, 0);
    assert_eq!(problems, []);
    inputs.env.into_iter().collect()
}

fn problems(spec: &str) -> Vec<String> {
    given(spec, 0).1.iter().map(ToString::to_string).collect()
}

fn mounts(spec: &str) -> Vec<Mount> {
    let (inputs, problems) = given(spec, 0);
    assert_eq!(problems, []);
    inputs.mounts
}

/// `path mode content` of every file of a mount.
fn listing(mount: &Mount) -> Vec<String> {
    let files = match &mount.content {
        Content::Directory(files) => files.clone(),
        Content::File(file) => vec![file.clone()],
    };
    files
        .iter()
        .map(|file| {
            format!(
                "{} {:o} {}",
                file.path,
                file.mode,
                String::from_utf8_lossy(&file.bytes)
            )
        })
        .collect()
}

#[test]
fn the_test_files_lie_at_the_mount_path() {
    let mounts = mounts("  testFiles: {configMapRef: scripts, libConfigMapRef: settings}\n");
    let paths: Vec<_> = mounts.iter().map(|mount| mount.path.as_str()).collect();
    assert_eq!(paths, ["/lotest/src", "/opt/locust/lib"]);
    assert_eq!(
        listing(&mounts[0]),
        ["a.py 644 print(1)", "b.py 644 print(2)"]
    );
    assert!(!mounts[0].writable, "a ConfigMap is read-only in a cluster");
}

#[test]
fn a_later_source_wins_over_an_earlier_one_and_a_variable_over_both() {
    let env = env("
  env:
    configMapRefs: [{name: settings, prefix: C_}, {name: settings}]
    secretRefs: [{name: login, prefix: C_}]
    variables:
    - {name: PORT, value: '8080'}
    - {name: C_USER, valueFrom: {configMapKeyRef: {name: settings, key: HOST}}}
");
    assert_eq!(env["C_HOST"], "h1");
    assert_eq!(env["HOST"], "h1");
    assert_eq!(env["PORT"], "8080");
    assert_eq!(env["C_KEY"], "new", "stringData wins over data");
    assert_eq!(env["C_USER"], "h1");
    assert!(
        !env.contains_key("A=B"),
        "no name of a variable holds a '='"
    );
    assert_eq!(
        env["KAFKA_BOOTSTRAP_SERVERS"], "localhost:9092",
        "as in the cluster"
    );
}

#[test]
fn references_in_values_and_arguments_mean_variables_defined_before() {
    let spec = "
  env:
    configMapRefs: [{name: settings}]
    variables:
    - {name: EARLY, value: $(LATE)}
    - {name: LATE, value: late}
    - {name: URL, value: 'http://$(HOST):$(PORT)/$$(HOST)'}
    - {name: RAW, valueFrom: {secretKeyRef: {name: login, key: USER}}}
";
    let env = env(spec);
    assert_eq!(env["EARLY"], "$(LATE)");
    assert_eq!(env["URL"], "http://h1:80/$(HOST)");
    assert_eq!(env["RAW"], "admin");
    let spec = spec.replace("  env:", "  testFiles: {configMapRef: scripts}\n  env:");
    let test =
        format!("{BASE}{spec}").replace("-f /lotest/src/a.py', labels", "--host $(URL)', labels");
    let test: LocustTest = serde_saphyr::from_str(&test).unwrap();
    let resolved = resolve(&test, &Settings::default());
    let process = processes(
        &resolved,
        &Endpoint {
            master_port: 1,
            web_port: 2,
        },
    )
    .swap_remove(0);
    let (inputs, _) = inputs(
        &test,
        &process,
        &Pod::new(&resolved, &process, "n"),
        &bundle(),
    );
    assert_eq!(inputs.args[..2], ["--host", "http://h1:80/$(HOST)"]);
}

#[test]
fn a_process_knows_the_pod_that_it_stands_for() {
    let spec = "
  env:
    variables:
    - {name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
    - {name: NS, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}
    - {name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}
    - {name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
    - {name: TEAM, valueFrom: {fieldRef: {fieldPath: \"metadata.labels['team']\"}}}
    - {name: TEST, valueFrom: {fieldRef: {fieldPath: \"metadata.labels['performance-test-name']\"}}}
";
    let of = |index| {
        given(spec, index)
            .0
            .env
            .into_iter()
            .collect::<BTreeMap<_, _>>()
    };
    let (master, second_worker) = (of(0), of(2));
    assert_eq!(master["POD"], "team-load-master");
    assert_eq!(second_worker["POD"], "team-load-worker-2");
    assert_eq!(master["NS"], "perf");
    assert_eq!(master["NODE"], "laptop");
    assert_eq!(master["IP"], "127.0.0.1");
    assert_eq!(master["TEAM"], "blue");
    assert_eq!(master["TEST"], "team.load");
    assert_eq!(second_worker["TEAM"], "", "a label of the master only");
}

#[test]
fn what_is_missing_is_named_with_the_field_that_asks_for_it() {
    assert_eq!(
        problems(
            "
  testFiles: {configMapRef: nope, libConfigMapRef: away}
  volumes:
  - {name: v0, emptyDir: {}}
  - {name: v1, configMap: {name: scripts, items: [{key: c.py, path: c.py}]}}
  volumeMounts:
  - {name: v1, mountPath: /x}
  env:
    configMapRefs: [{name: settings}, {name: nocm}]
    secretRefs: [{name: nosecret}]
    secretMounts: [{name: gone, mountPath: /etc/gone}]
    variables:
    - {name: A, value: a}
    - {name: B, valueFrom: {secretKeyRef: {name: login, key: TOKEN}}}
"
        ),
        [
            "spec.env.configMapRefs[1].name: ConfigMap \"nocm\" is not in the given files (they hold \"away\", \"scripts\", \"settings\"); name the file that has it as well",
            "spec.env.secretRefs[0].name: Secret \"nosecret\" is not in the given files (they hold \"login\"); name the file that has it as well",
            "spec.env.variables[1].valueFrom.secretKeyRef: Secret \"login\" has no key \"TOKEN\"; its keys: \"KEY\", \"USER\"",
            "spec.testFiles.configMapRef: ConfigMap \"nope\" is not in the given files (they hold \"away\", \"scripts\", \"settings\"); name the file that has it as well",
            "spec.testFiles.libConfigMapRef: ConfigMap \"away\" is in namespace \"other\" and the LocustTest is not; put both into the same namespace",
            "spec.env.secretMounts[0].name: Secret \"gone\" is not in the given files (they hold \"login\"); name the file that has it as well",
            "spec.volumes[1]: ConfigMap \"scripts\" has no key \"c.py\"; its keys: \"a.py\", \"b.py\"",
        ]
    );
}

#[test]
fn what_may_be_missing_is_left_out() {
    let spec = "
  volumes:
  - {name: v, secret: {secretName: gone, optional: true}}
  - {name: w, configMap: {name: scripts, optional: true, items: [{key: a.py, path: x/a.py, mode: 256}, {key: no, path: no}]}}
  volumeMounts: [{name: v, mountPath: /v}, {name: w, mountPath: /w}]
  env:
    variables:
    - {name: A, valueFrom: {configMapKeyRef: {name: gone, key: k, optional: true}}}
    - {name: B, valueFrom: {configMapKeyRef: {name: settings, key: k, optional: true}}}
";
    assert!(!env(spec).contains_key("A"));
    assert!(!env(spec).contains_key("B"));
    let mounts = mounts(spec);
    assert!(listing(&mounts[0]).is_empty());
    assert_eq!(listing(&mounts[1]), ["x/a.py 400 print(1)"]);
}

#[test]
fn volumes_of_many_sources_have_the_files_of_all() {
    let mounts = mounts(
        "
  volumes:
  - name: all
    projected:
      defaultMode: 288
      sources:
      - {configMap: {name: scripts, items: [{key: a.py, path: a}]}}
      - {secret: {name: login, items: [{key: USER, path: d/user, mode: 256}]}}
      - {downwardAPI: {items: [{path: name, fieldRef: {fieldPath: metadata.name}}]}}
  - {name: scratch, emptyDir: {}}
  volumeMounts:
  - {name: all, mountPath: all/./x/}
  - {name: scratch, mountPath: /data, subPathExpr: $(KAFKA_SASL_MECHANISM)}
  - {name: all, mountPath: /etc/user, subPath: d/user}
  - {name: all, mountPath: /d, subPath: d, target: worker}
",
    );
    assert_eq!(mounts[0].path, "/all/x");
    assert_eq!(
        listing(&mounts[0]),
        [
            "a 440 print(1)",
            "d/user 400 admin",
            "name 440 team-load-master"
        ]
    );
    assert!(mounts[1].path == "/data" && mounts[1].writable);
    assert!(matches!(mounts[2].content, Content::File(_)));
    assert_eq!(mounts.len(), 3, "the last mount is for workers only");
}

#[test]
fn what_needs_a_cluster_is_said() {
    assert_eq!(
        problems(
            "
  volumes:
  - {name: pvc, persistentVolumeClaim: {claimName: c}}
  - {name: tok, projected: {sources: [{serviceAccountToken: {path: t}}]}}
  - {name: up, configMap: {name: scripts, items: [{key: a.py, path: ../../a.py}]}}
  volumeMounts:
  - {name: pvc, mountPath: /p}
  - {name: tok, mountPath: /t}
  - {name: up, mountPath: /u}
  - {name: none, mountPath: /n}
  - {name: up, mountPath: /proc/1}
  - {name: pvc, mountPath: /p}
  env:
    variables:
    - {name: A, valueFrom: {resourceFieldRef: {resource: limits.cpu}}}
    - {name: B, valueFrom: {fieldRef: {fieldPath: spec.other}}}
"
        ),
        [
            "spec.env.variables[0].valueFrom: resourceFieldRef has no meaning without a cluster; give the variable a value in the file you run",
            "spec.env.variables[1].valueFrom: fieldRef \"spec.other\" is not a field of a pod that containers may read",
            "spec.volumes[0]: volume \"pvc\" is a persistentVolumeClaim, which needs a cluster; replace it with a ConfigMap, a Secret or an emptyDir in the file you run",
            "spec.volumes[1].projected.sources[0]: a token or certificate of a cluster cannot be had without one; leave this source out of the file you run",
            "spec.volumes[2]: path \"../../a.py\" must be relative and must not contain '..'",
            "spec.volumeMounts[3]: there is no volume \"none\" in spec.volumes",
            "spec.volumeMounts[4]: nothing can be mounted at \"/proc/1\" of this machine",
            "spec.volumes[0]: volume \"pvc\" is a persistentVolumeClaim, which needs a cluster; replace it with a ConfigMap, a Secret or an emptyDir in the file you run",
            "spec.volumeMounts[5]: another volume is mounted at the same path",
        ]
    );
}

#[test]
fn mount_paths_are_replaced_where_they_stand_as_paths() {
    let remap = Remap::new([
        ("/lotest/src".to_owned(), "/run/m/s".to_owned()),
        ("/lotest/src/lib".to_owned(), "/run/m/l".to_owned()),
    ]);
    for (before, after) in [
        ("/lotest/src/a.py", "/run/m/s/a.py"),
        (
            "/lotest/src/a.py,/lotest/src/b.py",
            "/run/m/s/a.py,/run/m/s/b.py",
        ),
        ("--html=/lotest/src", "--html=/run/m/s"),
        ("/lotest/src/lib/x:/lotest/src", "/run/m/l/x:/run/m/s"),
        ("/lotest/src2/a.py", "/lotest/src2/a.py"),
        ("/lotest/src.bak", "/lotest/src.bak"),
        ("http://host/lotest/src", "http://host/lotest/src"),
        ("/home/lotest/src", "/home/lotest/src"),
        ("ü/lotest/src", "ü/lotest/src"),
        ("'/lotest/src'", "'/run/m/s'"),
    ] {
        assert_eq!(remap.apply(before), after, "of {before:?}");
    }
}

#[test]
fn references_are_replaced_as_kubernetes_does() {
    let values = BTreeMap::from([
        ("A".to_owned(), "1".to_owned()),
        ("B".to_owned(), "$(A)".to_owned()),
    ]);
    for (before, after) in [
        ("$(A)", "1"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$1"),
        ("$(B)", "$(A)"),
        ("$(C) $(A", "$(C) $(A"),
        ("$A $", "$A $"),
        ("$()", "$()"),
    ] {
        assert_eq!(expand(before, &values), after, "of {before:?}");
    }
}

proptest! {
    #[test]
    fn text_without_a_reference_stays(text in "[^$]*") {
        prop_assert_eq!(expand(&text, &BTreeMap::new()), text);
    }

    #[test]
    fn text_without_a_mount_path_stays(text in "[a-z/:=, ü]*") {
        let remap = Remap::new([("/LOTEST".to_owned(), "/x".to_owned())]);
        prop_assert_eq!(remap.apply(&text), text);
    }
}
