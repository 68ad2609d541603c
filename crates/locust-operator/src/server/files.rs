//! A certificate that somebody else looks after, such as cert-manager: waited
//! for at the start, and read again when its files change.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::identity::Identity;

/// How often missing files are looked for.
const LOOK: Duration = Duration::from_secs(1);
/// How often it is said that they are missing.
const SAY: Duration = Duration::from_secs(10);
/// How often files that are there are read. A volume of a Secret changes by
/// the turn of a link, which a watch of the file itself does not see.
const RELOAD: Duration = Duration::from_secs(2);

/// What a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// The webhooks.
    Webhook,
    /// The operator's metrics.
    Metrics,
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Webhook => "webhook",
            Self::Metrics => "metrics",
        })
    }
}

/// The files did not come.
#[derive(Debug, thiserror::Error)]
#[error(
    "no usable {of} certificate after {waited} s ({why}): check that the Secret is mounted at --{of}-cert-path and that its Certificate is ready"
)]
pub struct NoFiles {
    /// What they are for.
    of: Use,
    /// How long they were waited for, in seconds.
    waited: u64,
    /// What is wrong with them.
    why: String,
}

/// Where the files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// What they are for.
    pub of: Use,
    /// The certificate, with those that lead to its authority.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// How long to wait for them; `None`: for ever.
    pub wait: Option<Duration>,
}

/// What the files hold.
#[derive(PartialEq, Eq)]
struct Content {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

/// Keeps `identity` as the files say, until shutdown.
pub(crate) async fn keep(
    files: Files,
    identity: Identity,
    shutdown: CancellationToken,
) -> Result<(), NoFiles> {
    let mut used = tokio::select! {
        content = first(&files, &identity) => content?,
        () = shutdown.cancelled() => return Ok(()),
    };
    let mut told = String::new();
    loop {
        tokio::select! {
            () = tokio::time::sleep(RELOAD) => {}
            () = shutdown.cancelled() => return Ok(()),
        }
        match read(&files).await {
            Ok((content, _)) if content == used => told.clear(),
            Ok((content, key)) => {
                identity.use_from_now(key);
                used = content;
                told.clear();
                tracing::info!(of = %files.of, certificate = %files.certificate.display(), "a new certificate is in use");
            }
            // Half of a change may be there, or a mistake: the old one stays.
            Err(why) if why != told => {
                tracing::warn!(of = %files.of, %why, "the certificate cannot be read, the last one stays in use");
                told = why;
            }
            Err(_) => {}
        }
    }
}

/// Waits for files that can be used.
async fn first(files: &Files, identity: &Identity) -> Result<Content, NoFiles> {
    let began = Instant::now();
    let mut said: Option<Instant> = None;
    loop {
        let why = match read(files).await {
            Ok((content, key)) => {
                identity.use_from_now(key);
                tracing::info!(of = %files.of, certificate = %files.certificate.display(), "certificate files found");
                return Ok(content);
            }
            Err(why) => why,
        };
        if files.wait.is_some_and(|wait| began.elapsed() >= wait) {
            return Err(NoFiles {
                of: files.of,
                waited: began.elapsed().as_secs(),
                why,
            });
        }
        if said.is_none_or(|said| said.elapsed() >= SAY) {
            let waited = began.elapsed().as_secs();
            tracing::info!(of = %files.of, %why, waited, "waiting for certificate files");
            said = Some(Instant::now());
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Both files, if they belong together.
async fn read(files: &Files) -> Result<(Content, CertifiedKey), String> {
    let content = Content {
        certificate: bytes(&files.certificate).await?,
        key: bytes(&files.key).await?,
    };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&content.certificate).collect();
    let chain = chain.map_err(|error| said(&files.certificate, &error))?;
    let key =
        PrivateKeyDer::from_pem_slice(&content.key).map_err(|error| said(&files.key, &error))?;
    let provider = rustls::crypto::ring::default_provider();
    let key = CertifiedKey::from_der(chain, key, &provider)
        .map_err(|error| said(&files.certificate, &error))?;
    Ok((content, key))
}

async fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    let read = tokio::fs::read(path).await;
    read.map_err(|error| said(path, &error))
}

fn said(path: &Path, why: &dyn std::fmt::Display) -> String {
    format!("{}: {why}", path.display())
}
