//! Which of several replicas acts: the rules of an election by a Lease.
//!
//! A replica acts for [`Timing::renew_deadline`] from the moment at which it
//! *sent* the last write of the Lease that was answered with success. Another
//! one takes the Lease once it has seen it unchanged for [`Timing::lease`].
//! Whatever was written, was written after it was sent, and was seen after it
//! was written: so the first has stopped when the second begins, unless the
//! second one's clock runs one and a half times as fast.
//!
//! No time that stands in a Lease is ever looked at, for it was another
//! machine's. Every write carries the version that it replaces, so that of two
//! who try, one fails.
//!
//! [`Elector`] gets what happened and says what to do next; [`lease`] says what
//! to write.

mod elector;
pub mod lease;

#[cfg(test)]
mod tests;

use std::time::Duration;

pub use elector::Elector;

/// How long things take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// How long a Lease has to be seen unchanged before it is taken.
    pub lease: Duration,
    /// How long a leader acts after the last successful write of it.
    pub renew_deadline: Duration,
    /// How often it is renewed, or looked at.
    pub retry: Duration,
}

impl Timing {
    /// Those of controller-runtime, which the Go operator has.
    pub const DEFAULT: Self = Self {
        lease: Duration::from_secs(15),
        renew_deadline: Duration::from_secs(10),
        retry: Duration::from_secs(2),
    };

    /// How long an answer is waited for: so that one call that gets none is not
    /// the end.
    #[must_use]
    pub fn call_deadline(&self) -> Duration {
        self.renew_deadline / 2
    }

    /// The pause after somebody else's write came first.
    fn after_conflict(&self) -> Duration {
        self.retry / 4
    }
}

/// Who holds a Lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Holder {
    /// This replica.
    Us,
    /// Its last holder gave it back.
    Nobody,
    /// Another one, or it was tampered with.
    Other,
}

/// A Lease as it was read. `V` is its version, and whatever is needed to write
/// it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Seen<V> {
    /// Equal if nothing was written between.
    pub version: V,
    /// Who holds it.
    pub holder: Holder,
}

/// A call of the API server about the Lease.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Call<V> {
    /// Read it.
    Read,
    /// Create it, with this replica as the holder.
    Create,
    /// Write this replica as the holder, over this version.
    Hold(V),
    /// Give it back, over this version.
    Release(V),
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Answer<V> {
    /// What was read; `None`: there is no Lease.
    Found(Option<Seen<V>>),
    /// Written, as this version.
    Stored(V),
    /// Not written: it is not, or no longer, as it was.
    Conflict,
    /// An error, or no answer in time: a write may have been done or not, or
    /// may be done later.
    Failed,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<V> {
    /// Time passed.
    Woke,
    /// The call in flight was answered.
    Answered(Answer<V>),
    /// A watch tells of the Lease, as it is or as it was a while ago.
    Told(Option<Seen<V>>),
    /// This replica does nothing any more, and is to give the Lease back.
    Resigned,
}

/// Why a replica takes no part any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// It gave the Lease back.
    Released,
    /// It resigned without holding the Lease, or could not give it back.
    Resigned,
    /// It led, and could not renew the Lease in time.
    NotRenewed,
    /// It led, and the Lease turned out to be another one's.
    Deposed,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Next<V> {
    /// To be sent now. There is never more than one in flight.
    pub call: Option<Call<V>>,
    /// When to say that time has passed.
    pub wake: Option<Duration>,
    /// This replica may act before that moment; `None`: it may not.
    pub acting: Option<Duration>,
    /// It is over: do nothing any more.
    pub end: Option<End>,
}
