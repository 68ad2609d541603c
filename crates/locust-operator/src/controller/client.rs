//! The client of the API server: deadlines on every call, no retry inside, and
//! no write without the right to it.
//!
//! kube's own retry sends a write again up to fifteen times with pauses of up
//! to a quarter of an hour, out of sight of the reconcile that waits for it.

use std::path::{Path, PathBuf};

use kube::client::ClientBuilder;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use super::deadline::DeadlineLayer;
use super::meters::Meters;
use crate::leader::Term;

/// There is no way to the API server.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The kubeconfig cannot be used.
    #[error("cannot use the kubeconfig {}", path.display())]
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: Box<kube::config::KubeconfigError>,
    },
    /// Neither a kubeconfig nor a service account is there.
    #[error("found no cluster: set KUBECONFIG, pass --kubeconfig, or run inside a cluster")]
    Infer(#[source] Box<kube::config::InferConfigError>),
    /// The client cannot be made, for example because of a bad certificate.
    #[error("cannot set up a client for the API server")]
    Build(#[source] Box<kube::Error>),
}

/// A client for the cluster of a kubeconfig, or of the usual places. It writes
/// as long as the term lasts, and its calls are counted.
pub(crate) async fn connect(
    kubeconfig: Option<&Path>,
    term: Term,
    meters: &Meters,
) -> Result<Client, ClientError> {
    let mut config = match kubeconfig {
        Some(path) => from_file(path).await?,
        None => Config::infer()
            .await
            .map_err(|source| ClientError::Infer(Box::new(source)))?,
    };
    config.default_retry = false;
    let builder =
        ClientBuilder::try_from(config).map_err(|source| ClientError::Build(Box::new(source)))?;
    let builder = builder.with_layer(&DeadlineLayer::new(term));
    Ok(builder.with_layer(meters).build())
}

async fn from_file(path: &Path) -> Result<Config, ClientError> {
    let failed = |source| ClientError::Kubeconfig {
        path: path.to_owned(),
        source: Box::new(source),
    };
    let kubeconfig = Kubeconfig::read_from(path).map_err(failed)?;
    Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .map_err(failed)
}
