//! Keys and certificates: made, read back, and proven to work together.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use locust_core::certificates::{AUTHORITY_LIFE, Authority, LEAF_LIFE, Leaf, Window, validity};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;

const NAME: &str = "locust-operator webhook CA";
/// A name that is only ever spoken for in a trial.
const TRIAL: &str = "trial.invalid";

/// A certificate could not be made or used.
#[derive(Debug, thiserror::Error)]
pub(in crate::webhook) enum SigningError {
    /// Its parts do not fit.
    #[error("a certificate cannot be made")]
    Make(#[from] rcgen::Error),
    /// TLS does not take it.
    #[error("a certificate cannot be used")]
    Use(#[from] rustls::Error),
    /// It came out as something else.
    #[error("a certificate cannot be read back")]
    Read,
}

/// An authority with its key: what signs.
pub(super) struct Signer {
    pub(super) authority: Authority,
    issuer: Issuer<'static, KeyPair>,
    /// The certificate and the key, as they are stored.
    pub(super) certificate_pem: String,
    pub(super) key_pem: String,
}

impl Signer {
    /// A new authority.
    pub(super) fn make(now: Timestamp) -> Result<Self, SigningError> {
        let key = KeyPair::generate()?;
        let params = authority_params(Window::made(now, AUTHORITY_LIFE))?;
        let certificate_pem = params.self_signed(&key)?.pem();
        let key_pem = key.serialize_pem();
        Self::read(&certificate_pem, &key_pem).ok_or(SigningError::Read)
    }

    /// An authority as it was stored; `None` if nobody would trust what is
    /// signed by it. That is found out by trying.
    pub(super) fn read(certificate_pem: &str, key_pem: &str) -> Option<Self> {
        let der = CertificateDer::from_pem_slice(certificate_pem.as_bytes()).ok()?;
        let window = validity(&der)?;
        let signer = Self {
            authority: Authority {
                der: der.to_vec(),
                window,
            },
            issuer: Issuer::new(
                authority_params(window).ok()?,
                KeyPair::from_pem(key_pem).ok()?,
            ),
            certificate_pem: certificate_pem.to_owned(),
            key_pem: key_pem.to_owned(),
        };
        let names = [TRIAL.to_owned()].into();
        let (_, key) = signer.sign(&names, window.until).ok()?;
        let leaf = key.cert.first()?;
        let mut roots = RootCertStore::empty();
        roots.add(der).ok()?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
        let trial = ServerName::try_from(TRIAL).ok()?;
        let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(
            window.until.as_second().try_into().ok()?,
        ));
        verifier
            .build()
            .ok()?
            .verify_server_cert(leaf, &[], &trial, &[], at)
            .ok()?;
        Some(signer)
    }

    /// A leaf for these names.
    pub(super) fn sign(
        &self,
        names: &BTreeSet<String>,
        now: Timestamp,
    ) -> Result<(Leaf, CertifiedKey), SigningError> {
        let window = Window::made(now, LEAF_LIFE);
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(names.iter().cloned().collect::<Vec<_>>())?;
        params.distinguished_name = named("locust-operator webhook");
        (params.not_before, params.not_after) = (time(window.from)?, time(window.until)?);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = rustls::crypto::ring::default_provider();
        let used = CertifiedKey::from_der(vec![certificate.der().clone()], private, &provider)?;
        let leaf = Leaf {
            authority: self.authority.clone(),
            window,
            names: names.clone(),
        };
        Ok((leaf, used))
    }
}

/// The same parameters always: an authority is known again by its key.
fn authority_params(window: Window) -> Result<CertificateParams, SigningError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = named(NAME);
    (params.not_before, params.not_after) = (time(window.from)?, time(window.until)?);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::DigitalSignature,
    ];
    Ok(params)
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

fn time(at: Timestamp) -> Result<time::OffsetDateTime, SigningError> {
    time::OffsetDateTime::from_unix_timestamp(at.as_second()).map_err(|_| SigningError::Read)
}

/// The authorities of a caBundle; `None` if that cannot be read.
pub(super) fn authorities(bundle: &[u8]) -> Option<Vec<Authority>> {
    let mut authorities = Vec::new();
    for der in CertificateDer::pem_slice_iter(bundle) {
        let der = der.ok()?;
        let window = validity(&der)?;
        authorities.push(Authority {
            der: der.to_vec(),
            window,
        });
    }
    (!authorities.is_empty()).then_some(authorities)
}

/// Authorities as a caBundle has them.
pub(super) fn bundle(authorities: &[Authority]) -> String {
    let block = |authority: &Authority| pem::Pem::new("CERTIFICATE", authority.der.clone());
    let blocks: Vec<pem::Pem> = authorities.iter().map(block).collect();
    pem::encode_many(&blocks)
}
