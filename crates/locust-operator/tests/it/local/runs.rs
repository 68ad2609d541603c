//! Runs of a stand-in for Locust: what it is given, and how each end is told.

use nix::sys::signal::Signal;
use serde_json::Value;

use super::stage::{NO_NAMESPACES, NO_PID_NAMESPACES, Stage, exists, until};

fn json(stage: &Stage) -> Value {
    serde_json::from_str(&stage.read("out/results.json")).unwrap()
}

#[test]
fn processes_are_given_what_a_cluster_would_give_them() {
    let stage = Stage::new();
    stage.write("a.yaml", &stage.manifest("demo", "1"));
    let said = stage.run(&["a.yaml", "--workers", "3", "--host", "http://h"]);
    said.expect(0, &["3 workers"]);
    assert!(
        said.stdout.contains("PASSED  demo: 100 requests, 0 failed"),
        "{}",
        said.stdout
    );
    assert_eq!(json(&stage)["totals"]["requests"], 100);
    assert_eq!(stage.records(), 4);
    let (master, worker) = (stage.record("demo-master"), stage.record("demo-worker-3"));
    for process in [&master, &worker] {
        assert_eq!(process["source"], "/lotest/src/locustfile.py");
        assert_eq!(process["locustfile"], "nothing = 1");
        assert_eq!(process["lotest_src"], serde_json::json!(["locustfile.py"]));
        assert_eq!(process["can_write"], false, "a ConfigMap is read-only");
        assert_eq!(process["uid"], nix::unistd::getuid().as_raw());
        assert_eq!(process["env"]["KAFKA_SASL_MECHANISM"], "SCRAM-SHA-512");
        assert_eq!(
            process["env"].get("LOCUST_USERS"),
            None,
            "of the person's shell"
        );
        let args = process["args"].as_array().unwrap();
        assert_eq!(args[args.len() - 2..], ["--host", "http://h"]);
    }
    let args = master["args"].to_string();
    assert!(args.contains("\"--web-host=127.0.0.1\""), "{args}");
    assert!(args.contains("\"--expect-workers=3\""), "{args}");
    assert!(
        !exists("/lotest".as_ref()),
        "nothing is made on the machine"
    );
    assert_eq!(stage.processes(), [""; 0]);
    let left: Vec<_> = std::fs::read_dir(stage.path("cache/locust-operator/runs"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["all.lock"]);
}

#[test]
fn without_a_pid_namespace_paths_are_still_real() {
    let mut stage = Stage::new();
    stage.prelude = NO_PID_NAMESPACES;
    stage.write("a.yaml", &stage.manifest("demo", "1"));
    let said = stage.run(&["a.yaml"]);
    said.expect(0, &[]);
    assert!(!said.stderr.contains("private mounts"), "{}", said.stderr);
    let worker = stage.record("demo-worker-2");
    assert_eq!(worker["lotest_src"], serde_json::json!(["locustfile.py"]));
    assert_eq!(worker["can_write"], false);
    assert_eq!(stage.processes(), [""; 0]);
}

#[test]
fn without_mounts_paths_are_replaced_and_that_is_said() {
    let mut stage = Stage::new().with("LIB", "/lotest/src:/x");
    stage.prelude = NO_NAMESPACES;
    stage.write("a.yaml", &stage.manifest("demo", "1"));
    let said = stage.run(&["a.yaml"]);
    said.expect(
        0,
        &[
            "note: this machine allows no private mounts (cannot enter a mount namespace: ",
            "so /lotest/src is replaced by the path of a copy",
        ],
    );
    assert_eq!(said.stderr.matches("private mounts").count(), 1);
    let worker = stage.record("demo-worker-2");
    let source = worker["source"].as_str().unwrap();
    assert!(
        source.ends_with("/worker-2/files/lotest/src/locustfile.py"),
        "{source}"
    );
    assert_eq!(worker["locustfile"], "nothing = 1");
    assert_eq!(worker["lotest_src"], Value::Null);
    let directory = source.trim_end_matches("/locustfile.py");
    assert_eq!(worker["env"]["LIB"], format!("{directory}:/x"));
}

#[test]
fn several_tests_run_one_after_another_and_the_worst_counts() {
    let stage = Stage::new();
    let bad = Stage::new().with("STAND_IN_FAILS", "7");
    stage.write("a.yaml", &bad.manifest("bad", "1"));
    stage.write("b.yaml", &stage.manifest("good", "1"));
    let said = stage.run(&["a.yaml", "b.yaml"]);
    said.expect(1, &[]);
    assert!(
        said.stdout
            .contains("FAILED  bad: RequestFailures: 7 of 100 requests failed"),
        "{}",
        said.stdout
    );
    assert!(said.stdout.contains("PASSED  good"), "{}", said.stdout);
    assert!(exists(&stage.path("out/bad/results.json")));
    assert!(exists(&stage.path("out/good/logs/worker-2.log")));
}

#[test]
fn a_locust_that_ends_at_once_is_told_with_the_end_of_its_log() {
    for (pod, who) in [("demo-master", "the master"), ("demo-worker-2", "worker 2")] {
        let stage = Stage::new().with("STAND_IN_DIES", pod);
        stage.write("a.yaml", &stage.manifest("demo", "600"));
        let said = stage.run(&["a.yaml"]);
        let first = format!("error: demo could not be run: {who} ended with exit code 1; its log ");
        said.expect(
            2,
            &[
                &first,
                "ends with:\n  first line\n  SyntaxError: no locustfile at all\n",
            ],
        );
        assert_eq!(stage.processes(), [""; 0]);
    }
}

#[test]
fn a_run_that_lost_a_worker_is_inconclusive() {
    let stage = Stage::new().with("STAND_IN_DIES_LATER", "demo-worker-1");
    stage.write("a.yaml", &stage.manifest("demo", "5"));
    stage.run(&["a.yaml"]).expect(
        3,
        &[
            "warning: worker 1 ended with exit code 3",
            "the run goes on with the other workers",
        ],
    );
}

#[test]
fn ctrl_c_stops_the_load_gathers_results_and_ends() {
    let stage = Stage::new();
    stage.write("a.yaml", &stage.manifest("demo", "600"));
    let runner = stage.start(&["a.yaml"]);
    until("there is load", || exists(&stage.path("records/load")));
    runner.signal(Signal::SIGINT);
    until("the load is stopped", || {
        exists(&stage.path("records/stopped"))
    });
    let said = runner.end();
    said.expect(130, &["stopping the load"]);
    assert_eq!(json(&stage)["verdict"], "interrupted");
    assert!(json(&stage)["totals"]["requests"].as_u64() > Some(50));
    assert_eq!(stage.processes(), [""; 0]);
}

#[test]
fn a_second_ctrl_c_ends_at_once_what_takes_no_signals() {
    let pods = "demo-master demo-worker-1 demo-worker-2";
    let stage = Stage::new().with("STAND_IN_DEAF", pods);
    stage.write("a.yaml", &stage.manifest("demo", "600"));
    let runner = stage.start(&["a.yaml"]);
    until("there is load", || {
        exists(&stage.path("records/demo-worker-2.json"))
    });
    runner.signal(Signal::SIGTERM);
    until("the runner ends or can be told again", || {
        runner.signal(Signal::SIGINT);
        stage.processes().is_empty()
    });
    runner.end().expect(130, &["interrupted"]);
}
