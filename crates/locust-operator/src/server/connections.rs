//! The open connections, of which there are only so many. When there is no
//! room, the one that is worth least is closed for the next: who has asked for
//! something before is not kept out by those who only connect.

pub(crate) mod rules;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use rules::{Connection, Stage, least};

/// How many connections may be open.
pub(crate) const MOST: usize = 256;

/// All open connections.
#[derive(Clone, Debug, Default)]
pub(super) struct Connections(Arc<Mutex<Open>>);

#[derive(Debug, Default)]
struct Open {
    last: u64,
    connections: BTreeMap<u64, (Connection, CancellationToken)>,
}

/// A place among the connections, which is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    connections: Connections,
    number: u64,
    /// Cancelled when the place is needed for somebody else.
    pub(super) close: CancellationToken,
}

impl Connections {
    /// A place for a new connection, if need be that of another one. `None`
    /// while all others are of more worth.
    pub(super) fn place(&self) -> Option<Place> {
        let mut open = self.lock();
        let now = Instant::now();
        if open.connections.len() >= MOST {
            let all = open.connections.iter();
            let all = all.map(|(number, (connection, _))| (*number, connection));
            let number = least(all, now)?;
            let (_, close) = open.connections.remove(&number)?;
            close.cancel();
        }
        open.last = open.last.wrapping_add(1);
        let number = open.last;
        let close = CancellationToken::new();
        open.connections
            .insert(number, (Connection::opened(now), close.clone()));
        Some(Place {
            connections: self.clone(),
            number,
            close,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Notes what the connection does.
    pub(crate) fn is(&self, stage: Stage) {
        if let Some((connection, _)) = self.connections.lock().connections.get_mut(&self.number) {
            connection.is(stage, Instant::now());
        }
    }

    /// Waits until there is nothing to be hoped of the connection.
    pub(super) async fn useless(&self) {
        while let Some(wait) = self.wait() {
            tokio::time::sleep(wait).await;
        }
    }

    /// How long to hope; `None`: no longer.
    fn wait(&self) -> Option<Duration> {
        let open = self.connections.lock();
        let (connection, _) = open.connections.get(&self.number)?;
        let wait = connection.hope(Instant::now());
        (wait > Duration::ZERO).then_some(wait)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.lock().connections.remove(&self.number);
    }
}
