//! What has to hold however replicas come and go: only who leads writes, and
//! what is there in the end is what one undisturbed operator makes.

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Service;
use kube::Api;
use kube::api::ListParams;
use serde_json::{Value, json};
use testkit::AuditEvent;

use super::pair::{Pair, later, time_of};
use crate::tests_of::until;

/// How long a leader writes after a renewal.
const TERM_SECONDS: f64 = 10.0;
/// From the sending of a write to its arrival, on a busy machine.
const ON_THE_WAY_SECONDS: f64 = 0.5;

/// From the audit log: each write of each replica came within ten seconds of a
/// write of the Lease by the same one, and no other had written it between.
pub(super) fn only_the_leader_writes(pair: &Pair<'_>) -> Result<usize> {
    let mut leases: Vec<(usize, AuditEvent)> = Vec::new();
    let mut writes: Vec<(usize, AuditEvent)> = Vec::new();
    for replica in 0..2 {
        leases.extend(pair.renewals(replica)?.into_iter().map(|it| (replica, it)));
        writes.extend(pair.writes(replica)?.into_iter().map(|it| (replica, it)));
    }
    leases.sort_by(|(_, one), (_, other)| one.timestamp.cmp(&other.timestamp));
    for (replica, write) in &writes {
        let before = leases
            .iter()
            .rev()
            .find(|(_, lease)| lease.timestamp <= write.timestamp);
        let (leader, lease) = before.with_context(|| format!("before any Lease: {write:?}"))?;
        ensure!(
            leader == replica,
            "not the leader: {write:?} after {lease:?}"
        );
        let after = later(time_of(lease)?, time_of(write)?).as_secs_f64();
        ensure!(
            after < TERM_SECONDS + ON_THE_WAY_SECONDS,
            "{after} s after {lease:?}: {write:?}"
        );
    }
    Ok(writes.len())
}

/// From the audit log: each child was created once.
pub(super) fn each_child_was_created_once(pair: &Pair<'_>) -> Result<()> {
    let mut created = Vec::new();
    for replica in 0..2 {
        let writes = pair.writes(replica)?.into_iter();
        created.extend(
            writes
                .filter(|write| write.verb == "create" && write.code == 201)
                .filter(|write| ["jobs", "services"].contains(&&*write.resource))
                .map(|write| (write.resource, write.name)),
        );
    }
    created.sort();
    let all = created.len();
    created.dedup();
    ensure!(created.len() == all, "created twice, of {created:?}");
    Ok(())
}

/// What is there of the test `t`, without what differs from run to run. The
/// test may be over a moment before its worker Job is.
pub(super) async fn end_state(pair: &Pair<'_>) -> Result<Value> {
    let client = &pair.client;
    let namespace = pair.namespace();
    let jobs: Api<Job> = Api::namespaced(client.clone(), namespace);
    let services: Api<Service> = Api::namespaced(client.clone(), namespace);
    let jobs = until("both Jobs to be over", async || {
        let jobs = jobs.list(&ListParams::default()).await?.items;
        Ok(jobs.iter().all(is_complete).then_some(jobs))
    })
    .await?;
    let test = pair.tests.api.get("t").await?;
    let mut state = json!({
        "test": test,
        "jobs": jobs,
        "services": services.list(&ListParams::default()).await?.items,
    });
    mask(&mut state, namespace);
    Ok(state)
}

fn is_complete(job: &Job) -> bool {
    let conditions = job
        .status
        .iter()
        .flat_map(|job| job.conditions.iter().flatten());
    conditions
        .into_iter()
        .any(|one| one.type_ == "Complete" && one.status == "True")
}

fn mask(value: &mut Value, namespace: &str) {
    const OF_A_RUN: [&str; 8] = [
        "resourceVersion",
        "managedFields",
        "clusterIP",
        "clusterIPs",
        // How often it was written depends on who wrote it.
        "generation",
        "observedGeneration",
        "startedAt",
        "uncountedTerminatedPods",
    ];
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !OF_A_RUN.contains(&name.as_str()));
            fields.values_mut().for_each(|value| mask(value, namespace));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| mask(item, namespace)),
        Value::String(text) => {
            let words = text.replace(namespace, "NAMESPACE");
            *text = words
                .split_inclusive(|c: char| !(c.is_ascii_hexdigit() || c == '-'))
                .map(masked)
                .collect();
            if text.parse::<jiff::Timestamp>().is_ok() {
                *text = "TIME".to_owned();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A UUID has 36 characters, and dashes in it.
fn masked(word: &str) -> String {
    let uuid = word.trim_end_matches(|c: char| !c.is_ascii_hexdigit());
    match uuid.len() == 36 && uuid.contains('-') {
        true => word.replace(uuid, "UUID"),
        false => word.to_owned(),
    }
}
