//! A proxy between one operator process and the API server that watches every
//! write and can interrupt it: before it is sent, after it was applied but
//! before the answer arrives, or right after the answer. Crash tests kill the
//! operator at exactly such a moment.
//!
//! The operator gets [`FaultProxy::kubeconfig`] and needs no credentials of its
//! own: the proxy acts upstream as the user of the kubeconfig it was started
//! with. HTTP/1.1 on both sides; reads and watches pass through unseen.

mod exchange;
mod rules;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use hyper::{Method, StatusCode};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::certs::{Pki, unique_name};
use crate::cluster::Cluster;
use exchange::Upstream;
use rules::{Action, Hold, Outcome, Rules};

pub use rules::Trouble;

/// How long [`Held::reached`] waits.
const REACH_DEADLINE: Duration = Duration::from_secs(60);

/// One write request of the operator, in the order in which they arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: Method,
    /// Path and query.
    pub path: String,
    /// Tells the kinds of patches apart; empty if the request has no body.
    pub content_type: String,
    /// The body; null if it is empty or not JSON.
    pub body: serde_json::Value,
    /// The status that the operator was, or would have been, answered with;
    /// none while there is no answer.
    pub status: Option<StatusCode>,
}

/// A point in the life of a write request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The operator has sent it, the API server has not seen it.
    BeforeRequest,
    /// The API server has applied it, the operator does not know.
    BeforeAnswer,
    /// The operator's connection has the whole answer.
    AfterAnswer,
}

/// Which of the matching requests a rule is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Only the nth that matches after the rule was made, counted from 1.
    Nth(usize),
    /// Each one.
    Always,
}

/// A running proxy. Its requests in flight end when it is dropped.
#[derive(Debug)]
pub struct FaultProxy {
    rules: Arc<Rules>,
    kubeconfig: PathBuf,
    accepting: JoinHandle<()>,
}

impl FaultProxy {
    /// Starts a proxy that acts as the user of `kubeconfig`, such as one from
    /// [`Cluster::user_kubeconfig`]. It listens inside the cluster: run the
    /// operator by [`Cluster::network_command`].
    ///
    /// # Errors
    /// When a certificate cannot be made or read.
    pub async fn start(cluster: &Cluster, kubeconfig: &Path) -> Result<Self> {
        let name = unique_name("proxy");
        let upstream = Upstream::open(cluster.network(), kubeconfig).await?;
        let acceptor = tls_acceptor(cluster.pki(), &name)?;
        let listener = cluster.network().listen(([127, 0, 0, 1], 0).into())?;
        let server = format!("https://{}", listener.local_addr()?);
        // Some clients ask for a password when they have nothing to show.
        let kubeconfig = cluster
            .pki()
            .write_token_kubeconfig(&name, "not-checked", &server)?;
        let rules = Arc::new(Rules::default());
        let accepting = tokio::spawn(accept(listener, acceptor, upstream, Arc::clone(&rules)));
        Ok(Self {
            rules,
            kubeconfig,
            accepting,
        })
    }

    /// What the operator is started with.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// All write requests so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Recorded> {
        self.rules.requests()
    }

    /// Stops the `nth` write request (counted from 1, from now on) that
    /// `matches` at `moment`. Further writes wait as well until the returned
    /// hold is resolved: nothing happens while the test acts.
    #[must_use = "dropping it removes the rule"]
    pub fn hold(
        &self,
        nth: usize,
        moment: Moment,
        matches: impl Fn(&Recorded) -> bool + Send + 'static,
    ) -> Held {
        let (reached_sender, reached) = oneshot::channel();
        let (done_sender, done) = oneshot::channel();
        let (outcome, outcome_receiver) = watch::channel(None);
        let id = self.rules.add(
            When::Nth(nth),
            Action::Hold(Hold {
                moment,
                reached: reached_sender,
                outcome: outcome_receiver,
                done: done_sender,
            }),
            matches,
        );
        Held {
            rules: Arc::clone(&self.rules),
            id,
            reached: Some(reached),
            done: Some(done),
            outcome,
        }
    }

    /// Answers matching write requests with an error instead of sending them.
    /// `reason` is Kubernetes' machine-readable one, such as `Conflict`.
    pub fn answer(
        &self,
        when: When,
        status: StatusCode,
        reason: &'static str,
        matches: impl Fn(&Recorded) -> bool + Send + 'static,
    ) {
        self.rules
            .add(when, Action::Answer(status, reason), matches);
    }

    /// Never sends nor answers matching write requests.
    pub fn hang(&self, when: When, matches: impl Fn(&Recorded) -> bool + Send + 'static) {
        self.rules.add(when, Action::Hang, matches);
    }

    /// From now on requests whose path and query `matches` meet with trouble,
    /// reads and new watches too; watches that are open stay so.
    pub fn make_trouble(&self, trouble: Trouble, matches: impl Fn(&str) -> bool + Send + 'static) {
        self.rules.make_trouble(trouble, matches);
    }

    /// Removes all rules of [`FaultProxy::answer`], [`FaultProxy::hang`] and
    /// [`FaultProxy::make_trouble`].
    pub fn heal(&self) {
        self.rules.heal();
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// A request that will be, or is, stopped. Dropping it drops the request and
/// every write that waits behind it, as if their sender's connection had
/// broken at that moment.
#[derive(Debug)]
pub struct Held {
    rules: Arc<Rules>,
    id: u64,
    reached: Option<oneshot::Receiver<Recorded>>,
    done: Option<oneshot::Receiver<()>>,
    outcome: watch::Sender<Option<Outcome>>,
}

impl Held {
    /// Waits until the request is stopped, and returns it.
    ///
    /// # Errors
    /// When no such request comes within a minute.
    pub async fn reached(&mut self) -> Result<Recorded> {
        let reached = self
            .reached
            .take()
            .context("this hold was reached before")?;
        tokio::time::timeout(REACH_DEADLINE, reached)
            .await
            .context("the write request to hold did not come within a minute")?
            .context("the proxy ended")
    }

    /// Lets the request and those behind it go on, whether or not the sender
    /// still lives, and waits until the API server has answered it.
    pub async fn forward(mut self) {
        let done = self.done.take();
        self.rules.resolve(self.id);
        self.outcome.send_replace(Some(Outcome::Forward));
        if let Some(done) = done {
            // An error means that it had ended before.
            let _ = done.await;
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.rules.resolve(self.id);
        self.outcome.send_if_modified(|outcome| {
            let unresolved = outcome.is_none();
            if unresolved {
                *outcome = Some(Outcome::Drop);
            }
            unresolved
        });
    }
}

async fn accept(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    upstream: Upstream,
    rules: Arc<Rules>,
) {
    // Ends, with all its connections, when the proxy is dropped.
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, upstream) = (acceptor.clone(), upstream.clone());
        let rules = Arc::clone(&rules);
        connections.spawn(async move {
            if let Ok(stream) = acceptor.accept(stream).await {
                exchange::serve(stream, upstream, rules).await;
            }
        });
        while connections.try_join_next().is_some() {}
    }
}

fn tls_acceptor(pki: &Pki, name: &str) -> Result<TlsAcceptor> {
    pki.add_server(name, &["127.0.0.1"])?;
    let certificate = CertificateDer::from_pem_file(pki.path(&format!("{name}.crt")))
        .context("read the proxy's certificate")?;
    let key = PrivateKeyDer::from_pem_file(pki.path(&format!("{name}.key")))
        .context("read the proxy's key")?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
