//! The conversion webhook of the release binary on loopback: how long the API
//! server would wait for one object and for a whole list, and what memory that
//! takes. There is no cluster: the server needs none.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_rustls::TlsConnector;

use super::process::Operator;
use super::table::Figure;
use crate::image;

/// One object, so often.
const SINGLE: usize = 2_000;
/// A list of so many, so often.
const LIST: usize = 10_000;
const LISTS: usize = 3;
const PATIENCE: Duration = Duration::from_secs(10);

/// All figures of this module.
pub(super) fn measure() -> Result<Vec<Figure>> {
    let binary = image::operator_binary()?;
    let runtime = Runtime::new().context("starting a runtime")?;
    runtime.block_on(async {
        let directory = tempfile::tempdir()?;
        let server = Server::start(&binary, directory.path())?;
        let mut connection = server.connect().await?;
        let mut times = Vec::new();
        let single = review(1);
        for _ in 0..SINGLE {
            times.push(ask(&mut connection, single.clone(), 1).await?);
        }
        times.sort();
        let p99 = times.get(times.len() * 99 / 100).context("no times")?;
        let list = review(LIST);
        let bytes = list.len() / LIST;
        let mut slowest = Duration::ZERO;
        for _ in 0..LISTS {
            slowest = slowest.max(ask(&mut connection, list.clone(), LIST).await?);
        }
        eprintln!("objects of {bytes} bytes");
        let figure = |what, value, unit, limit, how| Figure {
            what,
            value,
            unit,
            limit: Some(limit),
            upstream: "",
            how,
        };
        Ok(vec![
            figure(
                "conversion of 1 object, p99",
                p99.as_secs_f64() * 1000.0,
                "ms",
                5.0,
                "2,000 requests over TLS, one after another",
            ),
            figure(
                "conversion of 10,000 objects",
                slowest.as_secs_f64(),
                "s",
                2.0,
                "4 kB each, in one request; the slowest of 3",
            ),
            figure(
                "memory while it converts them",
                server.operator.peak_megabytes()?,
                "MB",
                192.0,
                "highest RSS of the release binary",
            ),
        ])
    })
}

/// A ConversionReview of so many v2 objects of about 4 kB.
fn review(count: usize) -> Bytes {
    let variable = |i: usize| json!({"name": format!("VARIABLE_{i}"), "value": format!("a value of some length, number {i}")});
    let object = |i: usize| {
        json!({
            "apiVersion": "locust.io/v2",
            "kind": "LocustTest",
            "metadata": {"name": format!("test-{i}"), "namespace": "load", "uid": format!("{i:036}")},
            "spec": {
                "image": "locustio/locust:2.47.0",
                "master": {"command": "-f /lotest/src/locustfile.py --run-time 5m", "autostart": true},
                "worker": {"command": "-f /lotest/src/locustfile.py", "replicas": 5},
                "testFiles": {"configMapRef": "files"},
                "env": {"variables": (0..44).map(variable).collect::<Vec<_>>()},
            },
            "status": {"phase": "Running", "observedGeneration": 1},
        })
    };
    let objects: Vec<Value> = (0..count).map(object).collect();
    let review = json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "ConversionReview",
        "request": {"uid": "u", "desiredAPIVersion": "locust.io/v1", "objects": objects},
    });
    Bytes::from(review.to_string())
}

/// Asks once, and says how long the answer took to its last byte.
async fn ask(
    connection: &mut SendRequest<Full<Bytes>>,
    review: Bytes,
    objects: usize,
) -> Result<Duration> {
    let request = Request::post("/convert").body(Full::new(review))?;
    let began = Instant::now();
    connection.ready().await?;
    let answer = connection.send_request(request).await?;
    let status = answer.status();
    let body = answer.into_body().collect().await?.to_bytes();
    let took = began.elapsed();
    let text = std::str::from_utf8(&body)?;
    let converted = text.matches("\"apiVersion\":\"locust.io/v1\"").count();
    ensure!(
        status.is_success() && converted == objects,
        "{status}, {converted} of {objects} objects"
    );
    Ok(took)
}

/// A running operator, and how to reach its webhooks.
struct Server {
    operator: Operator,
    root: CertificateDer<'static>,
    port: u16,
}

impl Server {
    fn start(binary: &Path, directory: &Path) -> Result<Self> {
        let key = KeyPair::generate()?;
        let params = CertificateParams::new(vec!["localhost".to_owned()])?;
        let certificate = params.self_signed(&key)?;
        fs::write(directory.join("tls.crt"), certificate.pem())?;
        fs::write(directory.join("tls.key"), key.serialize_pem())?;
        // Nobody is there: the webhook is served all the same.
        let kubeconfig = directory.join("kubeconfig");
        let nowhere = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "n", "cluster": {"server": "https://127.0.0.1:1"}}],
            "users": [{"name": "n", "user": {}}],
            "contexts": [{"name": "n", "context": {"cluster": "n", "user": "n"}}],
            "current-context": "n",
        });
        fs::write(&kubeconfig, nowhere.to_string())?;
        let port = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
            .local_addr()?
            .port();
        let process = Command::new(binary)
            .args([
                "run",
                "--health-probe-bind-address=0",
                "--webhook-cert-path",
            ])
            .arg(directory)
            .args(["--webhook-port", &port.to_string(), "--kubeconfig"])
            .arg(&kubeconfig)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("starting the operator")?;
        Ok(Self {
            operator: Operator { process },
            root: certificate.der().clone(),
            port,
        })
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone())?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = TlsConnector::from(Arc::new(config));
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let deadline = Instant::now() + PATIENCE;
        let stream = loop {
            match TcpStream::connect(address).await {
                Ok(stream) => break stream,
                Err(error) if Instant::now() > deadline => bail!("nobody listens: {error}"),
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        };
        stream.set_nodelay(true)?;
        let stream = connector
            .connect(ServerName::try_from("localhost")?, stream)
            .await?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }
}
