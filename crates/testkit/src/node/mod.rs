//! A whole one-node Kubernetes: a control plane with scheduler, and beside it
//! containerd, kubelet, kube-proxy and DNS. Containers run from archives that
//! are imported at the start; nothing can be pulled, for there is no way out.
//!
//! DNS is a process of the node at 10.10.0.10, not a pod. That address lies
//! outside the range of Services on purpose: kube-proxy drops what the node
//! itself sends to a ClusterIP that no Service has.

use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use k8s_openapi::api::core::v1;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use kube::Api;
use kube::api::PostParams;
use serde_json::json;

use crate::cluster::Cluster;
use crate::control_plane::{
    self, Programs, prepare, start_components, wait_for_default_service_account,
};
use crate::sandbox::{Purpose, Sandbox, run, tail};
use crate::{host, kube as programs, seed};

/// Holds the state directory of the node that a test run shares.
pub const SHARED_VARIABLE: &str = "TESTKIT_NODE";

/// The image that holds every pod's namespaces. One of the imported archives
/// has to contain it, or no pod starts.
pub const PAUSE_IMAGE: &str = "registry.k8s.io/pause:3.10";

/// The node's name.
pub const NODE_NAME: &str = "node1";

const CONTAINERD_DEADLINE: Duration = Duration::from_secs(30);

/// What may vary.
#[derive(Debug, Clone)]
pub struct Options {
    /// OCI archives whose images the node has; their names are taken from the
    /// annotation `io.containerd.image.name`.
    pub images: Vec<PathBuf>,
    /// Told of each step: one line for a person who waits.
    pub report: fn(&str),
}

impl Default for Options {
    fn default() -> Self {
        Self {
            images: Vec::new(),
            report: |_| {},
        }
    }
}

/// A running one-node cluster. It ends when this value is dropped, unless it
/// was attached to.
#[derive(Debug)]
pub struct Node(Cluster);

impl Deref for Node {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        &self.0
    }
}

impl Node {
    /// Starts a node, imports the images and waits until pods can run.
    ///
    /// # Errors
    /// When the machine lacks something (the message names the command that
    /// supplies it), or a component does not come up (the message holds the
    /// end of its log).
    pub async fn start(options: Options) -> Result<Self> {
        host::check(host::NODE_PACKAGES)?;
        let programs = Programs::built(&programs::find_or_build()?);
        (options.report)("making namespaces");
        let node = Self(prepare(Purpose::Node, &programs)?);
        node.describe_components()?;
        seed::plant(&node.0, &programs).await?;
        // The image imports and the API server's start take about as long as
        // each other.
        node.sandbox().launch(&["containerd"])?;
        let control_plane = control_plane::Options {
            scheduler: true,
            controllers: vec![control_plane::EVERY_CONTROLLER],
            report: options.report,
            ..control_plane::Options::default()
        };
        tokio::try_join!(
            start_components(&node.0, &programs, &control_plane),
            node.import_all(&options),
        )?;
        (options.report)("starting the node");
        node.start_node_components().await?;
        Ok(node)
    }

    /// The node in `TESTKIT_NODE`, which lives on and gets the images of
    /// `options` too; without the variable a new one from `options`.
    ///
    /// # Errors
    /// When that node has ended, or a new one does not start.
    pub async fn shared(options: Options) -> Result<Self> {
        match std::env::var_os(SHARED_VARIABLE) {
            Some(dir) => {
                let node = Self::attach(Path::new(&dir))?;
                node.import_all(&options).await?;
                Ok(node)
            }
            None => Self::start(options).await,
        }
    }

    /// Uses the node that another process keeps in `dir`.
    ///
    /// # Errors
    /// When none runs there.
    pub fn attach(dir: &Path) -> Result<Self> {
        Ok(Self(Cluster::attach(Sandbox::attach(dir)?)?))
    }

    /// Imports the images of one more OCI archive.
    ///
    /// # Errors
    /// When the archive is missing or not one.
    pub async fn import(&self, archive: &Path) -> Result<()> {
        let mut command = self.sandbox().command("ctr");
        command
            .args(["--namespace", "k8s.io", "images", "import"])
            .arg(archive);
        tokio::task::spawn_blocking(move || run(&mut command))
            .await?
            .with_context(|| format!("import the image archive {}", archive.display()))?;
        Ok(())
    }

    async fn import_all(&self, options: &Options) -> Result<()> {
        self.wait_for_containerd().await?;
        for archive in &options.images {
            let name = archive.file_name().unwrap_or_default().to_string_lossy();
            (options.report)(&format!("importing {name}"));
            self.import(archive).await?;
        }
        Ok(())
    }

    async fn wait_for_containerd(&self) -> Result<()> {
        let deadline = Instant::now() + CONTAINERD_DEADLINE;
        let mut version = self.sandbox().command("ctr");
        version.arg("version");
        while run(&mut version).is_err() {
            if Instant::now() > deadline || !self.sandbox().runs("containerd") {
                bail!("containerd did not come up: {}", self.log_of("containerd"));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Command lines and configuration of everything beside the control plane.
    fn describe_components(&self) -> Result<()> {
        let sandbox = self.sandbox();
        let dir = self.dir().display().to_string();
        for part in ["cni", "certs.d"] {
            fs::create_dir(self.dir().join(part))?;
        }
        for (file, template) in [
            ("containerd.toml", include_str!("containerd.toml")),
            ("kubelet.yaml", include_str!("kubelet.yaml")),
            ("kube-proxy.yaml", include_str!("kube-proxy.yaml")),
            ("Corefile", include_str!("Corefile")),
            ("cni/10-testkit.conflist", include_str!("cni.conflist")),
        ] {
            sandbox.write(
                file,
                &template
                    .replace("@DIR@", &dir)
                    .replace("@PAUSE@", PAUSE_IMAGE),
            )?;
        }
        let describe = |name: &str, arguments: &[String]| sandbox.describe(name, arguments);
        describe(
            "containerd",
            &[
                "containerd".to_owned(),
                format!("--config={dir}/containerd.toml"),
            ],
        )?;
        describe(
            "kubelet",
            &[
                format!("{dir}/bin/kubelet"),
                format!("--config={dir}/kubelet.yaml"),
                format!("--kubeconfig={dir}/pki/node1.kubeconfig"),
                format!("--hostname-override={NODE_NAME}"),
                "--node-ip=10.10.0.1".to_owned(),
                "--root-dir=/var/lib/kubelet".to_owned(),
            ],
        )?;
        describe(
            "kube-proxy",
            &[
                format!("{dir}/bin/kube-proxy"),
                format!("--config={dir}/kube-proxy.yaml"),
                format!("--hostname-override={NODE_NAME}"),
            ],
        )?;
        describe(
            "coredns",
            &[
                format!("{dir}/bin/coredns"),
                "-conf".to_owned(),
                format!("{dir}/Corefile"),
            ],
        )
    }

    /// The kubelet starts after the imports: it would take one of their
    /// temporary mounts for the file system of the images, and statistics
    /// would fail for good.
    async fn start_node_components(&self) -> Result<()> {
        self.sandbox().launch(&["kubelet", "kube-proxy"])?;
        self.allow_coredns().await?;
        self.sandbox().launch(&["coredns"])?;
        self.wait_until_node_is_ready().await?;
        let answers = async |url: &str| {
            let answer = self.http_get(url).await;
            Ok(answer.is_ok_and(|(status, _)| status.is_success()))
        };
        self.wait_for("coredns", "DNS", async || {
            answers("http://127.0.0.1:8181/ready").await
        })
        .await?;
        self.wait_for("kube-proxy", "the service proxy", async || {
            answers("http://127.0.0.1:10256/healthz").await
        })
        .await?;
        wait_for_default_service_account(&self.0).await
    }

    async fn wait_until_node_is_ready(&self) -> Result<()> {
        let nodes: Api<v1::Node> = Api::all(self.client().await?);
        self.wait_for("kubelet", "the node to be ready", async || {
            let node = nodes.get_opt(NODE_NAME).await?;
            Ok(node.is_some_and(|node| is_ready(&node)))
        })
        .await
    }

    async fn allow_coredns(&self) -> Result<()> {
        let client = self.client().await?;
        let role: ClusterRole = serde_json::from_value(json!({
            "metadata": {"name": "system:coredns"},
            "rules": [
                {
                    "apiGroups": [""],
                    "resources": ["endpoints", "services", "pods", "namespaces"],
                    "verbs": ["list", "watch"],
                },
                {
                    "apiGroups": ["discovery.k8s.io"],
                    "resources": ["endpointslices"],
                    "verbs": ["list", "watch"],
                },
            ],
        }))?;
        let binding: ClusterRoleBinding = serde_json::from_value(json!({
            "metadata": {"name": "system:coredns"},
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": "ClusterRole",
                "name": "system:coredns",
            },
            "subjects": [{
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": "User",
                "name": "system:coredns",
            }],
        }))?;
        let params = PostParams::default();
        Api::all(client.clone()).create(&params, &role).await?;
        Api::all(client).create(&params, &binding).await?;
        Ok(())
    }

    fn log_of(&self, component: &str) -> String {
        tail(&self.sandbox().log_file(component), 20)
    }
}

fn is_ready(node: &v1::Node) -> bool {
    let conditions = node.status.iter().flat_map(|status| &status.conditions);
    conditions
        .flatten()
        .any(|condition| condition.type_ == "Ready" && condition.status == "True")
}
