//! Objects of a bucket, by S3's protocol.

use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::CONTENT_TYPE;
use hyper::{Request, StatusCode};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use locust_api::latest::ResultBucket;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use rusty_s3::{Credentials, S3Action, UrlStyle};

/// For one object, of a megabyte or two.
const DEADLINE: Duration = Duration::from_secs(20);
/// How long a signature is good for: clocks differ.
const SIGNED_FOR: Duration = Duration::from_secs(300);
/// The most bytes of a refusal that are read.
const MAX_REFUSAL_BYTES: usize = 16 * 1024;

const DEFAULT_REGION: &str = "us-east-1";

/// A prefix of a bucket.
pub(crate) struct Bucket {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    bucket: rusty_s3::Bucket,
    prefix: String,
    credentials: Option<Credentials>,
    /// The Secret that they are to come from.
    secret: String,
}

/// Why an object was not put.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BucketError {
    /// No URL of the bucket can be made.
    #[error("{url} and {bucket} make no address of a bucket")]
    Address { url: String, bucket: String },
    /// There is a certificate that is none.
    #[error("caBundle holds no certificates in PEM format")]
    CaBundle,
    /// TLS cannot be spoken.
    #[error("preparing TLS")]
    Tls(#[source] rustls::Error),
    /// Nobody said who it is.
    #[error(
        "Secret {secret} is not there, or has no AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: create it before the test"
    )]
    NoCredentials { secret: String },
    /// The server could not be asked.
    #[error("asking {host}")]
    Unreachable {
        host: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The server said nothing.
    #[error("asking {host}: no answer within {} seconds", DEADLINE.as_secs())]
    Deadline { host: String },
    /// The server said no.
    #[error("{host} answered {status}{}{words}", if words.is_empty() { "" } else { ": " })]
    Refused {
        host: String,
        status: StatusCode,
        words: String,
    },
}

impl Bucket {
    pub(super) fn new(
        about: &ResultBucket,
        prefix: String,
        credentials: Option<Credentials>,
    ) -> Result<Self, BucketError> {
        let ResultBucket {
            bucket,
            prefix: _,
            endpoint,
            region,
            credentials_secret,
            ca_bundle,
        } = about;
        let region = region.as_deref().unwrap_or(DEFAULT_REGION).to_owned();
        let at_aws = || format!("https://s3.{region}.amazonaws.com");
        let url = endpoint.clone().unwrap_or_else(at_aws);
        // A name with dots is in no certificate, and other servers than those of
        // AWS seldom have a name for every bucket.
        let style = match endpoint.is_none() && !bucket.contains('.') {
            true => UrlStyle::VirtualHost,
            false => UrlStyle::Path,
        };
        let address = url
            .parse()
            .ok()
            .and_then(|url| rusty_s3::Bucket::new(url, style, bucket.clone(), region).ok());
        Ok(Self {
            client: client(ca_bundle.as_deref())?,
            bucket: address.ok_or_else(|| BucketError::Address {
                url,
                bucket: bucket.clone(),
            })?,
            prefix,
            credentials,
            secret: credentials_secret.clone(),
        })
    }

    /// Puts an object, over one of that name that may be there.
    pub(super) async fn put(&self, name: &str, content: &[u8]) -> Result<(), BucketError> {
        let Some(credentials) = &self.credentials else {
            return Err(BucketError::NoCredentials {
                secret: self.secret.clone(),
            });
        };
        let object = format!("{}/{name}", self.prefix);
        let url = self
            .bucket
            .put_object(Some(credentials), &object)
            .sign(SIGNED_FOR);
        let host = url.host_str().unwrap_or_default().to_owned();
        let request = Request::put(url.as_str())
            .header(CONTENT_TYPE, content_type(name))
            .body(Full::new(Bytes::copy_from_slice(content)));
        let put = async {
            let answer = self.client.request(request?).await?;
            let status = answer.status();
            let body = match status.is_success() {
                true => Bytes::new(),
                false => {
                    let body = Limited::new(answer.into_body(), MAX_REFUSAL_BYTES).collect();
                    body.await.map(|body| body.to_bytes()).unwrap_or_default()
                }
            };
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>((status, body))
        };
        let (status, body) = match tokio::time::timeout(DEADLINE, put).await {
            Err(_elapsed) => return Err(BucketError::Deadline { host }),
            Ok(Err(source)) => return Err(BucketError::Unreachable { host, source }),
            Ok(Ok(answer)) => answer,
        };
        match status.is_success() {
            true => Ok(()),
            false => Err(BucketError::Refused {
                host,
                status,
                words: words(&String::from_utf8_lossy(&body)),
            }),
        }
    }
}

fn client(
    ca_bundle: Option<&str>,
) -> Result<Client<HttpsConnector<HttpConnector>, Full<Bytes>>, BucketError> {
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    if let Some(bundle) = ca_bundle {
        let certificates = CertificateDer::pem_slice_iter(bundle.as_bytes());
        let certificates: Result<Vec<_>, _> = certificates.collect();
        let certificates = certificates.map_err(|_| BucketError::CaBundle)?;
        let (added, _) = roots.add_parsable_certificates(certificates);
        if added == 0 {
            return Err(BucketError::CaBundle);
        }
    }
    let provider = rustls::crypto::ring::default_provider();
    let config = ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .map_err(BucketError::Tls)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(config)
        .https_or_http()
        .enable_http1()
        .build();
    Ok(Client::builder(TokioExecutor::new()).build(connector))
}

/// How a browser is to show it.
pub(super) fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("csv") => "text/csv; charset=utf-8",
        Some("json") => "application/json",
        _ => "application/octet-stream",
    }
}

/// What a refusal says: code and message of S3's error document.
pub(super) fn words(body: &str) -> String {
    let of = |tag: &str| {
        let (_, rest) = body.split_once(&format!("<{tag}>"))?;
        Some(rest.split_once(&format!("</{tag}>"))?.0)
    };
    let parts = [of("Code"), of("Message")].into_iter().flatten();
    parts.collect::<Vec<_>>().join(", ")
}
