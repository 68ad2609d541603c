//! The operator's own certificates: looks at what there is, asks the core for
//! the next step, and does it.
//!
//! | file | does |
//! |---|---|
//! | `signing.rs` | makes and reads keys and certificates |
//! | `secret.rs` | the authority that all replicas share |
//! | `targets.rs` | what points at this webhook, and whom it trusts |
//! | `changes.rs` | notices when one of these is changed |

mod changes;
mod secret;
mod signing;
mod targets;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kube::Client;
use locust_core::certificates::{Authority, LOOK, Leaf, Next, Seen, Stored, Target, next};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::controller::{chain, code};
use crate::server::Identity;
use secret::ReplaceError;
use signing::SigningError;
use targets::{Pointing, Which};

/// How soon after a failure everything is looked at again.
const RETRY: Duration = Duration::from_secs(2);

/// Tells the wall clock.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Where to find what the certificates depend on.
#[derive(Clone, Debug)]
pub struct Own {
    /// The operator's namespace.
    pub namespace: String,
    /// Whether the CRD has objects converted here.
    pub conversion: bool,
    /// The configuration that has objects validated here.
    pub configuration: Option<String>,
}

/// A look at the certificates failed; it is tried again.
#[derive(Debug, thiserror::Error)]
enum LookError {
    #[error(
        "the secret {} in {namespace} cannot be read; grant get, list, watch, create and update on it",
        secret::NAME
    )]
    Secret {
        namespace: String,
        #[source]
        source: Box<kube::Error>,
    },
    #[error("{which} cannot be read; grant get, list, watch and patch on it")]
    Read {
        which: Which,
        #[source]
        source: Box<kube::Error>,
    },
    #[error("the certificates of the webhook cannot be published in {which}; grant patch on it")]
    Publish {
        which: Which,
        #[source]
        source: Box<kube::Error>,
    },
    #[error(transparent)]
    Replace(#[from] ReplaceError),
    #[error(transparent)]
    Signing(#[from] SigningError),
}

impl LookError {
    /// Somebody else was faster, most likely another replica.
    fn is_conflict(&self) -> bool {
        let source = match self {
            Self::Publish { source, .. } => source,
            Self::Replace(ReplaceError::Write(source)) => source,
            Self::Secret { .. } | Self::Read { .. } | Self::Replace(_) | Self::Signing(_) => {
                return false;
            }
        };
        code(source) == Some(409)
    }
}

/// Keeps `identity` supplied until shutdown.
pub(super) async fn keep(
    own: Own,
    client: Client,
    clock: Clock,
    identity: Identity,
    shutdown: CancellationToken,
) {
    let changed = Arc::new(Notify::new());
    let mut keeper = Keeper {
        watched: changes::watch(&own, &client, &changed),
        own,
        client,
        clock,
        identity,
        leaf: None,
        trusted: None,
        published: BTreeMap::new(),
        restored: BTreeMap::new(),
        told: String::new(),
    };
    loop {
        let wait = keeper.work().await;
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = changed.notified() => {}
            () = shutdown.cancelled() => return,
        }
    }
}

/// What is remembered between two looks.
struct Keeper {
    own: Own,
    client: Client,
    clock: Clock,
    identity: Identity,
    leaf: Option<Leaf>,
    /// Which authority every target trusts, and since when.
    trusted: Option<(Authority, Instant)>,
    /// What was published where.
    published: BTreeMap<String, Vec<Authority>>,
    /// What was published there again, and when.
    restored: BTreeMap<String, (Vec<Authority>, Instant)>,
    /// The last failure that was told of.
    told: String,
    /// Ends the watches when this is dropped.
    #[allow(dead_code)]
    watched: tokio::task::JoinSet<()>,
}

impl Keeper {
    /// Does what there is to do. Returns how long nothing is.
    async fn work(&mut self) -> Duration {
        loop {
            match self.step().await {
                Ok(Some(wait)) => {
                    self.told.clear();
                    return wait;
                }
                Ok(None) => {}
                Err(error) if error.is_conflict() => {
                    tracing::debug!(cause = %chain(&error), "looking again");
                    return Duration::from_millis(100);
                }
                Err(error) => {
                    let cause = chain(&error);
                    if self.told != cause {
                        tracing::warn!(%cause, "the webhook's certificates cannot be looked after, it is tried again");
                        self.told = cause;
                    }
                    return RETRY;
                }
            }
        }
    }

    /// One step; `None`: there may be another one.
    async fn step(&mut self) -> Result<Option<Duration>, LookError> {
        let pointing = self.pointing().await?;
        if pointing.is_empty() {
            return Ok(Some(LOOK));
        }
        let secrets = secret::api(&self.client, &self.own.namespace);
        let seen = secret::Seen::read(&secrets)
            .await
            .map_err(|source| LookError::Secret {
                namespace: self.own.namespace.clone(),
                source: Box::new(source),
            })?;
        let now = (self.clock)();
        match next(&self.seen(now, seen.stored(), &pointing)) {
            Next::MakeAuthority => {
                seen.replace(&secrets, now).await?;
                tracing::info!(
                    secret = secret::NAME,
                    "a new CA signs the webhook's certificates"
                );
            }
            Next::Publish(index, authorities) => {
                if let Some(target) = pointing.get(index) {
                    self.publish(target, authorities).await?;
                }
            }
            Next::Issue => {
                if let Some(signer) = &seen.signer {
                    let names = names(&pointing);
                    let (leaf, key) = signer.sign(&names, now)?;
                    self.identity.use_from_now(key);
                    tracing::info!(?names, until = %leaf.window.until, "the webhook has a new certificate");
                    self.leaf = Some(leaf);
                }
            }
            Next::Wait(wait) => return Ok(Some(wait)),
        }
        Ok(None)
    }

    /// What points here.
    async fn pointing(&self) -> Result<Vec<Pointing>, LookError> {
        let mut pointing = Vec::new();
        for which in self.own.targets() {
            let read = which.read(&self.client).await;
            pointing.extend(read.map_err(|source| LookError::Read {
                which,
                source: Box::new(source),
            })?);
        }
        Ok(pointing)
    }

    fn seen(&mut self, now: Timestamp, stored: Stored, pointing: &[Pointing]) -> Seen {
        let at = Instant::now();
        let target = |pointing: &Pointing| {
            let restored = self.restored.get(&pointing.which.to_string());
            Target {
                bundle: pointing.bundle.as_deref().and_then(signing::authorities),
                restored: restored
                    .map(|(bundle, then)| (bundle.clone(), at.saturating_duration_since(*then))),
            }
        };
        let targets: Vec<Target> = pointing.iter().map(target).collect();
        let trusts = |target: &Target, authority: &Authority| {
            let bundle = target.bundle.as_ref();
            bundle.is_some_and(|bundle| bundle.contains(authority))
        };
        self.trusted = match &stored {
            Stored::Usable(authority) if targets.iter().all(|it| trusts(it, authority)) => {
                let before = self
                    .trusted
                    .take()
                    .filter(|(before, _)| before == authority);
                Some(before.unwrap_or_else(|| (authority.clone(), at)))
            }
            Stored::Usable(_) | Stored::Absent | Stored::Unusable => None,
        };
        let since = self.trusted.as_ref().map(|(_, since)| *since);
        Seen {
            now,
            stored,
            targets,
            names: names(pointing),
            leaf: self.leaf.clone(),
            trusted_for: since.map(|since| at.saturating_duration_since(since)),
        }
    }

    async fn publish(
        &mut self,
        target: &Pointing,
        authorities: Vec<Authority>,
    ) -> Result<(), LookError> {
        let bundle = signing::bundle(&authorities);
        let published = target.publish(&self.client, bundle).await;
        published.map_err(|source| LookError::Publish {
            which: target.which.clone(),
            source: Box::new(source),
        })?;
        tracing::info!(target = %target.which, authorities = authorities.len(), "published whom the API server is to trust");
        let which = target.which.to_string();
        let before = self.published.insert(which.clone(), authorities.clone());
        if before.as_ref() == Some(&authorities) {
            self.restored.insert(which, (authorities, Instant::now()));
        }
        Ok(())
    }
}

fn names(pointing: &[Pointing]) -> std::collections::BTreeSet<String> {
    let names = pointing.iter().flat_map(|pointing| pointing.names.iter());
    names.cloned().collect()
}

impl Own {
    fn targets(&self) -> Vec<Which> {
        let definition = self.conversion.then_some(Which::Definition);
        let configuration = self.configuration.clone().map(Which::Configuration);
        definition.into_iter().chain(configuration).collect()
    }
}
