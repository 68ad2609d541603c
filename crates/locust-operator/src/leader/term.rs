//! The right to write. Whoever has a client of the API server got it with a
//! term, and every write asks it at the moment at which it is sent.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// How long writes may be sent, and their answers be waited for.
#[derive(Clone, Debug)]
pub(crate) enum Term {
    /// For ever: there is no election, or it is not about these writes.
    Unlimited,
    /// As long as this replica leads.
    Elected(watch::Receiver<Option<Instant>>),
}

/// Moves the end of a term. When it is gone, the term ends when it was to end.
pub(super) struct Ending(watch::Sender<Option<Instant>>);

impl Term {
    /// A term that has not begun.
    pub(super) fn not_begun() -> (Ending, Self) {
        let (sender, receiver) = watch::channel(None);
        (Ending(sender), Self::Elected(receiver))
    }

    /// How much of it is left at a moment; `None`: nothing may be written.
    pub(crate) fn left(&self, now: Instant) -> Option<Duration> {
        match self {
            Self::Unlimited => Some(Duration::MAX),
            Self::Elected(until) => {
                let until = (*until.borrow())?;
                until
                    .checked_duration_since(now)
                    .filter(|left| !left.is_zero())
            }
        }
    }

    /// Waits until it has begun.
    pub(crate) async fn begun(&self) {
        if let Self::Elected(until) = self {
            let begun = until.clone().wait_for(Option::is_some).await.is_ok();
            if !begun {
                // Whoever could begin it has gone.
                std::future::pending::<()>().await;
            }
        }
    }
}

impl Ending {
    /// Returns whether the term has just begun or ended.
    pub(super) fn is_now(&self, until: Option<Instant>) -> bool {
        let before = self.0.send_replace(until);
        before.is_some() != until.is_some()
    }
}
