//! The certificate that the server shows, which changes while it serves.

use std::sync::{Arc, PoisonError, RwLock};

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::sync::watch;

/// The certificate in use, if there is one yet.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    current: Arc<RwLock<Option<Arc<CertifiedKey>>>>,
    is_there: Arc<watch::Sender<bool>>,
}

impl Identity {
    pub(crate) fn none() -> Self {
        Self {
            current: Arc::default(),
            is_there: Arc::new(watch::Sender::new(false)),
        }
    }

    /// Shows this certificate from now on. Open connections keep theirs.
    pub(crate) fn use_from_now(&self, key: CertifiedKey) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        *current = Some(Arc::new(key));
        drop(current);
        self.is_there.send_replace(true);
    }

    /// Waits until there is a certificate.
    pub(crate) async fn come(&self) {
        let mut is_there = self.is_there.subscribe();
        // The sender lives as long as `self`.
        let _ = is_there.wait_for(|is_there| *is_there).await;
    }
}

impl ResolvesServerCert for Identity {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.clone()
    }
}
