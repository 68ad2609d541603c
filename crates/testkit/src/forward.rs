//! A port of this machine's loopback that leads into a sandbox, for programs
//! that are not inside: a person's kubectl or browser.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, Result};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::client::Network;

/// Forwards connections until it is dropped.
#[derive(Debug)]
pub struct Forwarder {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Forwarder {
    /// The address outside.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Network {
    /// Forwards a free port of 127.0.0.1 outside to `target` inside.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn forward(&self, target: SocketAddr) -> Result<Forwarder> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .context("listen on loopback")?;
        let address = listener.local_addr()?;
        let network = self.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((mut outside, _)) = listener.accept().await {
                let network = network.clone();
                tokio::spawn(async move {
                    if let Ok(mut inside) = network.connect(target).await {
                        // Either side may end it at any time.
                        let _ = tokio::io::copy_bidirectional(&mut outside, &mut inside).await;
                    }
                });
            }
        });
        Ok(Forwarder { address, accepting })
    }
}
