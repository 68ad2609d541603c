//! What the operator says of itself.

use std::collections::BTreeMap;
use std::time::Duration;

use locust_api::latest::Phase;

use super::super::*;

fn snapshot(work: &Work) -> Snapshot<'_> {
    Snapshot {
        work,
        version: "1.2.3",
        at_a_time: 16,
        leads: Some(("lease", true)),
        tests: None,
        used: Used {
            cpu_seconds: 1.5,
            resident_bytes: 4096,
            started: 99.25,
        },
    }
}

fn lines(snapshot: &Snapshot<'_>) -> Vec<String> {
    let text = written(&snapshot.families());
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(str::to_owned).collect()
}

fn has(snapshot: &Snapshot<'_>, line: &str) -> bool {
    lines(snapshot).iter().any(|found| found == line)
}

#[test]
fn looks_are_counted_by_their_end_and_their_time() {
    let mut work = Work::default();
    for (outcome, milliseconds) in [
        (Outcome::Success, 5),
        (Outcome::RequeueAfter, 6),
        (Outcome::RequeueAfter, 95),
        (Outcome::Error, 61_000),
        (Outcome::Panic, 100),
    ] {
        work.begins();
        work.ended(outcome, Duration::from_millis(milliseconds));
    }
    work.begins();
    let snapshot = snapshot(&work);
    for line in [
        r#"controller_runtime_reconcile_total{controller="locusttest",result="success"} 1"#,
        r#"controller_runtime_reconcile_total{controller="locusttest",result="requeue_after"} 2"#,
        r#"controller_runtime_reconcile_total{controller="locusttest",result="error"} 2"#,
        r#"controller_runtime_reconcile_errors_total{controller="locusttest"} 2"#,
        r#"controller_runtime_reconcile_panics_total{controller="locusttest"} 1"#,
        r#"controller_runtime_reconcile_time_seconds_bucket{controller="locusttest",le="0.005"} 1"#,
        r#"controller_runtime_reconcile_time_seconds_bucket{controller="locusttest",le="0.05"} 2"#,
        r#"controller_runtime_reconcile_time_seconds_bucket{controller="locusttest",le="0.1"} 4"#,
        r#"controller_runtime_reconcile_time_seconds_bucket{controller="locusttest",le="60"} 4"#,
        r#"controller_runtime_reconcile_time_seconds_bucket{controller="locusttest",le="+Inf"} 5"#,
        r#"controller_runtime_reconcile_time_seconds_count{controller="locusttest"} 5"#,
        r#"controller_runtime_active_workers{controller="locusttest"} 1"#,
        r#"controller_runtime_max_concurrent_reconciles{controller="locusttest"} 16"#,
    ] {
        assert!(has(&snapshot, line), "{line}: {:#?}", lines(&snapshot));
    }
    let sum = "controller_runtime_reconcile_time_seconds_sum";
    let sums = lines(&snapshot);
    let sum = sums.iter().find(|line| line.starts_with(sum)).unwrap();
    let (_, sum) = sum.rsplit_once(' ').unwrap();
    assert!((sum.parse::<f64>().unwrap() - 61.206).abs() < 1e-6, "{sum}");
}

#[test]
fn calls_are_counted_by_method_and_answer() {
    let mut work = Work::default();
    for code in ["200", "200", "<error>"] {
        work.called("PATCH", code);
    }
    let snapshot = snapshot(&work);
    let line = r#"rest_client_requests_total{code="200",method="PATCH"} 2"#;
    assert!(has(&snapshot, line));
    let line = r#"rest_client_requests_total{code="<error>",method="PATCH"} 1"#;
    assert!(has(&snapshot, line));
}

#[test]
fn every_phase_is_told_of_by_the_replica_that_works_and_none_by_another() {
    let work = Work::default();
    let tests = BTreeMap::from([(Phase::Running, 3)]);
    let mut snapshot = snapshot(&work);
    snapshot.tests = Some(&tests);
    for line in [
        r#"leader_election_master_status{name="lease"} 1"#,
        r#"locust_operator_tests{phase="Pending"} 0"#,
        r#"locust_operator_tests{phase="Running"} 3"#,
        r#"locust_operator_tests{phase="Succeeded"} 0"#,
        r#"locust_operator_tests{phase="Failed"} 0"#,
        r#"locust_operator_build_info{version="1.2.3"} 1"#,
        "process_cpu_seconds_total 1.5",
        "process_resident_memory_bytes 4096",
        "process_start_time_seconds 99.25",
    ] {
        assert!(has(&snapshot, line), "{line}");
    }
    snapshot.leads = None;
    snapshot.tests = None;
    let others = lines(&snapshot);
    let is_told = |line: &&String| line.contains("_tests") || line.contains("leader_");
    assert_eq!(others.iter().find(is_told), None);
}
