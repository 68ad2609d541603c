//! What [`crate::ControlPlane`] and [`crate::Node`] have in common: a sandbox
//! with an API server in it, and all the ways tests reach into it.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::{Api, Client};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::audit::{self, AuditEvent};
use crate::certs::{API_SERVER, Pki, unique_name};
use crate::client::Network;
use crate::etcd;
use crate::namespace::Namespace;
use crate::sandbox::{Sandbox, run, tail};

/// How long the API server may take to answer after a start or restart.
const READY_DEADLINE: Duration = Duration::from_secs(90);

const POLL_INTERVAL: Duration = Duration::from_millis(25);

/// A running API server and whatever runs beside it, in a sandbox.
#[derive(Debug)]
pub struct Cluster {
    sandbox: Sandbox,
    network: Network,
    pki: Pki,
    audited: audit::Log,
}

impl Cluster {
    /// One whose API server is yet to be started.
    pub(crate) fn new(sandbox: Sandbox) -> Result<Self> {
        let audited = audit::Log::from_its_beginning(sandbox.log_file("audit"));
        Self::with_log(sandbox, audited)
    }

    /// One that another process keeps.
    pub(crate) fn attach(sandbox: Sandbox) -> Result<Self> {
        let audited = audit::Log::from_now(sandbox.log_file("audit"))?;
        Self::with_log(sandbox, audited)
    }

    fn with_log(sandbox: Sandbox, audited: audit::Log) -> Result<Self> {
        Ok(Self {
            network: Network::new(sandbox.network()?),
            pki: Pki::open(&sandbox.dir().join("pki")),
            audited,
            sandbox,
        })
    }

    /// The state directory: what `TESTKIT_CONTROL_PLANE` or `TESTKIT_NODE`
    /// holds for processes that attach.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.sandbox.dir()
    }

    /// The sandbox, to start and kill components in.
    #[must_use]
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// The cluster's network, to open sockets in.
    #[must_use]
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The cluster's certificates.
    #[must_use]
    pub fn pki(&self) -> &Pki {
        &self.pki
    }

    /// The administrator's kubeconfig. Its server is an address inside:
    /// programs that use it run by [`Cluster::command`] or
    /// [`Cluster::network_command`].
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.pki.path("admin.kubeconfig")
    }

    /// An administrator's client, for use in this process.
    ///
    /// # Errors
    /// When the kubeconfig cannot be read.
    pub async fn client(&self) -> Result<Client> {
        self.network.kubernetes_client(&self.kubeconfig()).await
    }

    /// A client for this process with the rights that `user` in `group` has.
    ///
    /// # Errors
    /// When the certificate cannot be made.
    pub async fn client_as(&self, user: &str, group: Option<&str>) -> Result<Client> {
        let kubeconfig = self.user_kubeconfig(user, group)?;
        self.network.kubernetes_client(&kubeconfig).await
    }

    /// A kubeconfig with a client certificate of `user` in `group`. It has no
    /// rights but those that are bound to these names.
    ///
    /// # Errors
    /// When the certificate cannot be made.
    pub fn user_kubeconfig(&self, user: &str, group: Option<&str>) -> Result<PathBuf> {
        self.pki.add_user(user, group)
    }

    /// A kubeconfig with a token of a ServiceAccount: the very identity that
    /// a pod of it has.
    ///
    /// # Errors
    /// When the ServiceAccount does not exist.
    pub async fn service_account_kubeconfig(&self, namespace: &str, name: &str) -> Result<PathBuf> {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client().await?, namespace);
        let request = TokenRequest {
            spec: Some(TokenRequestSpec {
                expiration_seconds: Some(24 * 3600),
                ..TokenRequestSpec::default()
            }),
            ..TokenRequest::default()
        };
        let answer = accounts
            .create_token_request(name, &Default::default(), &request)
            .await
            .with_context(|| format!("request a token for service account {namespace}/{name}"))?;
        let token = answer
            .status
            .and_then(|status| status.token)
            .with_context(|| format!("no token came for service account {namespace}/{name}"))?;
        self.pki.write_token_kubeconfig(
            &unique_name(&format!("{namespace}-{name}")),
            &token,
            API_SERVER,
        )
    }

    /// A command that runs inside all of the cluster's namespaces as
    /// administrator: `KUBECONFIG` is set, `kubectl` and `helm` are on `PATH`,
    /// names are those of the cluster's DNS. Killing its child does not kill
    /// the program: that is what [`Cluster::network_command`] is for.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        self.as_administrator(self.sandbox.command(program))
    }

    /// The same, but only in the cluster's network: its child is the program
    /// itself, and it sees this machine's processes and files. For operators
    /// under test.
    #[must_use]
    pub fn network_command(&self, program: impl AsRef<OsStr>) -> Command {
        self.as_administrator(self.sandbox.network_command(program))
    }

    fn as_administrator(&self, mut command: Command) -> Command {
        let path = std::env::var("PATH").unwrap_or_default();
        command.env(
            "PATH",
            format!("{}:{path}", self.dir().join("bin").display()),
        );
        command.env("KUBECONFIG", self.kubeconfig());
        // Every cluster has the same address, and kubectl remembers by address
        // which kinds a cluster serves.
        command.env("KUBECACHEDIR", self.dir().join("kubectl-cache"));
        command
    }

    /// Runs kubectl as administrator and returns what it prints.
    ///
    /// # Errors
    /// With kubectl's own message when it fails.
    pub async fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        let mut command = self.network_command("kubectl");
        command.args(arguments);
        tokio::task::spawn_blocking(move || run(&mut command))
            .await?
            .with_context(|| format!("kubectl {}", arguments.join(" ")))
    }

    /// A new namespace whose name begins with `prefix`; it is deleted when
    /// the returned guard is dropped.
    ///
    /// # Errors
    /// When it cannot be made, or its ServiceAccount does not appear.
    pub async fn namespace(&self, prefix: &str) -> Result<Namespace> {
        let managed = self.sandbox.is_described("kube-controller-manager");
        Namespace::create(self.network.clone(), self.kubeconfig(), prefix, managed).await
    }

    /// Every answered write request so far, in the order of the answers; after
    /// an attach, those since then. The API server notes a request after it has
    /// answered it, so the last one may be missing for a moment: poll.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn audit_log(&self) -> Result<Vec<AuditEvent>> {
        let mut log = self.audited.events()?;
        log.retain(|event| !event.is_read());
        Ok(log)
    }

    /// What users other than the administrator and Kubernetes itself have read
    /// of LocustTests, their children and their pods: so far, or after an
    /// attach since then.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn audited_reads(&self) -> Result<Vec<AuditEvent>> {
        let mut log = self.audited.events()?;
        log.retain(AuditEvent::is_read);
        Ok(log)
    }

    /// Copies the LocustTest `PREFIX-00000` of a namespace, with its Service,
    /// Jobs and pods, to `PREFIX-00001` and so on, as fast as etcd takes them.
    /// Every copy has UIDs of its own.
    ///
    /// # Errors
    /// When the test or something of it does not exist.
    pub async fn copy_tests(&self, namespace: &str, prefix: &str, copies: usize) -> Result<()> {
        etcd::copy_tests(&self.network, namespace, prefix, copies).await
    }

    /// Connects to an address inside, such as a pod's.
    ///
    /// # Errors
    /// When nobody listens there.
    pub async fn tcp_connect(&self, address: SocketAddr) -> Result<TcpStream> {
        self.network.connect(address).await
    }

    /// GET of a URL inside: status and body.
    ///
    /// # Errors
    /// When nobody answers within ten seconds.
    pub async fn http_get(&self, url: &str) -> Result<(hyper::StatusCode, String)> {
        self.network.http_get(url).await
    }

    /// POST of a form to a URL inside, as a browser would send it.
    ///
    /// # Errors
    /// When nobody answers within ten seconds.
    pub async fn http_post_form(
        &self,
        url: &str,
        form: &str,
    ) -> Result<(hyper::StatusCode, String)> {
        self.network.http_post_form(url, form).await
    }

    /// Kills a component (`etcd`, `kube-apiserver`, `kubelet`, …) by SIGKILL.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill(&self, component: &str) -> Result<()> {
        self.sandbox.kill(component)
    }

    /// Starts a component again that was killed, as it was started first.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn launch(&self, component: &str) -> Result<()> {
        self.sandbox.launch(&[component])
    }

    /// Kills a component, starts it again and waits until the API server is
    /// ready.
    ///
    /// # Errors
    /// When it does not run, or the API server does not become ready.
    pub async fn restart(&self, component: &str) -> Result<()> {
        self.kill(component)?;
        self.launch(component)?;
        self.wait_until_ready().await
    }

    /// Waits until the API server says that it is ready.
    ///
    /// # Errors
    /// When it ends or takes more than 90 s, with the end of its log.
    pub async fn wait_until_ready(&self) -> Result<()> {
        let client = self.client().await?;
        self.wait_for("kube-apiserver", "the API server to be ready", async || {
            let request = hyper::Request::get("/readyz").body(Vec::new())?;
            Ok(client
                .request_text(request)
                .await
                .is_ok_and(|answer| answer == "ok"))
        })
        .await
    }

    /// Polls `condition` while `component` runs. An error of the condition
    /// itself ends the wait.
    ///
    /// # Errors
    /// When the component ends or 90 s pass, with the end of its log.
    pub async fn wait_for(
        &self,
        component: &str,
        what: &str,
        condition: impl AsyncFn() -> Result<bool>,
    ) -> Result<()> {
        let deadline = Instant::now() + READY_DEADLINE;
        while !condition().await? {
            if !self.sandbox.runs(component) {
                bail!(
                    "{component} ended while waiting for {what}: {}",
                    self.log_tail(component)
                );
            }
            if Instant::now() > deadline {
                bail!(
                    "waited {} s for {what}: {}",
                    READY_DEADLINE.as_secs(),
                    self.log_tail(component)
                );
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        Ok(())
    }

    fn log_tail(&self, component: &str) -> String {
        tail(&self.sandbox.log_file(component), 20)
    }
}
