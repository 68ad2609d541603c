//! A Kubernetes control plane without a node: etcd, API server, controller
//! manager and, if asked for, the scheduler. For every test that needs a real
//! API server and no running container.

use std::ops::Deref;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Api;

use crate::certs::Pki;
use crate::cluster::Cluster;
use crate::kube::KubeBinaries;
use crate::sandbox::{Purpose, Sandbox};
use crate::seed::{self, ETCD_DATA};
use crate::{audit, host, kube as programs};

/// Holds the state directory of the control plane that a test run shares.
pub const SHARED_VARIABLE: &str = "TESTKIT_CONTROL_PLANE";

/// What may vary.
#[derive(Debug, Clone)]
pub struct Options {
    /// Run the scheduler too.
    pub scheduler: bool,
    /// Which of the controller manager's controllers run.
    pub controllers: Vec<&'static str>,
    /// Further arguments of the API server.
    pub api_server_arguments: Vec<String>,
    /// Told of each step: one line for a person who waits.
    pub report: fn(&str),
}

impl Default for Options {
    fn default() -> Self {
        Self {
            scheduler: false,
            controllers: CONTROLLERS.to_vec(),
            api_server_arguments: Vec::new(),
            report: |_| {},
        }
    }
}

/// Those that matter without a kubelet. Each that runs watches what it is about,
/// and so costs the API server something too.
pub const CONTROLLERS: [&str; 8] = [
    "namespace-controller",
    "serviceaccount-controller",
    "root-ca-certificate-publisher-controller",
    "garbage-collector-controller",
    "job-controller",
    "ttl-after-finished-controller",
    "clusterrole-aggregation-controller",
    "resourcequota-controller",
];

/// All that run by default.
pub(crate) const EVERY_CONTROLLER: &str = "*";

/// A running control plane. It ends when this value is dropped, unless it was
/// attached to.
#[derive(Debug)]
pub struct ControlPlane(Cluster);

impl Deref for ControlPlane {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        &self.0
    }
}

impl ControlPlane {
    /// Starts a control plane and waits until namespaces can be used.
    ///
    /// # Errors
    /// When the machine lacks something (the message names the command that
    /// supplies it), or a component does not come up (the message holds the
    /// end of its log).
    pub async fn start(options: Options) -> Result<Self> {
        host::check(host::CONTROL_PLANE_PACKAGES)?;
        let programs = Programs::find()?;
        (options.report)("making namespaces");
        let cluster = prepare(Purpose::ControlPlane, &programs)?;
        // Other arguments may store other things.
        if options.api_server_arguments.is_empty() {
            seed::plant(&cluster, &programs).await?;
        }
        start_components(&cluster, &programs, &options).await?;
        if programs.has_controller_manager {
            wait_for_default_service_account(&cluster).await?;
        }
        Ok(Self(cluster))
    }

    /// The control plane in `TESTKIT_CONTROL_PLANE`, which lives on; without
    /// the variable a new one.
    ///
    /// # Errors
    /// When that control plane has ended, or a new one does not start.
    pub async fn shared() -> Result<Self> {
        match std::env::var_os(SHARED_VARIABLE) {
            Some(dir) => Self::attach(Path::new(&dir)),
            None => Self::start(Options::default()).await,
        }
    }

    /// Uses the control plane that another process keeps in `dir`.
    ///
    /// # Errors
    /// When none runs there.
    pub fn attach(dir: &Path) -> Result<Self> {
        Ok(Self(Cluster::attach(Sandbox::attach(dir)?)?))
    }
}

/// Where each program of a cluster comes from.
pub(crate) struct Programs {
    /// Name and file, in the order of lookup.
    files: Vec<(&'static str, PathBuf)>,
    pub(crate) has_controller_manager: bool,
    /// Where the data is kept that each cluster begins with, if they share it.
    pub(crate) seed: Option<PathBuf>,
}

const CONTROL_PLANE_PROGRAMS: [&str; 5] = [
    "etcd",
    "kube-apiserver",
    "kubectl",
    "kube-controller-manager",
    "kube-scheduler",
];

impl Programs {
    /// Those of `KUBEBUILDER_ASSETS` if it is set, else our own. Its usual
    /// content has no controller manager: ours is taken if it is built.
    fn find() -> Result<Self> {
        let Some(assets) = std::env::var_os("KUBEBUILDER_ASSETS") else {
            return Ok(Self::built(&programs::find_or_build()?));
        };
        let assets = PathBuf::from(assets);
        let built = programs::find().unwrap_or_default();
        let files: Vec<_> = CONTROL_PLANE_PROGRAMS
            .into_iter()
            .filter_map(|name| {
                let own = assets.join(name);
                let file = if own.is_file() {
                    own
                } else {
                    built.as_ref()?.kube.clone()
                };
                Some((name, file))
            })
            .collect();
        for needed in ["etcd", "kube-apiserver", "kubectl"] {
            files
                .iter()
                .find(|(name, _)| *name == needed)
                .with_context(|| {
                    format!("KUBEBUILDER_ASSETS={} has no {needed}", assets.display())
                })?;
        }
        let has_controller_manager = files
            .iter()
            .any(|(name, _)| *name == "kube-controller-manager");
        Ok(Self {
            files,
            has_controller_manager,
            seed: None,
        })
    }

    /// Everything from `hack/kube`.
    pub(crate) fn built(binaries: &KubeBinaries) -> Self {
        let mut files: Vec<_> = CONTROL_PLANE_PROGRAMS
            .into_iter()
            .chain(["kubelet", "kube-proxy", "coredns"])
            .map(|name| (name, binaries.kube.clone()))
            .collect();
        files.push(("helm", binaries.helm.clone()));
        files.push(("kwok", binaries.kwok.clone()));
        Self {
            files,
            has_controller_manager: true,
            seed: binaries.kube.parent().map(Path::to_owned),
        }
    }
}

/// A sandbox with certificates and with all programs in its `bin/`, where
/// nothing runs yet.
pub(crate) fn prepare(purpose: Purpose, programs: &Programs) -> Result<Cluster> {
    let sandbox = Sandbox::start(purpose)?;
    Pki::create(&sandbox.dir().join("pki")).context("make the cluster's certificates")?;
    for (name, file) in &programs.files {
        symlink(file, sandbox.dir().join("bin").join(name))?;
    }
    Cluster::new(sandbox)
}

/// Starts the components and waits until the API server is ready.
pub(crate) async fn start_components(
    cluster: &Cluster,
    programs: &Programs,
    options: &Options,
) -> Result<()> {
    let sandbox = cluster.sandbox();
    let arguments = Arguments::of(cluster.dir());
    sandbox.write("audit-policy.json", audit::POLICY)?;
    sandbox.describe("etcd", &arguments.etcd())?;
    let mut api_server = arguments.api_server();
    if !programs.has_controller_manager {
        // Nobody would make the ServiceAccounts that pods are refused without.
        api_server.push("--disable-admission-plugins=ServiceAccount".to_owned());
    }
    api_server.extend(options.api_server_arguments.iter().cloned());
    sandbox.describe("kube-apiserver", &api_server)?;
    (options.report)("starting etcd and the API server");
    sandbox.launch(&["etcd", "kube-apiserver"])?;
    cluster.wait_until_ready().await?;
    if programs.has_controller_manager {
        let mut controller_manager = arguments.controller_manager();
        controller_manager.push(format!("--controllers={}", options.controllers.join(",")));
        sandbox.describe("kube-controller-manager", &controller_manager)?;
        sandbox.launch(&["kube-controller-manager"])?;
    }
    if options.scheduler {
        sandbox.describe("kube-scheduler", &arguments.scheduler())?;
        sandbox.launch(&["kube-scheduler"])?;
    }
    Ok(())
}

/// Pods are refused in a namespace before this exists.
pub(crate) async fn wait_for_default_service_account(cluster: &Cluster) -> Result<()> {
    let accounts: Api<ServiceAccount> = Api::namespaced(cluster.client().await?, "default");
    cluster
        .wait_for(
            "kube-controller-manager",
            "the default service account",
            async || Ok(accounts.get_opt("default").await?.is_some()),
        )
        .await
}

/// The command lines that decide what a control plane stores when it starts,
/// wherever its directory is.
pub(crate) fn command_lines() -> Vec<String> {
    let arguments = Arguments::of(Path::new(""));
    [arguments.api_server(), arguments.controller_manager()].concat()
}

/// Command lines of the components. Everything listens inside the sandbox.
struct Arguments<'a> {
    dir: &'a Path,
}

impl<'a> Arguments<'a> {
    fn of(dir: &'a Path) -> Self {
        Self { dir }
    }

    fn etcd(&self) -> Vec<String> {
        let mut argv = self.program("etcd");
        argv.push(format!("--data-dir={}/{ETCD_DATA}", self.dir.display()));
        argv.extend(owned(&[
            "--name=default",
            "--unsafe-no-fsync",
            "--listen-client-urls=http://127.0.0.1:2379",
            "--advertise-client-urls=http://127.0.0.1:2379",
            "--listen-peer-urls=http://127.0.0.1:2380",
            "--initial-advertise-peer-urls=http://127.0.0.1:2380",
            "--initial-cluster=default=http://127.0.0.1:2380",
            "--log-level=warn",
        ]));
        argv
    }

    fn api_server(&self) -> Vec<String> {
        let mut argv = self.program("kube-apiserver");
        argv.extend(owned(&[
            "--etcd-servers=http://127.0.0.1:2379",
            "--bind-address=0.0.0.0",
            "--advertise-address=10.10.0.1",
            "--secure-port=6443",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",
            "--kubelet-preferred-address-types=InternalIP",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            "--profiling=false",
            "--requestheader-allowed-names=front-proxy-client",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-username-headers=X-Remote-User",
        ]));
        argv.extend(self.files(&[
            ("--client-ca-file", "pki/ca.crt"),
            ("--tls-cert-file", "pki/apiserver.crt"),
            ("--tls-private-key-file", "pki/apiserver.key"),
            (
                "--kubelet-client-certificate",
                "pki/apiserver-kubelet-client.crt",
            ),
            ("--kubelet-client-key", "pki/apiserver-kubelet-client.key"),
            ("--kubelet-certificate-authority", "pki/ca.crt"),
            ("--service-account-key-file", "pki/sa.pub"),
            ("--service-account-signing-key-file", "pki/sa.key"),
            ("--requestheader-client-ca-file", "pki/front-proxy-ca.crt"),
            ("--proxy-client-cert-file", "pki/front-proxy-client.crt"),
            ("--proxy-client-key-file", "pki/front-proxy-client.key"),
            ("--audit-policy-file", "audit-policy.json"),
            ("--audit-log-path", "log/audit.log"),
        ]));
        argv
    }

    fn controller_manager(&self) -> Vec<String> {
        let mut argv = self.client_program("kube-controller-manager", "controller-manager");
        argv.extend(owned(&[
            "--use-service-account-credentials=true",
            "--allocate-node-cidrs=true",
            "--cluster-cidr=10.244.0.0/16",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--cluster-name=testkit",
        ]));
        argv.extend(self.files(&[
            ("--service-account-private-key-file", "pki/sa.key"),
            ("--root-ca-file", "pki/ca.crt"),
            ("--cluster-signing-cert-file", "pki/ca.crt"),
            ("--cluster-signing-key-file", "pki/ca.key"),
        ]));
        argv
    }

    fn scheduler(&self) -> Vec<String> {
        self.client_program("kube-scheduler", "scheduler")
    }

    /// What controller manager and scheduler share. With the default request
    /// rate the controller manager throttles itself while it makes its own
    /// tokens, and the first ServiceAccount takes ten seconds.
    fn client_program(&self, name: &str, user: &str) -> Vec<String> {
        let kubeconfig = format!("pki/{user}.kubeconfig");
        let mut argv = self.program(name);
        argv.extend(self.files(&[
            ("--kubeconfig", &kubeconfig),
            ("--authentication-kubeconfig", &kubeconfig),
            ("--authorization-kubeconfig", &kubeconfig),
        ]));
        argv.extend(owned(&[
            "--bind-address=127.0.0.1",
            "--leader-elect=false",
            "--profiling=false",
            "--kube-api-qps=500",
            "--kube-api-burst=1000",
        ]));
        argv
    }

    fn program(&self, name: &str) -> Vec<String> {
        vec![format!("{}/bin/{name}", self.dir.display())]
    }

    fn files(&self, flags: &[(&str, &str)]) -> Vec<String> {
        flags
            .iter()
            .map(|(flag, file)| format!("{flag}={}/{file}", self.dir.display()))
            .collect()
    }
}

fn owned(arguments: &[&str]) -> Vec<String> {
    arguments.iter().map(ToString::to_string).collect()
}
