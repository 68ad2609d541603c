//! No process is left behind, whoever is killed and however it tries.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::Signal;

use super::stage::{
    NO_NAMESPACES, NO_PID_NAMESPACES, RUNNER, Stage, end_of, exists, processes_with, until,
};

const ISOLATIONS: [&str; 3] = ["full", "mounts", "none"];
/// A process of its own session whose parent has ended, and one that stays and
/// takes no signals.
const STUBBORN: &str = "trap '' TERM INT HUP; setsid sh -c 'sleep 600 & echo > \"$1\"; wait' sh \"$1\" & sleep 600 & wait; sleep 600";

fn guard(isolation: &str, directory: &Path, script: &str) -> Child {
    for name in ["root", "cwd", "src"] {
        std::fs::create_dir_all(directory.join(name)).unwrap();
    }
    let mark = directory.join("running");
    Command::new(RUNNER)
        .args(["__exec", "--isolation", isolation, "--parent"])
        .arg(std::process::id().to_string())
        .arg("--scratch")
        .arg(directory.join("root"))
        .arg("--cwd")
        .arg(directory.join("cwd"))
        .arg("--read-only-bind")
        .arg(directory.join("src"))
        .arg("/lotest/src")
        .args(["--", "/bin/sh", "-c", script, "sh"])
        .arg(mark)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap()
}

#[test]
fn nothing_outlives_the_end_of_the_runner() {
    for isolation in ISOLATIONS {
        let directory = tempfile::tempdir().unwrap();
        let mut guard = guard(isolation, directory.path(), STUBBORN);
        until("it runs", || exists(&directory.path().join("running")));
        drop(guard.stdin.take());
        let status = end_of(&mut guard);
        assert_eq!(status.code(), Some(128 + 9), "{isolation}");
        let mark = directory.path().display().to_string();
        assert_eq!(processes_with(&mark), [""; 0], "{isolation}");
    }
}

#[test]
fn nothing_outlives_its_program() {
    for isolation in ISOLATIONS {
        let directory = tempfile::tempdir().unwrap();
        let script = "setsid sh -c 'echo > \"$1\"; sleep 600' sh \"$1\" & while ! [ -e \"$1\" ]; do sleep 0.01; done; exit 42";
        let mut guard = guard(isolation, directory.path(), script);
        assert_eq!(end_of(&mut guard).code(), Some(42), "{isolation}");
        let mark = directory.path().display().to_string();
        assert_eq!(processes_with(&mark), [""; 0], "{isolation}");
    }
}

/// Only a PID namespace survives this; elsewhere the kernel ends the program
/// itself, and its own children are beyond reach.
#[test]
fn nothing_outlives_a_killed_guard() {
    for (isolation, script) in [
        ("full", STUBBORN),
        ("mounts", "echo > \"$1\"; while :; do sleep 0.1; done"),
        ("none", "echo > \"$1\"; while :; do sleep 0.1; done"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let mut guard = guard(isolation, directory.path(), script);
        until("it runs", || exists(&directory.path().join("running")));
        guard.kill().unwrap();
        end_of(&mut guard);
        let mark = directory.path().display().to_string();
        until("all is gone", || processes_with(&mark).is_empty());
    }
}

#[test]
fn a_program_is_asked_to_end_and_its_code_and_signal_are_told() {
    for isolation in ISOLATIONS {
        for (script, code) in [
            (
                "trap 'exit 7' TERM; echo > \"$1\"; while :; do sleep 0.01; done",
                7,
            ),
            ("echo > \"$1\"; while :; do sleep 0.01; done", 128 + 15),
        ] {
            let directory = tempfile::tempdir().unwrap();
            let mut guard = guard(isolation, directory.path(), script);
            until("it runs", || exists(&directory.path().join("running")));
            let mut pipe = guard.stdin.take().unwrap();
            pipe.write_all(b"t").unwrap();
            assert_eq!(end_of(&mut guard).code(), Some(code), "{isolation}");
        }
    }
}

#[test]
fn a_killed_runner_leaves_no_process() {
    for prelude in ["", NO_PID_NAMESPACES, NO_NAMESPACES] {
        let mark = tempfile::tempdir().unwrap();
        let mark = mark.path().display().to_string();
        let mut stage = Stage::new()
            .with("STAND_IN_ORPHAN", &mark)
            .with("STAND_IN_DEAF", "demo-worker-1");
        stage.prelude = prelude;
        stage.write("a.yaml", &stage.manifest("demo", "600"));
        let runner = stage.start(&["a.yaml"]);
        for pod in ["demo-master", "demo-worker-1", "demo-worker-2"] {
            until("the orphans run", || {
                processes_with(&mark)
                    .iter()
                    .any(|line| line.trim_end().ends_with(pod))
            });
        }
        runner.signal(Signal::SIGKILL);
        runner.end();
        until("all is gone", || {
            stage.processes().is_empty() && processes_with(&mark).is_empty()
        });
    }
}
