//! What is kept of a run beside its status.

use serde_json::Value;

use super::*;
use crate::judgement::Making;
use crate::locust::{RunPhase, RunWatch, Strain};

fn heard() -> Heard {
    Heard {
        phase: RunPhase::Ended,
        numbers: None,
        top: std::sync::Arc::default(),
        load_ended: None,
        making: Making {
            workers: 2,
            ..Making::of(&RunWatch::new(None), Strain::default(), Some(3))
        },
        version: Some("2.47.0".to_owned()),
        standings: Vec::new(),
        report: None,
        outcome: None,
        silence: None,
    }
}

const STATS: &str = "Type,Name,Request Count,Failure Count,Median Response Time,Average Response Time,Min Response Time,Max Response Time,Average Content Size,Requests/s,Failures/s,95%,99%\r\n\
    GET,/a,8,1,5,6.25,1,90,12,4,0.5,20,90\r\n\
    ,Aggregated,8,1,5,6.25,1,90,12,4,0.5,20,90\r\n";
const FAILURES: &str = "Method,Name,Error,Occurrences\r\nGET,/a,\"broken, \"\"pipe\"\"\",1\r\n";

fn gathered() -> Gathered {
    Gathered {
        stats_csv: Some(STATS.to_owned()),
        failures_csv: Some(FAILURES.to_owned()),
        exceptions_csv: Some("Count,Message,Traceback,Nodes\r\n".to_owned()),
        page: Some(Page::Packed(vec![0x1f, 0x8b])),
    }
}

fn names(report: &Report) -> Vec<&str> {
    report.files().iter().map(|file| file.name).collect()
}

#[test]
fn the_numbers_for_machines_are_those_of_the_final_tables() {
    let document = document("demo", &heard(), &[], &gathered());
    let json: Value = serde_json::to_value(&document).unwrap();
    let at = |pointer: &str| json.pointer(pointer).cloned().unwrap();
    assert_eq!(at("/test"), "demo");
    assert_eq!(at("/verdict"), "not judged");
    assert_eq!(at("/totals/requests"), 8);
    assert_eq!(at("/totals/fail_ratio"), 0.125);
    assert_eq!(at("/load_seconds"), 2.0);
    assert_eq!(at("/endpoints/0/name"), "/a");
    assert_eq!(at("/endpoints/0/p95_ms"), 20.0);
    assert_eq!(at("/errors/0/error"), "broken, \"pipe\"");
    assert_eq!(at("/workers/expected"), 3);
    assert_eq!(at("/workers/most_connected"), 2);
    assert_eq!(at("/locust_version"), "2.47.0");
}

#[test]
fn what_was_not_read_is_named() {
    let gathered = Gathered {
        exceptions_csv: None,
        page: None,
        ..gathered()
    };
    let report = Report::of(
        &document("demo", &heard(), &[], &gathered),
        gathered,
        MOST_BYTES,
    );
    assert_eq!(
        names(&report),
        ["results.json", "stats.csv", "failures.csv"]
    );
    assert_eq!(
        report.words("ConfigMap demo-results"),
        "ConfigMap demo-results holds results.json, stats.csv, failures.csv; not read from the master: exceptions.csv, report.html"
    );
}

#[test]
fn what_a_config_map_has_no_room_for_is_left_out_and_named() {
    let large = |bytes: usize| "x".repeat(bytes);
    let gathered = Gathered {
        failures_csv: Some(large(MOST_BYTES)),
        page: Some(Page::Packed(vec![0; MOST_BYTES - 8 * 1024])),
        ..gathered()
    };
    let report = Report::of(
        &document("demo", &heard(), &[], &gathered),
        gathered,
        MOST_BYTES,
    );
    let files = [
        "results.json",
        "stats.csv",
        "exceptions.csv",
        "report.html.gz",
    ];
    assert_eq!(names(&report), files);
    let bytes: usize = report.files().iter().map(|file| file.content.len()).sum();
    assert!(bytes <= MOST_BYTES, "{bytes}");
    let words = report.words("it");
    assert!(
        words.ends_with("; beyond its 900 KiB: failures.csv"),
        "{words}"
    );
}
