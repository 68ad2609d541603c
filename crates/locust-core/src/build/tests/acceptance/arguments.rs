//! Checks of Locust's arguments.

use serde_json::json;

use super::{args, base, built};
use crate::build::command::{Reach, master_args};
use crate::resolve::resolve;
use crate::settings::Settings;

#[test]
fn check_06_every_number_of_workers_is_expected() {
    for replicas in [1, 500] {
        let built = built(&json!({ "spec": { "worker": { "replicas": replicas } } }));
        assert_eq!(super::at(&built.worker, "/spec/parallelism"), replicas);
        let expected = format!("--expect-workers={replicas}");
        assert!(args(&built.master).contains(&expected.as_str()));
    }
}

#[test]
fn check_07_master_args_are_exact() {
    assert_eq!(
        args(&built(&json!({})).master).join(" "),
        "-f /lotest/src/locustfile.py --master --master-port=5557 --expect-workers=3 --autostart --autoquit 60 --enable-rebalancing --only-summary"
    );
}

#[test]
fn check_08_worker_args_are_exact() {
    assert_eq!(
        args(&built(&json!({})).worker).join(" "),
        "-f /lotest/src/locustfile.py --worker --master-port=5557 --master-host=t-master"
    );
}

#[test]
fn check_09_a_command_is_split_on_white_space() {
    let command = "  -f\n/lotest/src/locustfile.py \t --users   5\n";
    let spaced = built(&json!({ "spec": { "master": { "command": command } } }));
    assert_eq!(
        args(&spaced.master).get(..4).unwrap(),
        ["-f", "/lotest/src/locustfile.py", "--users", "5"]
    );
}

#[test]
fn check_10_neither_autostart_nor_autoquit() {
    let patch = json!({ "autostart": false, "autoquit": { "enabled": false } });
    let built = built(&json!({ "spec": { "master": patch } }));
    let args = args(&built.master).join(" ");
    assert!(!args.contains("--auto"), "{args}");
}

/// Deviation: `autostart: false` alone leaves out `--autoquit`, which Locust
/// refuses without `--autostart`.
#[test]
fn check_10_autoquit_needs_autostart_or_to_be_asked_for() {
    let alone = built(&json!({ "spec": { "master": { "autostart": false } } }));
    assert!(!args(&alone.master).contains(&"--autoquit"));
    let patch = json!({ "autostart": false, "autoquit": { "enabled": true, "timeout": 5 } });
    let asked = built(&json!({ "spec": { "master": patch } }));
    assert!(args(&asked.master).join(" ").contains("--autoquit 5"));
}

#[test]
fn check_11_the_time_of_autoquit_is_the_tests() {
    let patch = json!({ "autoquit": { "enabled": true, "timeout": 120 } });
    let built = built(&json!({ "spec": { "master": patch } }));
    let args = args(&built.master);
    assert!(args.windows(2).any(|pair| pair == ["--autoquit", "120"]));
    assert!(!args.contains(&"60"));
}

#[test]
fn check_12_extra_args_come_last() {
    let extra = ["--csv=results", "--users=100"];
    let built = built(&json!({ "spec": { "master": { "extraArgs": extra } } }));
    let args = args(&built.master);
    let [.., before, csv, users] = args.as_slice() else {
        panic!("{args:?}");
    };
    assert_eq!(
        [*before, *csv, *users],
        ["--only-summary", extra[0], extra[1]]
    );
}

#[test]
fn check_13_a_users_flag_comes_after_the_operators() {
    let patch = json!({ "extraArgs": ["--master-port=9999"] });
    let test = base(&json!({ "spec": { "master": patch } }));
    let args = master_args(&resolve(&test, &Settings::default()), Reach::Service);
    let of = |value: &str| args.iter().position(|arg| arg == value).unwrap();
    assert!(of("--master-port=5557") < of("--master-port=9999"));
}

#[test]
fn check_14_opentelemetry_takes_the_exporters_place() {
    let telemetry = json!({ "enabled": true, "endpoint": "http://c:4317" });
    let patch = json!({ "spec": { "observability": { "openTelemetry": telemetry } } });
    let built = built(&patch);
    for (job, flag) in [(&built.master, "--master"), (&built.worker, "--worker")] {
        let args = args(job);
        assert!(
            args.windows(2).any(|pair| pair == ["--otel", flag]),
            "{args:?}"
        );
        let variable = |name: &str| {
            let env = super::locust(job, "/env").as_array().unwrap();
            let found = env
                .iter()
                .find(|variable| super::at(variable, "/name") == name);
            found.map(|variable| super::at(variable, "/value").clone())
        };
        assert_eq!(variable("OTEL_TRACES_EXPORTER"), Some(json!("otlp")));
        assert_eq!(variable("OTEL_METRICS_EXPORTER"), Some(json!("otlp")));
        assert_eq!(
            variable("OTEL_EXPORTER_OTLP_ENDPOINT"),
            Some(json!("http://c:4317"))
        );
        assert_eq!(variable("OTEL_EXPORTER_OTLP_PROTOCOL"), Some(json!("grpc")));
        assert_eq!(variable("OTEL_EXPORTER_OTLP_INSECURE"), None);
    }
    assert!(super::pod(&built.master, "/initContainers").is_null());
    assert!(super::at(&built.master, "/spec/template/metadata/annotations").is_null());
    let ports = super::names(super::at(&built.service, "/spec/ports"));
    assert_eq!(ports, ["port5557", "port5558", "web"]);
}

#[test]
fn check_15_opentelemetrys_further_variables_are_sorted() {
    let telemetry = json!({
        "enabled": true,
        "endpoint": "http://c:4317",
        "insecure": true,
        "extraEnvVars": { "B": "2", "A": "1" },
    });
    let patch = json!({ "spec": { "observability": { "openTelemetry": telemetry } } });
    let built = built(&patch);
    let names = super::names(super::locust(&built.worker, "/env"));
    let end = names.len().checked_sub(3).unwrap();
    assert_eq!(
        names.get(end..).unwrap(),
        ["OTEL_EXPORTER_OTLP_INSECURE", "A", "B"]
    );
}

#[test]
fn check_16_without_opentelemetry_the_exporter_is_there() {
    let off = json!({ "openTelemetry": { "enabled": false } });
    for observability in [off, json!(null)] {
        let built = built(&json!({ "spec": { "observability": observability } }));
        let exporter = super::names(super::pod(&built.master, "/initContainers"));
        assert_eq!(exporter, ["locust-metrics-exporter"]);
        let ports = super::names(super::at(&built.service, "/spec/ports"));
        assert!(ports.contains(&"prometheus-metrics"));
    }
}
