//! `locust-operator convert`, on files and on standard input.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::operator::BINARY;

const SAMPLE: &str = include_str!("../../../../config/samples/locust_v2_locusttest.yaml");

/// Converts standard input.
fn convert(yaml: &str, to: &str) -> Result<Output> {
    let mut process = Command::new(BINARY)
        .args(["convert", "-", "--to", to])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut stdin = process.stdin.take().context("its input")?;
    stdin.write_all(yaml.as_bytes())?;
    drop(stdin);
    Ok(process.wait_with_output()?)
}

fn converted(yaml: &str, to: &str) -> Result<String> {
    let output = convert(yaml, to)?;
    let said = String::from_utf8(output.stderr)?;
    anyhow::ensure!(output.status.success() && said.is_empty(), "{said}");
    Ok(String::from_utf8(output.stdout)?)
}

fn documents(yaml: &str) -> Result<Vec<Value>> {
    Ok(serde_saphyr::from_multiple(yaml)?)
}

#[test]
fn the_sample_comes_back_from_v1_with_every_field() -> Result<()> {
    let old = converted(SAMPLE, "v1")?;
    let [view] = documents(&old)?
        .try_into()
        .map_err(|_| anyhow::anyhow!("{old}"))?;
    assert_eq!(view["apiVersion"], "locust.io/v1");
    assert_eq!(
        view["spec"]["workerReplicas"],
        documents(SAMPLE)?[0]["spec"]["worker"]["replicas"]
    );
    assert_eq!(documents(&converted(&old, "v2")?)?, documents(SAMPLE)?);
    Ok(())
}

#[test]
fn lists_and_other_objects_are_kept() -> Result<()> {
    let yaml = "\
apiVersion: v1
kind: ConfigMap
metadata: { name: c }
---
apiVersion: v1
kind: List
items:
  - apiVersion: locust.io/v1
    kind: LocustTest
    metadata: { name: listed }
    spec: { image: i, masterCommandSeed: m, workerCommandSeed: w }
";
    let documents = documents(&converted(yaml, "v2")?)?;
    assert_eq!(documents[0]["kind"], "ConfigMap");
    let listed = &documents[1]["items"][0];
    assert_eq!(listed["apiVersion"], "locust.io/v2");
    assert_eq!(listed["spec"]["worker"]["replicas"], 1);
    Ok(())
}

#[test]
fn what_is_wrong_is_told_by_file_line_and_field() -> Result<()> {
    let yaml = "apiVersion: locust.io/v1\nkind: LocustTest\nmetadata:\n  name: t\nspec:\n  image: i\n  masterCommandSeed: m\n  workerReplicas: 0\n";
    let output = convert(yaml, "v2")?;
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stdout, b"");
    assert_eq!(
        String::from_utf8(output.stderr)?,
        "error: standard input:5: spec.workerCommandSeed: Required value
error: standard input:8: spec.workerReplicas: Invalid value: 0: spec.workerReplicas in body should be greater than or equal to 1
"
    );
    Ok(())
}
