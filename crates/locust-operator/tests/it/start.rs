//! The operator's start, up to where it needs a cluster: what it takes, what it
//! logs and why it ends.

use std::process::{Command, Output};

use anyhow::Result;
use serde_json::Value;

use crate::operator::BINARY;

/// Runs it to where it finds that there is no cluster.
fn start(arguments: &[&str], variables: &[(&str, &str)]) -> Result<Output> {
    Ok(Command::new(BINARY)
        .args(arguments)
        .arg("--kubeconfig=/nowhere/kubeconfig")
        .env_remove("ENABLE_WEBHOOKS")
        .env_remove("POD_NAMESPACE")
        .envs(variables.iter().copied())
        .output()?)
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn the_arguments_of_the_go_operators_chart_start_it() -> Result<()> {
    let chart = [
        "--health-probe-bind-address=:8081",
        "--leader-elect=true",
        "--enable-webhooks=false",
    ];
    let output = start(&chart, &[("POD_NAMESPACE", "n")])?;
    let log = stderr(&output);
    assert!(log.contains("Operator configuration loaded"), "{log}");
    assert!(!log.contains("has no effect"), "{log}");
    assert!(
        log.contains("error: cannot use the kubeconfig /nowhere/kubeconfig"),
        "{log}"
    );
    assert_eq!(output.status.code(), Some(1));
    Ok(())
}

#[test]
fn an_election_needs_to_know_the_namespace_of_its_lease() -> Result<()> {
    let output = start(&["run", "--leader-elect"], &[])?;
    let log = stderr(&output);
    let expected = "error: --leader-elect needs to know the namespace of its Lease, and this is no pod: set POD_NAMESPACE\n";
    assert!(log.ends_with(expected), "{log}");
    assert_eq!(output.status.code(), Some(1));
    Ok(())
}

#[test]
fn logs_are_json_when_asked_for_in_either_spelling() -> Result<()> {
    for asked in ["-zap-encoder=json", "--log-format=json"] {
        let variables = [("JOB_TTL_SECONDS_AFTER_FINISHED", "60")];
        let log = stderr(&start(
            &["run", "-zap-stacktrace-level=error", asked],
            &variables,
        )?);
        let (lines, last) = log.trim_end().rsplit_once('\n').unwrap_or_default();
        assert!(last.starts_with("error: "), "{log}");
        let lines: Vec<Value> = lines
            .lines()
            .map(serde_json::from_str)
            .collect::<Result<_, _>>()?;
        let [warning, loaded, ..] = lines.as_slice() else {
            panic!("{log}");
        };
        assert_eq!(warning.get("level"), Some(&Value::from("WARN")));
        let field = |name| loaded.get(name).cloned().unwrap_or_default();
        assert_eq!(field("level"), "INFO");
        assert_eq!(field("message"), "Operator configuration loaded");
        assert_eq!(field("ttlSecondsAfterFinished"), 60);
        assert_eq!(
            field("metricsExporterImage"),
            "containersol/locust_exporter:v0.5.0"
        );
        assert_eq!(field("affinityInjection"), false);
        assert_eq!(field("tolerationsInjection"), false);
    }
    Ok(())
}

#[test]
fn text_that_is_not_for_a_terminal_has_no_colours() -> Result<()> {
    let log = stderr(&start(&["run", "--zap-encoder=console"], &[])?);
    assert!(log.contains(" INFO "), "{log}");
    assert!(!log.contains('\u{1b}'), "{log:?}");
    Ok(())
}

#[test]
fn levels_and_times_are_those_asked_for() -> Result<()> {
    let quiet = stderr(&start(&["run", "--zap-log-level=error"], &[])?);
    assert!(!quiet.contains("configuration loaded"), "{quiet}");
    let timed = stderr(&start(&["run", "--zap-time-encoding=nanos"], &[])?);
    let time = timed.split_whitespace().next().unwrap_or_default();
    assert!(time.parse::<u128>().is_ok(), "{timed}");
    Ok(())
}

#[test]
fn bad_variables_end_the_start_with_all_of_their_names() -> Result<()> {
    let variables = [
        ("POD_CPU_REQUEST", "garbage"),
        ("METRICS_EXPORTER_MEM_LIMIT", "1gi"),
        ("DEFAULT_RUNTIME_CLASS_NAME", "gVisor"),
    ];
    let output = start(&["run"], &variables)?;
    let expected = "error: invalid operator configuration: resource validation failed:
  - invalid value for POD_CPU_REQUEST: \"garbage\" is not a valid Kubernetes quantity
  - invalid value for METRICS_EXPORTER_MEM_LIMIT: \"1gi\" is not a valid Kubernetes quantity
  - invalid value for DEFAULT_RUNTIME_CLASS_NAME: \"gVisor\" is not a DNS-1123 subdomain
";
    assert_eq!(stderr(&output), expected);
    assert_eq!(output.status.code(), Some(1));
    Ok(())
}

#[test]
fn warnings_begin_as_those_of_the_go_operator() -> Result<()> {
    let variables = [
        ("ENABLE_AFFINITY_CR_INJECTION", "yes"),
        ("ENABLE_WEBHOOKS", "on"),
        ("KAFKA_PASSWORD", "hush-hush"),
    ];
    let log = stderr(&start(&["run"], &variables)?);
    for expected in [
        "WARNING: env var ENABLE_AFFINITY_CR_INJECTION has unparseable boolean value \"yes\", using default false",
        "ENABLE_WEBHOOKS env var is deprecated, use --enable-webhooks=true|false",
        "ignoring ENABLE_WEBHOOKS: not a valid boolean",
        "KAFKA_PASSWORD given as plain text",
    ] {
        assert!(log.contains(expected), "{log}");
    }
    assert!(!log.contains("hush-hush"), "{log}");
    Ok(())
}

#[test]
fn unknown_flags_are_refused_in_the_words_of_go() -> Result<()> {
    let output = start(&["run", "-sync-period=1h"], &[])?;
    let said = stderr(&output);
    assert!(
        said.starts_with("error: flag provided but not defined: -sync-period\n"),
        "{said}"
    );
    assert_eq!(output.status.code(), Some(2));
    Ok(())
}
