//! The Lease in the API server: its calls, its watch and the events about it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::PostParams;
use kube::runtime::events::{Event as Note, EventType, Recorder, Reporter};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, Resource};
use locust_core::election::lease::{created, held, holder, holder_identity, released};
use locust_core::election::{Answer, Call, Seen, Timing};

use super::Election;
use crate::controller::answer::{chain, code, message};

/// The Lease of the Go operator: the two exclude each other.
pub(crate) const LEASE: &str = "locust-k8s-operator.locust.io";

/// A Lease as it was stored, told from others by its version.
#[derive(Clone, Debug)]
pub(super) struct Stored(Arc<Lease>);

impl PartialEq for Stored {
    fn eq(&self, other: &Self) -> bool {
        self.0.metadata.resource_version == other.0.metadata.resource_version
    }
}

/// The Lease, as one replica has to do with it.
#[derive(Clone)]
pub(super) struct Seat {
    client: Client,
    api: Api<Lease>,
    election: Election,
    /// Why the last call failed.
    trouble: Arc<Mutex<Option<String>>>,
    /// Who held it when it was seen last.
    holder: Arc<Mutex<Option<String>>>,
}

impl Seat {
    pub(super) fn new(client: Client, election: Election) -> Self {
        Self {
            api: Api::namespaced(client.clone(), &election.namespace),
            client,
            election,
            trouble: Arc::default(),
            holder: Arc::default(),
        }
    }

    /// `NAMESPACE/NAME`.
    pub(super) fn name(&self) -> String {
        format!("{}/{LEASE}", self.election.namespace)
    }

    /// Why the last call failed, unless it did well.
    pub(super) fn trouble(&self) -> Option<String> {
        self.trouble
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Carries a call out. It ends in time, whatever the API server does.
    pub(super) async fn call(self, call: Call<Stored>) -> Answer<Stored> {
        let deadline = Timing::DEFAULT.call_deadline();
        let answer = tokio::time::timeout(deadline, self.send(&call)).await;
        let failed = match answer {
            Ok(Ok(answer)) => {
                self.note_trouble(None);
                return answer;
            }
            Ok(Err(error)) => match (&call, code(&error)) {
                (Call::Create | Call::Hold(_) | Call::Release(_), Some(409))
                | (Call::Hold(_) | Call::Release(_), Some(404)) => {
                    self.note_trouble(None);
                    return Answer::Conflict;
                }
                (_, Some(403)) => format!(
                    "no permission: {}; grant get, list, watch, create and update on leases in namespace {}",
                    message(&error),
                    self.election.namespace
                ),
                (_, _) => chain(&error),
            },
            Err(_) => format!("no answer within {} s", deadline.as_secs()),
        };
        self.note_trouble(Some(failed));
        Answer::Failed
    }

    async fn send(&self, call: &Call<Stored>) -> Result<Answer<Stored>, kube::Error> {
        let Election {
            namespace,
            identity,
        } = &self.election;
        let now = Timestamp::now();
        let params = PostParams::default();
        let stored = match call {
            Call::Read => {
                let found = self.api.get_opt(LEASE).await?;
                return Ok(Answer::Found(found.map(|lease| self.seen(lease))));
            }
            Call::Create => {
                let lease = created(namespace, LEASE, identity, now);
                self.api.create(&params, &lease).await?
            }
            Call::Hold(Stored(before)) => {
                let lease = held(before, identity, now);
                self.api.replace(LEASE, &params, &lease).await?
            }
            Call::Release(Stored(before)) => {
                let lease = released(before, now);
                self.api.replace(LEASE, &params, &lease).await?
            }
        };
        Ok(Answer::Stored(Stored(Arc::new(stored))))
    }

    fn seen(&self, lease: Lease) -> Seen<Stored> {
        let holder_now = holder_identity(&lease).map(str::to_owned);
        let mut noted = self.holder.lock().unwrap_or_else(PoisonError::into_inner);
        if *noted != holder_now {
            tracing::debug!(
                lease = self.name(),
                holder = holder_now,
                "the lease is held"
            );
            *noted = holder_now;
        }
        Seen {
            holder: holder(&lease, &self.election.identity),
            version: Stored(Arc::new(lease)),
        }
    }

    /// Repeated every two seconds a line would say nothing new.
    fn note_trouble(&self, trouble: Option<String>) {
        let mut noted = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cause) = trouble.as_ref().filter(|_| *noted != trouble) {
            tracing::warn!(
                lease = self.name(),
                cause,
                "the lease cannot be read or written"
            );
        }
        *noted = trouble;
    }

    /// What a watch tells. While it does not work, the Lease is still read
    /// every two seconds.
    pub(super) fn watch(&self) -> BoxStream<'static, Option<Seen<Stored>>> {
        let seat = self.clone();
        watcher::watch_object(self.api.clone(), LEASE)
            .default_backoff()
            .filter_map(move |lease| {
                let seen = lease.ok().map(|lease| lease.map(|lease| seat.seen(lease)));
                std::future::ready(seen)
            })
            .boxed()
    }

    /// Tells about this replica in an event of the Lease, in the words of
    /// client-go.
    pub(super) async fn tell(self, what: &'static str) {
        let identity = &self.election.identity;
        let reporter = Reporter {
            controller: "locust-k8s-operator".to_owned(),
            instance: Some(identity.clone()),
        };
        let note = Note {
            type_: EventType::Normal,
            reason: "LeaderElection".to_owned(),
            note: Some(format!("{identity} {what}")),
            action: "LeaderElection".to_owned(),
            secondary: None,
        };
        let about = match self.api.get(LEASE).await {
            Ok(lease) => lease.object_ref(&()),
            Err(_) => return,
        };
        let recorder = Recorder::new(self.client.clone(), reporter);
        if let Err(error) = recorder.publish(&note, &about).await {
            tracing::debug!(cause = %chain(&error), "the event about the lease could not be sent");
        }
    }
}

/// How long the last event is waited for.
pub(super) const LAST_WORDS: Duration = Duration::from_secs(1);
