//! What flags and variables mean, and what is said about them.

use clap::Parser;

use super::*;
use crate::cli::{Cli, Command};
use crate::metrics::{Options, Security};
use crate::server::{Files, Protocols, Use};
use crate::telemetry::{LogFormat, TimeEncoding};
use crate::webhook::Served;

fn checked_with(flags: &[&str], variables: &[(&str, &str)]) -> Result<Checked, Refusal> {
    let given = ["locust-operator", "run"].iter().chain(flags);
    let Command::Run(args) = Cli::try_parse_from(given).unwrap().command else {
        panic!("another command");
    };
    let variables = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    check(*args, &variables)
}

fn checked(flags: &[&str]) -> Checked {
    checked_with(flags, &[]).unwrap()
}

fn refused(flags: &[&str]) -> Vec<String> {
    checked_with(flags, &[]).unwrap_err().messages
}

fn warnings(flags: &[&str]) -> Vec<String> {
    let notices = checked(flags).notices.into_iter();
    notices
        .map(|notice| match notice {
            Notice::Warning(line) => line,
            Notice::DeprecatedVariable | Notice::IgnoredVariable(_) => "ENABLE_WEBHOOKS".to_owned(),
        })
        .collect()
}

fn namespaces(names: &[&str]) -> Vec<Scope> {
    let names = names.iter().map(|name| (*name).to_owned());
    names.map(Scope::Namespace).collect()
}

#[test]
fn without_flags_everything_is_as_the_go_operator_has_it() {
    let expected = Checked {
        logs: Logs {
            format: LogFormat::Text,
            filter: "info".to_owned(),
            time: TimeEncoding::Micros,
        },
        kubeconfig: None,
        scopes: vec![Scope::Cluster],
        health_address: Some("[::]:8081".parse().unwrap()),
        metrics: None,
        concurrency: 16,
        leader_elect: false,
        settings: Settings::default(),
        webhooks: Webhooks {
            served: Some(Served::Conversion),
            port: 9443,
            protocols: Protocols::Http1,
            files: None,
            configuration: "locust-k8s-operator-validating-webhook-configuration".to_owned(),
            namespace: None,
        },
        notices: Vec::new(),
    };
    assert_eq!(checked(&[]), expected);
}

#[test]
fn our_own_flags_reach_the_options() {
    let checked = checked(&[
        "--kubeconfig=/k",
        "--watch-namespaces=a, b,,a",
        "--watch-namespaces",
        "c",
        "--concurrency=3",
        "--leader-elect",
        "--pod-grace=1m30s",
        "--pod-defaults=hardened",
        "--health-probe-bind-address=localhost:99",
        "--log-format=json",
        "--log-level=info,kube=debug",
    ]);
    assert_eq!(checked.kubeconfig, Some("/k".into()));
    assert_eq!(checked.scopes, namespaces(&["a", "b", "c"]));
    assert_eq!(checked.concurrency, 3);
    assert!(checked.leader_elect);
    assert_eq!(checked.settings.pod_grace, Duration::from_secs(90));
    assert_eq!(checked.settings.pod_defaults, PodDefaults::Hardened);
    assert_eq!(checked.health_address, "127.0.0.1:99".parse().ok());
    assert_eq!(checked.logs.format, LogFormat::Json);
    assert_eq!(checked.logs.filter, "info,kube=debug");
}

#[test]
fn an_empty_list_of_namespaces_means_all() {
    assert_eq!(checked(&["--watch-namespaces="]).scopes, [Scope::Cluster]);
}

#[test]
fn probe_addresses_are_those_of_go() {
    let address =
        |value: &str| checked(&[&format!("--health-probe-bind-address={value}")]).health_address;
    assert_eq!(address("0"), None);
    assert_eq!(address(""), None);
    assert_eq!(address("127.0.0.1:1"), "127.0.0.1:1".parse().ok());
    assert_eq!(address("[::1]:1"), "[::1]:1".parse().ok());
}

#[test]
fn logs_are_chosen_as_controller_runtime_spells_it() {
    let logs = |flags: &[&str]| {
        let logs = checked(flags).logs;
        (logs.format, logs.filter)
    };
    let is = |format, filter: &str| (format, filter.to_owned());
    assert_eq!(logs(&["--zap-encoder=json"]), is(LogFormat::Json, "info"));
    assert_eq!(
        logs(&["--zap-encoder=console"]),
        is(LogFormat::Text, "info")
    );
    assert_eq!(logs(&["--zap-devel"]), is(LogFormat::Text, "debug"));
    let levels = [
        ("debug", "debug"),
        ("INFO", "info"),
        ("error", "error"),
        ("panic", "error"),
        ("1", "debug"),
        ("2", "trace"),
        ("127", "trace"),
    ];
    for (zap, filter) in levels {
        let flag = format!("--zap-log-level={zap}");
        assert_eq!(logs(&["--zap-devel", &flag]), is(LogFormat::Text, filter));
    }
    let time = |value: &str| {
        checked(&[&format!("--zap-time-encoding={value}")])
            .logs
            .time
    };
    assert_eq!(time("millis"), TimeEncoding::Millis);
    assert_eq!(time("ISO8601"), TimeEncoding::Iso8601);
}

#[test]
fn our_own_names_for_logs_win() {
    let logs = checked(&[
        "--zap-encoder=json",
        "--log-format=text",
        "--log-level=warn",
        "--zap-log-level=debug",
    ])
    .logs;
    assert_eq!(logs.format, LogFormat::Text);
    assert_eq!(logs.filter, "warn");
}

#[test]
fn the_flags_of_the_go_operators_deployment_are_taken_without_a_word() {
    let chart = [
        "--health-probe-bind-address=:8081",
        "--leader-elect=false",
        "--enable-webhooks=false",
        "--metrics-bind-address=0",
        "--webhook-cert-wait-timeout=120s",
        "--enable-http2=false",
    ];
    assert_eq!(checked(&chart), checked(&[]));
}

#[test]
fn each_flag_without_an_effect_is_said_to_have_none() {
    assert_eq!(
        warnings(&["--zap-stacktrace-level=error"]),
        ["--zap-stacktrace-level=error has no effect: log lines carry causes, not stack traces"]
    );
}

#[test]
fn what_is_said_about_metrics_is_handed_on() {
    let metrics = |flags: &[&str]| checked(flags).metrics;
    let security = |flags: &[&str]| {
        let address = ["--metrics-bind-address=:8443"];
        metrics(&[&address[..], flags].concat()).unwrap().security
    };
    let all = Options {
        address: "[::]:8443".parse().unwrap(),
        protocols: Protocols::Http1AndHttp2,
        security: Security::Files(Files {
            of: Use::Metrics,
            certificate: "/m/m.crt".into(),
            key: "/m/m.key".into(),
            wait: None,
        }),
    };
    let files = [
        "--metrics-bind-address=:8443",
        "--metrics-cert-path=/m",
        "--metrics-cert-name=m.crt",
        "--metrics-cert-key=m.key",
        "--enable-http2",
    ];
    assert_eq!(metrics(&files), Some(all));
    assert_eq!(metrics(&["--metrics-cert-path=/m"]), None);
    assert_eq!(metrics(&["--metrics-bind-address=0"]), None);
    assert_eq!(security(&[]), Security::OwnCertificate);
    assert_eq!(security(&["--metrics-secure=0"]), Security::Open);
    let open = security(&["--metrics-secure=false", "--metrics-cert-path=/m"]);
    assert_eq!(open, Security::Open);
    assert_eq!(
        refused(&["--metrics-bind-address=8443"]),
        ["invalid value \"8443\" for flag -metrics-bind-address: give HOST:PORT, :PORT or 0"]
    );
}

#[test]
fn check_54_the_flag_for_webhooks_wins_over_the_deprecated_variable() {
    let notices = |flags: &[&str], value| {
        let checked = checked_with(flags, &[("ENABLE_WEBHOOKS", value)]).unwrap();
        let count = |wanted: &Notice| checked.notices.iter().filter(|is| *is == wanted).count();
        let ignored = count(&Notice::IgnoredVariable(value.to_owned()));
        let is_on = checked.webhooks.is_validation_on();
        assert_eq!(is_on, checked.settings.admission == Admission::Upstream);
        (count(&Notice::DeprecatedVariable), ignored, is_on)
    };
    assert_eq!(notices(&[], ""), (0, 0, false));
    assert_eq!(notices(&[], "T"), (1, 0, true));
    assert_eq!(notices(&[], "0"), (1, 0, false));
    for value in ["yes", "no", "on", "True "] {
        assert_eq!(notices(&[], value), (1, 1, false), "{value}");
        assert_eq!(
            notices(&["--enable-webhooks"], value),
            (1, 0, true),
            "{value}"
        );
    }
    assert_eq!(notices(&["--enable-webhooks=false"], "true"), (1, 0, false));
}

#[test]
fn what_is_said_about_webhooks_is_handed_on() {
    let webhooks = |flags: &[&str]| checked(flags).webhooks;
    let all = webhooks(&[
        "--enable-webhooks",
        "--enable-conversion=false",
        "--enable-http2",
        "--webhook-port=443",
        "--webhook-cert-path=/w",
        "--webhook-cert-name=w.crt",
        "--webhook-cert-key=w.key",
        "--webhook-cert-wait-timeout=90s",
        "--webhook-configuration=c",
    ]);
    let files = Files {
        of: Use::Webhook,
        certificate: "/w/w.crt".into(),
        key: "/w/w.key".into(),
        wait: Some(Duration::from_secs(90)),
    };
    let expected = Webhooks {
        served: Some(Served::Validation),
        port: 443,
        protocols: Protocols::Http1AndHttp2,
        files: Some(files.clone()),
        configuration: "c".to_owned(),
        namespace: None,
    };
    assert_eq!(all, expected);
    assert_eq!(webhooks(&["--enable-conversion=false"]).served, None);
    assert_eq!(webhooks(&["--enable-webhooks"]).served, Some(Served::Both));
    let for_ever = webhooks(&["--webhook-cert-path=/w", "--webhook-cert-wait-timeout=0"]);
    assert_eq!(for_ever.files.unwrap().wait, None);
    let default = webhooks(&["--webhook-cert-path=/w"]).files.unwrap();
    assert_eq!(default.wait, Some(Duration::from_secs(120)));
    let told = checked_with(&[], &[("POD_NAMESPACE", "ns")]).unwrap();
    assert_eq!(told.webhooks.namespace.as_deref(), Some("ns"));
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let flags = [
        "--concurrency=0",
        "--pod-grace=-1m",
        "--pod-defaults=hard",
        "--watch-namespaces=ok,Not_Ok",
        "--health-probe-bind-address=8081",
        "--leader-elect=maybe",
        "--webhook-port=0",
        "--webhook-cert-wait-timeout=soon",
        "--log-format=xml",
        "--log-level=verbose",
        "--zap-encoder=xml",
        "--zap-log-level=0",
        "--zap-stacktrace-level=warn",
        "--zap-time-encoding=unix",
    ];
    let refusal = checked_with(&flags, &[("POD_CPU_REQUEST", "garbage")]).unwrap_err();
    assert_eq!(refusal.exit_code, 2);
    let mut messages = refusal.messages;
    messages.sort();
    assert_eq!(
        messages,
        [
            "invalid boolean value \"maybe\" for -leader-elect: parse error",
            "invalid operator configuration: resource validation failed:\n  - invalid value for POD_CPU_REQUEST: \"garbage\" is not a valid Kubernetes quantity",
            "invalid value \"-1m\" for flag -pod-grace: give a duration such as 90s or 2m",
            "invalid value \"0\" for flag -concurrency: give a number from 1 to 65535",
            "invalid value \"0\" for flag -webhook-port: give a port from 1 to 65535",
            "invalid value \"0\" for flag -zap-log-level: invalid log level \"0\"",
            "invalid value \"8081\" for flag -health-probe-bind-address: give HOST:PORT, :PORT or 0",
            "invalid value \"Not_Ok\" for flag -watch-namespaces: that is not the name of a namespace",
            "invalid value \"hard\" for flag -pod-defaults: give upstream or hardened",
            "invalid value \"soon\" for flag -webhook-cert-wait-timeout: parse error",
            "invalid value \"unix\" for flag -zap-time-encoding: invalid time-encoding value \"unix\"",
            "invalid value \"verbose\" for flag -log-level: give one of off, error, warn, info, debug, trace",
            "invalid value \"warn\" for flag -zap-stacktrace-level: invalid stacktrace level \"warn\"",
            "invalid value \"xml\" for flag -log-format: give text or json",
            "invalid value \"xml\" for flag -zap-encoder: invalid encoder value \"xml\"",
        ]
    );
}

#[test]
fn bad_variables_alone_end_the_start_with_code_1() {
    let refusal = checked_with(&[], &[("POD_CPU_REQUEST", "garbage")]).unwrap_err();
    assert_eq!(refusal.exit_code, 1);
    assert_eq!(refusal.messages.len(), 1);
    assert_eq!(refused(&["--concurrency=x"]).len(), 1);
}
