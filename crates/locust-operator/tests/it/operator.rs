//! The operator as a process of a test.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};
use testkit::Cluster;

use crate::tests_of::until;

/// The built binary.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_locust-operator");

/// A running operator; it is killed when this is dropped.
pub(crate) struct Operator {
    process: Child,
    log: PathBuf,
}

impl Operator {
    /// Starts an operator for one namespace with the rights of `kubeconfig`.
    pub(crate) fn start(cluster: &Cluster, kubeconfig: &Path, namespace: &str) -> Result<Self> {
        Self::start_also_with(cluster, kubeconfig, namespace, &[])
    }

    /// The same with further arguments.
    pub(crate) fn start_also_with(
        cluster: &Cluster,
        kubeconfig: &Path,
        namespace: &str,
        further: &[&str],
    ) -> Result<Self> {
        let own = [
            "--watch-namespaces",
            namespace,
            "--health-probe-bind-address",
            "0",
        ];
        let arguments = [&own[..], further].concat();
        // Several tests share a node of two cores.
        let frugal = ["POD_CPU_REQUEST", "METRICS_EXPORTER_CPU_REQUEST"]
            .map(|name| (name.to_owned(), "10m".to_owned()));
        let pull = (
            "METRICS_EXPORTER_IMAGE_PULL_POLICY".to_owned(),
            "IfNotPresent".to_owned(),
        );
        let variables = frugal.into_iter().chain([pull]).collect();
        Self::spawn(cluster, kubeconfig, &arguments, &variables)
    }

    /// Starts an operator for the whole cluster with these variables.
    pub(crate) fn start_in(
        cluster: &Cluster,
        kubeconfig: &Path,
        variables: &BTreeMap<String, String>,
    ) -> Result<Self> {
        let arguments = ["--health-probe-bind-address", "0"];
        Self::spawn(cluster, kubeconfig, &arguments, variables)
    }

    /// Starts an operator for these namespaces with these variables.
    pub(crate) fn start_for(
        cluster: &Cluster,
        kubeconfig: &Path,
        namespaces: &[&str],
        variables: &BTreeMap<String, String>,
    ) -> Result<Self> {
        let namespaces = namespaces.join(",");
        let arguments = [
            "--watch-namespaces",
            &namespaces,
            "--health-probe-bind-address",
            "0",
        ];
        Self::spawn(cluster, kubeconfig, &arguments, variables)
    }

    /// Starts an operator with these arguments.
    pub(crate) fn start_with(
        cluster: &Cluster,
        kubeconfig: &Path,
        arguments: &[&str],
    ) -> Result<Self> {
        Self::spawn(cluster, kubeconfig, arguments, &BTreeMap::new())
    }

    /// Starts an operator with these arguments and variables.
    pub(crate) fn spawn(
        cluster: &Cluster,
        kubeconfig: &Path,
        arguments: &[&str],
        variables: &BTreeMap<String, String>,
    ) -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let log = std::env::temp_dir().join(format!(
            "locust-operator-{}-{}.log",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        ));
        let process = cluster
            .network_command(BINARY)
            .args(["run", "--log-level=info,locust_operator=debug"])
            .args(arguments)
            .arg("--kubeconfig")
            .arg(kubeconfig)
            .envs(variables)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .spawn()
            .context("start the operator")?;
        Ok(Self { process, log })
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Asks it to end, and waits until it has. Returns its exit code.
    pub(crate) async fn terminate(&mut self) -> Result<Option<i32>> {
        self.signal(nix::sys::signal::Signal::SIGTERM)?;
        until("the operator to end", async || {
            Ok(self.process.try_wait()?)
        })
        .await
        .map(|status| status.code())
    }

    /// Its exit code, if it has ended by itself.
    pub(crate) fn ended(&mut self) -> Result<Option<i32>> {
        Ok(self.process.try_wait()?.and_then(|status| status.code()))
    }

    /// How much of it is in memory, in kB.
    pub(crate) fn resident_kb(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().next());
        Ok(number.context("VmRSS")?.parse()?)
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: nix::sys::signal::Signal) -> Result<()> {
        let pid = nix::unistd::Pid::from_raw(self.process.id().try_into()?);
        Ok(nix::sys::signal::kill(pid, signal)?)
    }

    /// Ends it at once, as a crash would.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        let _ = self.kill();
        if std::thread::panicking() {
            eprintln!("--- log of the operator ---\n{}", self.log());
        }
        let _ = std::fs::remove_file(&self.log);
    }
}
