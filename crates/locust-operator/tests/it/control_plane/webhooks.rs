//! The webhooks as a real API server calls them, on control planes of their
//! own: the CRD points at the operators of one test.

mod clock;
mod crowd;
mod healing;
mod installed;
mod rotation;
mod validation;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, WebhookClientConfig,
};
use kube::api::{ApiResource, DynamicObject, PostParams};
use kube::{Api, Client};
use locust_api::crd::{converting, to_manifest};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use testkit::{ControlPlane, Namespace, control_plane};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

use super::install;
use crate::operator::Operator;
use crate::tests_of::until;

const SECRET: &str = "locust-k8s-operator-webhook-ca";
/// Where the API server calls; whoever connects gets the next replica.
const FRONT: &str = "127.0.0.1:9440";

/// A control plane whose CRD points at replicas of an operator.
struct World {
    operators: Vec<Operator>,
    front: Front,
    client: Client,
    /// Where the operators live and look.
    namespace: Namespace,
    /// Where the LocustTests are. Nobody acts on them.
    tests: Namespace,
    control_plane: ControlPlane,
}

impl World {
    /// Starts one replica for each of these ports.
    async fn start(ports: &[u16], further: &[&str]) -> Result<Self> {
        let mut world = Self::without_operators(ports).await?;
        for port in ports {
            world.add_operator(*port, further)?;
        }
        Ok(world)
    }

    async fn without_operators(ports: &[u16]) -> Result<Self> {
        let control_plane = ControlPlane::start(control_plane::Options::default()).await?;
        let client = control_plane.client().await?;
        let config = WebhookClientConfig {
            url: Some(format!("https://{FRONT}/convert")),
            ..WebhookClientConfig::default()
        };
        install(&client, &to_manifest(&converting(config))).await?;
        Ok(Self {
            operators: Vec::new(),
            front: Front::to(&control_plane, ports)?,
            client,
            namespace: control_plane.namespace("operator").await?,
            tests: control_plane.namespace("tests").await?,
            control_plane,
        })
    }

    fn add_operator(&mut self, port: u16, further: &[&str]) -> Result<()> {
        let port = port.to_string();
        let own = [
            "--watch-namespaces",
            self.namespace.name(),
            "--health-probe-bind-address=0",
            "--webhook-port",
            &port,
        ];
        let arguments = [&own[..], further].concat();
        let variables = [("POD_NAMESPACE", self.namespace.name())];
        let variables: BTreeMap<String, String> = variables
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        let kubeconfig = self.control_plane.kubeconfig();
        let operator = Operator::spawn(&self.control_plane, &kubeconfig, &arguments, &variables)?;
        self.operators.push(operator);
        Ok(())
    }

    fn of_version(&self, version: &str) -> Api<DynamicObject> {
        let resource = ApiResource {
            group: "locust.io".to_owned(),
            version: version.to_owned(),
            api_version: format!("locust.io/{version}"),
            kind: "LocustTest".to_owned(),
            plural: "locusttests".to_owned(),
        };
        Api::namespaced_with(self.client.clone(), self.tests.name(), &resource)
    }

    fn secrets(&self) -> Api<Secret> {
        Api::namespaced(self.client.clone(), self.namespace.name())
    }

    /// Waits until a test can be written by v1, and writes it.
    async fn create_by_v1(&self, name: &str) -> Result<DynamicObject> {
        let test: DynamicObject = serde_json::from_value(v1_test(name))?;
        let api = self.of_version("v1");
        until("v1 to be served", async || {
            Ok(api.create(&PostParams::default(), &test).await.ok())
        })
        .await
    }

    /// Whom the CRD trusts.
    async fn trusted(&self) -> Result<Vec<CertificateDer<'static>>> {
        let crds: Api<CustomResourceDefinition> = Api::all(self.client.clone());
        let crd = crds.get("locusttests.locust.io").await?;
        let conversion = crd.spec.conversion.and_then(|it| it.webhook);
        let bundle = conversion
            .and_then(|webhook| webhook.client_config?.ca_bundle)
            .map(|ByteString(bytes)| bytes);
        let certificates = CertificateDer::pem_slice_iter(bundle.as_deref().unwrap_or_default());
        Ok(certificates.collect::<Result<_, _>>()?)
    }

    /// The authority in the Secret.
    async fn authority(&self) -> Result<Option<CertificateDer<'static>>> {
        let secret = self.secrets().get_opt(SECRET).await?;
        Ok(secret.and_then(authority_in))
    }

    /// Whether a new connection to a replica is trusted by these.
    async fn is_trusted(&self, port: u16, by: &[CertificateDer<'static>]) -> Result<()> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(by.iter().cloned());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let stream = self.control_plane.tcp_connect(address).await?;
        let name = ServerName::try_from("127.0.0.1")?;
        let connected = TlsConnector::from(Arc::new(config)).connect(name, stream);
        connected.await.context("the TLS handshake")?;
        Ok(())
    }

    /// Waits until the authority of the Secret is another one than `before`
    /// and every replica shows what it signed. Returns how long that took.
    async fn rotated(
        &self,
        before: Option<CertificateDer<'static>>,
        ports: &[u16],
    ) -> Result<Duration> {
        let began = std::time::Instant::now();
        until("every replica to show the new authority", async || {
            let Some(now) = self.authority().await? else {
                return Ok(None);
            };
            if before.as_ref() == Some(&now) {
                return Ok(None);
            }
            for port in ports {
                if self
                    .is_trusted(*port, std::slice::from_ref(&now))
                    .await
                    .is_err()
                {
                    return Ok(None);
                }
            }
            Ok(Some(()))
        })
        .await?;
        Ok(began.elapsed())
    }
}

/// The certificate of the authority that a Secret holds, if it is one.
fn authority_in(secret: Secret) -> Option<CertificateDer<'static>> {
    let ByteString(certificate) = secret.data?.remove("ca.crt")?;
    CertificateDer::from_pem_slice(&certificate).ok()
}

/// Hands connections to the replicas in turn, as a Service does.
struct Front {
    ports: Arc<Mutex<Vec<u16>>>,
    task: JoinHandle<()>,
}

impl Drop for Front {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Front {
    fn to(control_plane: &ControlPlane, ports: &[u16]) -> Result<Self> {
        let network = control_plane.network().clone();
        let listener = network.listen(FRONT.parse()?)?;
        ensure!(!ports.is_empty(), "there is somebody to hand them to");
        let ports = Arc::new(Mutex::new(ports.to_vec()));
        let replicas = ports.clone();
        let task = tokio::spawn(async move {
            let mut next: usize = 0;
            while let Ok((mut from, _)) = listener.accept().await {
                next += 1;
                let port = {
                    let replicas = replicas.lock().unwrap();
                    replicas[next % replicas.len()]
                };
                let network = network.clone();
                tokio::spawn(async move {
                    let address = SocketAddr::from(([127, 0, 0, 1], port));
                    if let Ok(mut to) = network.connect(address).await {
                        let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
                    }
                });
            }
        });
        Ok(Self { ports, task })
    }

    /// Hands no more connections to this one.
    fn forget(&self, port: u16) {
        self.ports.lock().unwrap().retain(|other| *other != port);
    }
}

fn v1_test(name: &str) -> Value {
    json!({
        "apiVersion": "locust.io/v1",
        "kind": "LocustTest",
        "metadata": {"name": name},
        "spec": {
            "masterCommandSeed": "-f a.py --run-time 1m",
            "workerCommandSeed": "-f a.py",
            "workerReplicas": 2,
            "image": "locustio/locust:2.47.0",
        },
    })
}
