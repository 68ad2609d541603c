//! The Secret in which all replicas find the one authority.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::PostParams;
use kube::{Api, Client};
use locust_core::certificates::Stored;

use super::signing::{Signer, SigningError};

/// Its name, the same in every installation: the right to it is bound to it.
pub(super) const NAME: &str = "locust-k8s-operator-webhook-ca";
const CERTIFICATE: &str = "ca.crt";
const KEY: &str = "ca.key";

/// The Secret as it was seen.
pub(super) struct Seen {
    /// `None`: there is none.
    found: Option<Secret>,
    /// What signs, if what is in it can.
    pub(super) signer: Option<Signer>,
}

impl Seen {
    pub(super) async fn read(api: &Api<Secret>) -> Result<Self, kube::Error> {
        let found = api.get_opt(NAME).await?;
        let signer = found.as_ref().and_then(|secret| {
            let text = |key| {
                let ByteString(bytes) = secret.data.as_ref()?.get(key)?;
                std::str::from_utf8(bytes).ok()
            };
            Signer::read(text(CERTIFICATE)?, text(KEY)?)
        });
        Ok(Self { found, signer })
    }

    pub(super) fn stored(&self) -> Stored {
        match (&self.found, &self.signer) {
            (None, _) => Stored::Absent,
            (Some(_), None) => Stored::Unusable,
            (Some(_), Some(signer)) => Stored::Usable(signer.authority.clone()),
        }
    }

    /// Puts a new authority into it, if nobody changed it since it was seen:
    /// of several replicas that do so at once one succeeds.
    pub(super) async fn replace(
        &self,
        api: &Api<Secret>,
        now: Timestamp,
    ) -> Result<(), ReplaceError> {
        let signer = Signer::make(now)?;
        let data = BTreeMap::from([
            (CERTIFICATE.to_owned(), signer.certificate_pem),
            (KEY.to_owned(), signer.key_pem),
        ]);
        let data = data
            .into_iter()
            .map(|(key, text)| (key, ByteString(text.into_bytes())));
        let mut secret = self.found.clone().unwrap_or_else(|| Secret {
            metadata: ObjectMeta {
                name: Some(NAME.to_owned()),
                ..ObjectMeta::default()
            },
            ..Secret::default()
        });
        secret.metadata.managed_fields = None;
        secret.data = Some(data.collect());
        let params = PostParams::default();
        match self.found {
            None => api.create(&params, &secret).await?,
            Some(_) => api.replace(NAME, &params, &secret).await?,
        };
        Ok(())
    }
}

/// The Secret was not replaced.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReplaceError {
    /// No authority could be made.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// The API server did not take it.
    #[error("the secret {NAME} cannot be written")]
    Write(#[from] kube::Error),
}

/// The Secrets of a namespace.
pub(super) fn api(client: &Client, namespace: &str) -> Api<Secret> {
    Api::namespaced(client.clone(), namespace)
}
