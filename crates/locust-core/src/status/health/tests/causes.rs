//! The end of Locust's log as one line.

use serde_json::json;

use super::{Value, container, pod};
use crate::status::health::{cut_short, ending, own_exit};

const STARTUP: &str = r#"Traceback (most recent call last):
  File "/usr/local/bin/locust", line 8, in <module>
    sys.exit(main())
             ^^^^^^
  File "/usr/local/lib/python3.11/site-packages/locust/main.py", line 167, in main
    ) = merge_locustfiles_content(locustfiles)
        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "<frozen importlib._bootstrap>", line 241, in _call_with_frames_removed
"#;

fn cause(end_of_log: &str) -> String {
    let state =
        json!({ "terminated": { "exitCode": 1, "reason": "Error", "message": end_of_log } });
    let status =
        json!({ "phase": "Failed", "containerStatuses": [container("demo-master", &state)] });
    let words = ending(&pod("m", "master", &status), "demo-master").unwrap();
    words
        .strip_prefix("Locust exited with code 1")
        .unwrap()
        .to_owned()
}

#[test]
fn a_traceback_becomes_place_line_and_exception() {
    let import = "  File \"/lotest/src/locustfile.py\", line 3, in <module>\n    import nope\nModuleNotFoundError: No module named 'nope'\n";
    let told = ": File \"/lotest/src/locustfile.py\", line 3, in <module>: import nope: ModuleNotFoundError: No module named 'nope'";
    assert_eq!(cause(&format!("{STARTUP}{import}")), told);
    let cut = "ocust/main.py\", line 141, in merge_locustfiles_content\n    user_classes\n                   ^^^^\n";
    assert_eq!(
        cause(&format!("{cut}{import}")),
        told,
        "the log was longer than what is kept of it"
    );
}

#[test]
fn a_syntax_error_is_told_with_its_line() {
    let syntax = "  File \"/lotest/src/locustfile.py\", line 3\n    def x(:\n          ^\nSyntaxError: invalid syntax\n";
    assert_eq!(
        cause(&format!("{STARTUP}{syntax}")),
        ": File \"/lotest/src/locustfile.py\", line 3: def x(:: SyntaxError: invalid syntax"
    );
}

#[test]
fn the_users_last_line_is_told_and_not_a_librarys() {
    let deep = "  File \"/lotest/src/locustfile.py\", line 2, in <module>\n    import lib1\n  File \"/opt/locust/lib/lib1.py\", line 3, in boom\n    return json.loads(\"{\")\n           ^^^^^^^^^^^^^^^\n  File \"/usr/local/lib/python3.11/json/decoder.py\", line 353, in raw_decode\n    obj, end = self.scan_once(s, idx)\n               ^^^^^\njson.decoder.JSONDecodeError: Expecting property name\n";
    assert_eq!(
        cause(&format!("{STARTUP}{deep}")),
        ": File \"/opt/locust/lib/lib1.py\", line 3, in boom: return json.loads(\"{\"): json.decoder.JSONDecodeError: Expecting property name"
    );
}

#[test]
fn of_a_chain_the_last_exception_counts_and_of_its_words_the_first_line() {
    let first = "Traceback (most recent call last):\n  File \"/x.py\", line 2, in <module>\n    1/0\n    ~^~\nZeroDivisionError: division by zero\n\nThe above exception was the direct cause of the following exception:\n\n";
    let second = "  File \"/x.py\", line 4, in <module>\n    raise RuntimeError(text) from e\nRuntimeError: first line\nsecond line: yes\n";
    assert_eq!(
        cause(&format!("{first}{STARTUP}{second}")),
        ": File \"/x.py\", line 4, in <module>: raise RuntimeError(text) from e: RuntimeError: first line"
    );
}

#[test]
fn sentences_of_locust_and_its_argument_parser_are_causes() {
    let cases = [
        (
            "usage: locust [options]\n              [--version]\nlocust: error: unrecognized arguments: --nope\nDid you mean '--otel'?\n",
            ": locust: error: unrecognized arguments: --nope",
        ),
        (
            "Could not find 'x.py'. Ensure your locustfile ends with '.py'\n",
            ": Could not find 'x.py'. Ensure your locustfile ends with '.py'",
        ),
        (
            "[2026-11-24 21:54:40,188] vm/INFO/locust.main: Starting Locust 2.47.0\n[2026-11-24 21:54:40,188] vm/ERROR/locust.main: No User class found!\n",
            ": No User class found!",
        ),
        (
            "[2026-11-24 21:54:40,188] vm/INFO/locust.main: Starting Locust 2.47.0\n",
            "",
        ),
    ];
    for (log, expected) in cases {
        assert_eq!(cause(log), expected);
    }
}

#[test]
fn errors_of_tasks_are_no_cause_of_the_end() {
    let task = "[2026-11-24 21:54:45,000] vm/ERROR/locust.user.task: in a task\nTraceback (most recent call last):\n  File \"/lotest/src/locustfile.py\", line 6, in t\n    raise ValueError(\"in a task\")\nValueError: in a task\n\n";
    let end = "[2026-11-24 21:54:45,756] vm/INFO/locust.main: Shutting down (exit code 1)\n";
    let table = "Type     Name  # reqs\n--------|-----|------\n         Aggregated 0\n\n";
    assert_eq!(cause(&format!("{task}{end}{table}")), "");
}

#[test]
fn a_long_cause_is_cut_where_it_still_fits_in_a_line() {
    let words = cause(&format!("usage\nlocust: error: {}\n", "x".repeat(2_000)));
    assert_eq!(words.chars().count(), 402);
    assert!(words.ends_with('…'), "{words}");
}

/// A master that ended with this code at 00:59:40.
fn master(code: i32, metadata: &Value) -> k8s_openapi::api::core::v1::Pod {
    let state = json!({ "terminated": { "exitCode": code, "finishedAt": "1970-01-01T00:59:40Z" } });
    let status =
        json!({ "phase": "Failed", "containerStatuses": [container("demo-master", &state)] });
    let mut pod = serde_json::to_value(pod("m", "master", &status)).unwrap();
    for (field, value) in metadata.as_object().unwrap() {
        pod["metadata"][field] = value.clone();
    }
    serde_json::from_value(pod).unwrap()
}

#[test]
fn a_pod_deleted_before_its_end_was_cut_short_and_one_deleted_after_it_was_not() {
    let deleted = |at: &str| json!({ "deletionTimestamp": format!("1970-01-01T{at}Z"), "deletionGracePeriodSeconds": 30 });
    assert!(cut_short(&master(0, &deleted("01:00:08")), "demo-master"));
    for at in ["01:00:10", "01:00:12"] {
        assert!(!cut_short(&master(0, &deleted(at)), "demo-master"), "{at}");
    }
    assert!(!cut_short(&master(0, &json!({})), "demo-master"));
}

#[test]
fn an_exit_by_a_signal_is_nobodys_own() {
    for (code, is_own) in [(0, true), (1, true), (137, false), (143, false)] {
        assert_eq!(
            own_exit(&master(code, &json!({})), "demo-master").is_some(),
            is_own,
            "{code}"
        );
    }
}
