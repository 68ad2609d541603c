//! Go's flag syntax, its words for booleans and durations, its complaints.

use clap::Parser;

use super::*;
use crate::cli::{Cli, Command};

fn normal(given: &[&str]) -> Vec<String> {
    let given = std::iter::once("locust-operator").chain(given.iter().copied());
    arguments(given.map(OsString::from))
        .into_iter()
        .skip(1)
        .map(|argument| argument.into_string().unwrap())
        .collect()
}

fn parse(given: &[&str]) -> Result<crate::cli::run::RunArgs, clap::Error> {
    let given = std::iter::once("locust-operator").chain(given.iter().copied());
    let Command::Run(args) = Cli::try_parse_from(arguments(given.map(OsString::from)))?.command
    else {
        panic!("another command");
    };
    Ok(*args)
}

#[test]
fn one_dash_is_as_good_as_two_and_run_may_be_left_out() {
    let expected = ["run", "--leader-elect", "--zap-devel=true", "-h"];
    assert_eq!(
        normal(&["run", "-leader-elect", "--zap-devel=true", "-h"]),
        expected
    );
    assert_eq!(
        normal(&["-leader-elect", "--zap-devel=true", "-h"]),
        expected
    );
}

#[test]
fn other_subcommands_and_global_flags_are_left_alone() {
    for given in [
        &["local", "-y", "-workers"][..],
        &["--help"],
        &["-help"],
        &["--version"],
        &[],
    ] {
        assert_eq!(normal(given), given);
    }
}

#[test]
fn booleans_need_no_value_and_the_last_flag_counts() {
    let args = parse(&[
        "run",
        "-leader-elect",
        "--metrics-secure=false",
        "-enable-http2=T",
        "--concurrency=1",
        "--concurrency",
        "2",
    ])
    .unwrap();
    assert_eq!(args.leader_elect, "true");
    assert_eq!(args.metrics_secure, "false");
    assert_eq!(args.enable_http2, "T");
    assert_eq!(args.concurrency, "2");
    assert_eq!(args.enable_webhooks, None);
}

/// Go would take `true` for the end of the flags and ignore what follows.
#[test]
fn a_value_after_a_space_is_refused_for_a_boolean() {
    let error = parse(&["run", "--leader-elect", "true", "--zap-devel"]).unwrap_err();
    assert!(
        error.to_string().contains("unexpected argument 'true'"),
        "{error}"
    );
}

#[test]
fn complaints_are_those_of_go() {
    let said = |given: &[&str]| words(&parse(given).unwrap_err());
    assert_eq!(
        said(&["run", "--sync-period=1h"]).unwrap(),
        "flag provided but not defined: -sync-period"
    );
    assert_eq!(
        said(&["run", "-metrics-bind-address"]).unwrap(),
        "flag needs an argument: -metrics-bind-address"
    );
}

#[test]
fn durations_are_those_of_go() {
    let seconds = |text| duration(text).map(|duration| duration.as_secs_f64());
    assert_eq!(seconds("2m"), Some(120.0));
    assert_eq!(seconds("2m0s"), Some(120.0));
    assert_eq!(seconds("1h30m"), Some(5400.0));
    assert_eq!(seconds("1.5s"), Some(1.5));
    assert_eq!(seconds("250ms"), Some(0.25));
    assert_eq!(seconds("-3s"), Some(-3.0));
    assert_eq!(seconds("0"), Some(0.0));
    for bad in ["", "2", "m", "2 m", "two", ".s", "1d", "-"] {
        assert_eq!(seconds(bad), None, "{bad}");
    }
}
