//! Two replicas with a namespace of their own, each behind a proxy of its own
//! and known to the audit log by a name of its own.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::coordination::v1::Lease;
use kube::{Api, Client};
use testkit::{AuditEvent, ControlPlane, FaultProxy, Namespace};
use tokio::time::Instant;

use super::super::install_crd;
use crate::operator::Operator;
use crate::tests_of::{Tests, until};

/// Its name is that of the Go operator's.
pub(super) const LEASE: &str = "locust-k8s-operator.locust.io";

/// What a replica logs when it begins to work.
const WORKS: &str = "watching LocustTests";

pub(super) struct Pair<'a> {
    pub(super) control_plane: &'a ControlPlane,
    pub(super) client: Client,
    namespace: Namespace,
    pub(super) tests: Tests,
    pub(super) leases: Api<Lease>,
    pub(super) proxies: [FaultProxy; 2],
    /// Names of the replicas.
    pub(super) users: [String; 2],
}

/// The control plane of a test's pairs, with the CRD in place.
pub(super) async fn control_plane() -> Result<ControlPlane> {
    let control_plane = ControlPlane::shared().await?;
    install_crd(&control_plane.client().await?).await?;
    Ok(control_plane)
}

impl<'a> Pair<'a> {
    pub(super) async fn new(control_plane: &'a ControlPlane, prefix: &str) -> Result<Self> {
        let client = control_plane.client().await?;
        let guard = control_plane.namespace(prefix).await?;
        let namespace = guard.name();
        let users = ["a", "b"].map(|replica| format!("{namespace}-{replica}"));
        let [a, b] = [&users[0], &users[1]]
            .map(|user| control_plane.user_kubeconfig(user, Some("system:masters")));
        Ok(Self {
            tests: Tests::new(client.clone(), namespace),
            leases: Api::namespaced(client.clone(), namespace),
            proxies: [
                FaultProxy::start(control_plane, &a?).await?,
                FaultProxy::start(control_plane, &b?).await?,
            ],
            users,
            control_plane,
            client,
            namespace: guard,
        })
    }

    pub(super) fn namespace(&self) -> &str {
        self.namespace.name()
    }

    /// Starts one of the replicas.
    pub(super) fn start(&self, replica: usize) -> Result<Operator> {
        self.start_with(replica, "0")
    }

    pub(super) fn start_with(&self, replica: usize, probes: &str) -> Result<Operator> {
        let arguments = [
            "--leader-elect",
            "--enable-conversion=false",
            "--watch-namespaces",
            self.namespace(),
            "--health-probe-bind-address",
            probes,
        ];
        let variables = [
            ("POD_NAMESPACE", self.namespace()),
            ("POD_NAME", &self.users[replica]),
        ];
        let variables: BTreeMap<String, String> = variables
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let kubeconfig = self.proxies[replica].kubeconfig();
        Operator::spawn(self.control_plane, kubeconfig, &arguments, &variables)
    }

    /// Starts a leader and a standby, in this order.
    pub(super) async fn start_both(&self) -> Result<[Operator; 2]> {
        let leader = self.start(0)?;
        works(&leader).await?;
        let standby = self.start(1)?;
        until("the standby to see who leads", async || {
            let sees = standby.log().contains("the lease is held");
            Ok(sees.then_some(()))
        })
        .await?;
        Ok([leader, standby])
    }

    /// The name of the replica that holds the Lease.
    pub(super) async fn holder(&self) -> Result<Option<String>> {
        let lease = self.leases.get_opt(LEASE).await?;
        let holder = lease.and_then(|lease| lease.spec?.holder_identity);
        Ok(holder.and_then(|holder| Some(holder.rsplit_once('_')?.0.to_owned())))
    }

    /// What a replica wrote, apart from the Lease and what events say of it.
    pub(super) fn writes(&self, replica: usize) -> Result<Vec<AuditEvent>> {
        let mut log = self.control_plane.audit_log()?;
        log.retain(|event| event.user == self.users[replica] && !about_the_lease(event));
        Ok(log)
    }

    /// The successful writes of the Lease, by a replica.
    pub(super) fn renewals(&self, replica: usize) -> Result<Vec<AuditEvent>> {
        let mut log = self.control_plane.audit_log()?;
        log.retain(|event| {
            event.user == self.users[replica] && event.resource == "leases" && event.code < 300
        });
        Ok(log)
    }
}

/// Names of events begin with that of what they are about, where the API
/// server is told the name.
fn about_the_lease(event: &AuditEvent) -> bool {
    event.resource == "leases" || event.resource == "events" && event.name.starts_with(LEASE)
}

/// Waits until a replica works. Returns when that was seen.
pub(super) async fn works(replica: &Operator) -> Result<Instant> {
    until("the replica to work", async || {
        Ok(replica.log().contains(WORKS).then_some(Instant::now()))
    })
    .await
}

/// Waits until a replica has ended by itself because it lost its leadership.
pub(super) async fn ends(replica: &mut Operator) -> Result<Instant> {
    let ended = until("the replica to end", async || {
        let ended = replica.ended()?;
        Ok(ended.map(|code| (code, Instant::now())))
    });
    let (code, at) = ended.await?;
    let log = replica.log();
    let last = log.lines().last().unwrap_or_default();
    ensure!(code == 1, "ended with {code}: {last}");
    let told = log.lines().filter(|line| line.starts_with("error: "));
    let told: Vec<&str> = told.collect();
    let is_lost = |line: &&str| line.starts_with("error: leader election lost: Lease ");
    ensure!(told.len() == 1 && told.iter().all(is_lost), "{told:?}");
    Ok(at)
}

/// When a request came in.
pub(super) fn time_of(event: &AuditEvent) -> Result<jiff::Timestamp> {
    event.timestamp.parse().context("a time of the audit log")
}

/// How much later something was; nothing if it was before.
pub(super) fn later(than: jiff::Timestamp, it: jiff::Timestamp) -> Duration {
    Duration::try_from(it.duration_since(than)).unwrap_or_default()
}
