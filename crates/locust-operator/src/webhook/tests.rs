//! The webhook server as its clients see it, the good and the bad ones.

mod bad_clients;
mod cert_files;
mod protocols;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use kube::Client;
use kube::client::Body;
use locust_core::review;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::requests::{DEADLINE, Requests};
use super::{Certificates, Options, Served, WebhookError, convert, listen, serve};
use crate::server::{self, End, Files, Identity, Protocols, Use};

/// A server on loopback with a certificate in files.
struct Server {
    port: u16,
    directory: TempDir,
    root: CertificateDer<'static>,
    end: End,
    task: JoinHandle<Result<(), WebhookError>>,
}

impl Server {
    async fn start(protocols: Protocols, served: Served) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = write_certificate(directory.path());
        let options = Options {
            port: 0,
            protocols,
            served,
            certificates: Certificates::Files(files(directory.path(), None)),
            settings: Default::default(),
        };
        let listening = listen(&options).await.unwrap();
        let port = listening.port();
        let end = End::default();
        let clock: super::Clock = Arc::new(jiff::Timestamp::now);
        let serving = serve(listening, options, no_cluster(), clock, || {}, end.clone());
        let task = tokio::spawn(serving);
        Self {
            port,
            directory,
            root,
            end,
            task,
        }
    }

    /// Another one, whose requests have to be done so soon.
    async fn hasty(deadline: Duration) -> Self {
        Self::converting(deadline, Box::new(convert)).await
    }

    /// The same, with a conversion of the test's own.
    async fn converting(deadline: Duration, convert: Box<review::Convert>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = write_certificate(directory.path());
        let listener = server::listen(([0, 0, 0, 0], 0).into()).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let identity = Identity::none();
        let end = End::default();
        let requests = Requests {
            served: Served::Both,
            settings: Default::default(),
            convert,
            large: Semaphore::new(1),
            deadline,
            leaving: end.leaving.clone(),
        };
        let files = files(directory.path(), None);
        tokio::spawn(server::keep(files, identity.clone(), end.gone.clone()));
        let one = server::Server {
            listener,
            identity: Some(identity),
            protocols: Protocols::Http1,
            end: end.clone(),
        };
        let serving = server::serve(one, Arc::new(requests));
        let serving = async move { serving.await.map_err(WebhookError::Tls) };
        Self {
            port,
            directory,
            root,
            end,
            task: tokio::spawn(serving),
        }
    }

    async fn connect(&self) -> TlsStream<TcpStream> {
        self.connect_with(&[&rustls::version::TLS13], &[b"http/1.1"])
            .await
            .unwrap()
    }

    async fn connect_with(
        &self,
        versions: &[&'static rustls::SupportedProtocolVersion],
        protocols: &[&[u8]],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
    }

    async fn post(&self, path: &str, body: impl Into<Bytes>) -> (StatusCode, Vec<u8>) {
        let request = Request::post(path).body(Full::new(body.into())).unwrap();
        self.send(request).await
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> (StatusCode, Vec<u8>) {
        let stream = TokioIo::new(self.connect().await);
        let (mut sender, connection) = http1::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        read(sender.send_request(request).await.unwrap()).await
    }

    /// Asks for the conversion of `objects`, and how long that took.
    async fn convert(&self, objects: &[Value]) -> (Value, Duration) {
        let began = std::time::Instant::now();
        let (status, body) = self.post("/convert", conversion(objects)).await;
        assert_eq!(status, StatusCode::OK);
        let answer: Value = serde_json::from_slice(&body).unwrap();
        (answer["response"].clone(), began.elapsed())
    }

    async fn stop(self) -> Result<(), WebhookError> {
        self.end.leaving.cancel();
        self.end.gone.cancel();
        self.task.await.unwrap()
    }
}

async fn read(response: Response<hyper::body::Incoming>) -> (StatusCode, Vec<u8>) {
    let status = response.status();
    let body = response.into_body().collect().await.unwrap();
    (status, body.to_bytes().to_vec())
}

fn files(directory: &Path, wait: Option<Duration>) -> Files {
    Files {
        of: Use::Webhook,
        certificate: directory.join("tls.crt"),
        key: directory.join("tls.key"),
        wait,
    }
}

/// A certificate that is its own authority.
fn write_certificate(directory: &Path) -> CertificateDer<'static> {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    std::fs::write(directory.join("tls.key"), key.serialize_pem()).unwrap();
    std::fs::write(directory.join("tls.crt"), certificate.pem()).unwrap();
    certificate.der().clone()
}

/// A client that must not be used.
fn no_cluster() -> Client {
    let (service, _) = tower_test::mock::pair::<Request<Body>, Response<Body>>();
    Client::new(service, "ns")
}

fn object(name: &str) -> Value {
    json!({
        "apiVersion": "locust.io/v2",
        "kind": "LocustTest",
        "metadata": {"name": name, "namespace": "ns"},
        "spec": {
            "image": "locustio/locust",
            "master": {"command": "-f a.py"},
            "worker": {"command": "-f a.py", "replicas": 2},
        },
    })
}

fn conversion(objects: &[Value]) -> String {
    let review = json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "ConversionReview",
        "request": {"uid": "u", "desiredAPIVersion": "locust.io/v1", "objects": objects},
    });
    review.to_string()
}

fn admission(object: &Value) -> String {
    let review = json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {"uid": "u", "operation": "CREATE", "object": object},
    });
    review.to_string()
}

#[tokio::test]
async fn both_paths_are_served_and_nothing_else() {
    let server = Server::start(Protocols::Http1, Served::Both).await;
    let (response, _) = server.convert(&[object("a"), object("b")]).await;
    assert_eq!(response["uid"], "u");
    assert_eq!(response["convertedObjects"][1]["metadata"]["name"], "b");
    assert_eq!(
        response["convertedObjects"][1]["apiVersion"],
        "locust.io/v1"
    );
    let validate = "/validate-locust-io-v2-locusttest";
    let (status, body) = server.post(validate, admission(&object("a"))).await;
    assert_eq!(status, StatusCode::OK);
    let answer: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(answer["response"]["allowed"], true);
    assert_eq!(server.post("/", "{}").await.0, StatusCode::NOT_FOUND);
    let get = Request::get("/convert").body(Full::default()).unwrap();
    assert_eq!(server.send(get).await.0, StatusCode::METHOD_NOT_ALLOWED);
    let (status, body) = server.post("/convert", "nonsense").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let text = String::from_utf8(body).unwrap();
    assert!(text.starts_with("this is no ConversionReview: "), "{text}");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_not_asked_for_is_not_served() {
    let validate = "/validate-locust-io-v2-locusttest";
    let server = Server::start(Protocols::Http1, Served::Conversion).await;
    assert_eq!(server.post(validate, "{}").await.0, StatusCode::NOT_FOUND);
    assert_eq!(
        server.post("/convert", "{}").await.0,
        StatusCode::BAD_REQUEST
    );
    let server = Server::start(Protocols::Http1, Served::Validation).await;
    assert_eq!(server.post(validate, "{}").await.0, StatusCode::BAD_REQUEST);
    assert_eq!(server.post("/convert", "{}").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_answer_that_is_under_way_at_the_end_is_finished() {
    let server = Server::start(Protocols::Http1, Served::Both).await;
    let objects: Vec<Value> = (0..3000).map(|i| object(&format!("t{i}"))).collect();
    let body = conversion(&objects);
    let stream = TokioIo::new(server.connect().await);
    let (mut sender, connection) = http1::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let request = Request::post("/convert")
        .body(Full::<Bytes>::from(body))
        .unwrap();
    let asked = sender.send_request(request);
    let (answer, ended) = tokio::join!(asked, async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        server.stop().await
    });
    let (status, body) = read(answer.unwrap()).await;
    assert_eq!(status, StatusCode::OK);
    let answer: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        answer["response"]["convertedObjects"]
            .as_array()
            .unwrap()
            .len(),
        3000
    );
    ended.unwrap();
}

#[tokio::test]
async fn a_taken_port_is_told_with_the_flag() {
    let server = Server::start(Protocols::Http1, Served::Both).await;
    let options = Options {
        port: server.port,
        protocols: Protocols::Http1,
        served: Served::Both,
        certificates: Certificates::Files(files(server.directory.path(), None)),
        settings: Default::default(),
    };
    let error = listen(&options).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "cannot listen on port {} for webhooks: choose another --webhook-port",
            server.port
        )
    );
    assert!(
        DEADLINE <= Duration::from_secs(30),
        "that of the API server's calls"
    );
}
