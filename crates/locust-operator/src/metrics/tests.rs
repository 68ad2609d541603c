//! The operator's metrics as those see them who may read them, and as others
//! do.

use std::sync::Mutex;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use kube::client::Body;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tower::service_fn;

use super::*;
use crate::server::Use;

/// A server of metrics beside an API server that knows two people: `good` is
/// the token of one who may read them, `other` of one who may not.
struct Served {
    port: u16,
    /// What the API server was asked: the paths, and what was in the bodies.
    asked: Arc<Mutex<Vec<(String, Value)>>>,
    shutdown: CancellationToken,
    task: JoinHandle<Result<(), MetricsError>>,
}

impl Served {
    async fn start(security: Security) -> Self {
        let options = Options {
            address: ([127, 0, 0, 1], 0).into(),
            protocols: Protocols::Http1,
            security,
        };
        let listener = listen(&options).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::<Mutex<Vec<_>>>::default();
        let note = asked.clone();
        let api_server = service_fn(move |request: Request<Body>| {
            let note = note.clone();
            async move {
                let path = request.uri().path().to_owned();
                let body = request.into_body().collect().await.unwrap().to_bytes();
                let body: Value = serde_json::from_slice(&body).unwrap();
                let answer = reviewed(&body);
                note.lock().unwrap().push((path, body));
                let status = if answer.is_null() { 503 } else { 201 };
                let answer = Response::builder()
                    .status(status)
                    .body(Full::new(Bytes::from(answer.to_string())));
                Ok::<_, std::convert::Infallible>(answer.unwrap())
            }
        });
        let text: Text = Arc::new(|| "up 1\n".to_owned());
        let shutdown = CancellationToken::new();
        let sources = (Client::new(api_server, "n"), text);
        let serving = serve(listener, options, sources, shutdown.clone());
        Self {
            port,
            asked,
            shutdown,
            task: tokio::spawn(serving),
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port)).await.unwrap()
    }

    async fn scrape(&self, authorization: Option<&str>) -> (u16, String) {
        let (stream, _) = tls(self.connect().await).await.unwrap();
        ask(stream, request("/metrics", authorization)).await
    }

    fn asked(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked.iter().map(|(path, _)| path.clone()).collect()
    }
}

/// A review with its answer; null: the API server cannot say.
fn reviewed(review: &Value) -> Value {
    let mut answer = review.clone();
    let token = review["spec"]["token"].as_str();
    answer["status"] = match (review["kind"].as_str(), token) {
        (Some("TokenReview"), Some("broken")) => return Value::Null,
        (Some("TokenReview"), Some(token @ ("good" | "other"))) => json!({
            "authenticated": true,
            "user": {
                "username": format!("{token}-user"),
                "uid": "u",
                "groups": ["g"],
                "extra": {"k": ["v"]},
            },
        }),
        (Some("TokenReview"), _) => json!({"error": "no"}),
        _ => json!({"allowed": review["spec"]["user"] == "good-user"}),
    };
    answer
}

fn request(path: &str, authorization: Option<&str>) -> Request<Full<Bytes>> {
    let mut request = Request::get(path);
    if let Some(authorization) = authorization {
        request = request.header(AUTHORIZATION, authorization);
    }
    request.body(Full::default()).unwrap()
}

/// The status and the text.
async fn ask<S>(stream: S, request: Request<Full<Bytes>>) -> (u16, String)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let response = sender.send_request(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

/// The stream, and the certificate that was shown. It is not looked at, as one
/// that a server made itself cannot be.
async fn tls(
    stream: TcpStream,
) -> std::io::Result<(
    tokio_rustls::client::TlsStream<TcpStream>,
    CertificateDer<'static>,
)> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody))
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await?;
    let shown = stream.get_ref().1.peer_certificates().unwrap();
    let shown = shown.first().unwrap().clone().into_owned();
    Ok((stream, shown))
}

#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let provider = rustls::crypto::ring::default_provider();
        let algorithms = provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

#[tokio::test]
async fn whoever_may_reads_the_metrics_and_the_api_server_is_asked_once() {
    let served = Served::start(Security::OwnCertificate).await;
    for _ in 0..3 {
        let (status, text) = served.scrape(Some("Bearer good")).await;
        assert_eq!((status, text.as_str()), (200, "up 1\n"));
    }
    assert_eq!(
        served.asked(),
        [
            "/apis/authentication.k8s.io/v1/tokenreviews",
            "/apis/authorization.k8s.io/v1/subjectaccessreviews",
        ]
    );
    let asked = served.asked.lock().unwrap();
    let expected = json!({
        "user": "good-user",
        "uid": "u",
        "groups": ["g"],
        "extra": {"k": ["v"]},
        "nonResourceAttributes": {"path": "/metrics", "verb": "get"},
    });
    assert_eq!(asked[1].1["spec"], expected);
}

#[tokio::test]
async fn others_are_refused_in_the_words_of_the_go_operator() {
    let served = Served::start(Security::OwnCertificate).await;
    let unauthorized = (401, "Unauthorized\n".to_owned());
    assert_eq!(served.scrape(None).await, unauthorized);
    assert_eq!(served.scrape(Some("Basic good")).await, unauthorized);
    assert_eq!(served.asked(), [""; 0], "there is no token to ask about");
    assert_eq!(served.scrape(Some("Bearer made-up")).await, unauthorized);
    let denied = "Authorization denied for user other-user\n".to_owned();
    let refused = served.scrape(Some("Bearer other")).await;
    assert_eq!(refused, (403, denied.clone()));
    let asked = served.asked().len();
    assert_eq!(served.scrape(Some("Bearer other")).await, (403, denied));
    assert_eq!(served.asked().len(), asked, "it is remembered");
    let broken = (500, "Authentication failed\n".to_owned());
    assert_eq!(served.scrape(Some("Bearer broken")).await, broken);
    // What is not known is not remembered.
    let asked = served.asked().len();
    assert_eq!(served.scrape(Some("Bearer broken")).await, broken);
    assert_eq!(served.asked().len(), asked + 1);
}

#[tokio::test]
async fn nothing_else_is_there_and_strangers_do_not_learn_that() {
    let served = Served::start(Security::OwnCertificate).await;
    let ask_for = async |request| {
        let (stream, _) = tls(served.connect().await).await.unwrap();
        ask(stream, request).await.0
    };
    assert_eq!(ask_for(request("/debug", None)).await, 401);
    assert_eq!(ask_for(request("/debug", Some("Bearer good"))).await, 404);
    let mut post = request("/metrics", Some("Bearer good"));
    *post.method_mut() = Method::POST;
    assert_eq!(ask_for(post).await, 405);
}

#[tokio::test]
async fn without_security_anybody_reads_them_by_plain_http() {
    let served = Served::start(Security::Open).await;
    let (status, text) = ask(served.connect().await, request("/metrics", None)).await;
    assert_eq!((status, text.as_str()), (200, "up 1\n"));
    assert_eq!(served.asked(), [""; 0]);
    assert!(tls(served.connect().await).await.is_err());
    served.shutdown.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(5), served.task).await;
    ended.expect("it ends soon").unwrap().unwrap();
}

#[tokio::test]
async fn a_certificate_in_files_is_shown_once_it_is_there() {
    let directory = tempfile::tempdir().unwrap();
    let served = Served::start(Security::Files(Files {
        of: Use::Metrics,
        certificate: directory.path().join("tls.crt"),
        key: directory.path().join("tls.key"),
        wait: None,
    }))
    .await;
    let early = tokio::time::timeout(Duration::from_millis(300), tls(served.connect().await)).await;
    assert!(early.is_err(), "there is nothing to show");
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    std::fs::write(directory.path().join("tls.key"), key.serialize_pem()).unwrap();
    std::fs::write(directory.path().join("tls.crt"), certificate.pem()).unwrap();
    let (_, shown) = tls(served.connect().await).await.unwrap();
    assert_eq!(shown, *certificate.der());
}

#[tokio::test]
async fn a_taken_address_is_told_with_the_flag() {
    let served = Served::start(Security::Open).await;
    let options = Options {
        address: ([127, 0, 0, 1], served.port).into(),
        protocols: Protocols::Http1,
        security: Security::Open,
    };
    let error = listen(&options).await.unwrap_err().to_string();
    assert_eq!(
        error,
        format!(
            "cannot listen on 127.0.0.1:{} for metrics: choose another --metrics-bind-address",
            served.port
        )
    );
}

#[tokio::test]
async fn clients_that_hold_a_connection_do_not_hold_up_the_end() {
    let served = Served::start(Security::OwnCertificate).await;
    let _silent = served.connect().await;
    // It is let in after the other one.
    assert_eq!(served.scrape(None).await.0, 401);
    let began = std::time::Instant::now();
    served.shutdown.cancel();
    served.task.await.unwrap().unwrap();
    let took = began.elapsed();
    assert!(took < Duration::from_secs(3), "{took:?}");
}
