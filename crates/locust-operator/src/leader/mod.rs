//! Which replica works: the election of a leader by a Lease.
//!
//! | file | does |
//! |---|---|
//! | `mod.rs` | stands for election, until that is over |
//! | `seat.rs` | reads, writes and watches the Lease |
//! | `term.rs` | the right to write, which every client asks before each write |
//!
//! Its rules are in `locust_core::election`.

mod seat;
mod term;

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use kube::Client;
use locust_core::election::{Answer, Elector, End, Event, Timing};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use seat::{LAST_WORDS, Seat, Stored};
use term::Ending;

pub(crate) use seat::LEASE;
pub(crate) use term::Term;

/// Where the Lease is, and who stands for election.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Election {
    /// Namespace of the Lease.
    pub namespace: String,
    /// Different for every process.
    pub identity: String,
}

/// How leadership was lost.
#[derive(Debug, thiserror::Error)]
pub enum Lost {
    /// The Lease could not be renewed.
    #[error(
        "leader election lost: Lease {lease} was not renewed for {} s ({cause}); this process ends so that another one can lead",
        Timing::DEFAULT.renew_deadline.as_secs()
    )]
    NotRenewed {
        /// Namespace and name.
        lease: String,
        /// Why.
        cause: String,
    },
    /// Somebody else has the Lease.
    #[error(
        "leader election lost: Lease {lease} was taken by another process or by hand; this process ends"
    )]
    Deposed {
        /// Namespace and name.
        lease: String,
    },
    /// The task that stands for election panicked.
    #[error("leader election ended unexpectedly; this process ends")]
    Panicked,
}

/// A replica that stands for election, or leads.
pub(crate) struct Candidate {
    term: Term,
    resign: CancellationToken,
    campaign: JoinHandle<Result<(), Lost>>,
}

impl Candidate {
    /// Stands for election from now on. The client is for the Lease alone: no
    /// other call may be in the way of a renewal.
    pub(crate) fn stand(client: Client, election: Election) -> Self {
        let (ending, term) = Term::not_begun();
        let resign = CancellationToken::new();
        let seat = Seat::new(client, election);
        let campaign = tokio::spawn(campaign(seat, ending, resign.clone()));
        Self {
            term,
            resign,
            campaign,
        }
    }

    /// The right to write, which begins with leadership.
    pub(crate) fn term(&self) -> Term {
        self.term.clone()
    }

    /// Waits until leadership is lost.
    pub(crate) async fn lost(&mut self) -> Lost {
        match (&mut self.campaign).await {
            Ok(Err(lost)) => lost,
            Ok(Ok(())) | Err(_) => Lost::Panicked,
        }
    }

    /// Takes no part any more, and gives the Lease back. Everything that writes
    /// must have ended.
    pub(crate) async fn resign(self) -> Result<(), Lost> {
        self.resign.cancel();
        self.campaign.await.unwrap_or(Err(Lost::Panicked))
    }
}

/// Stands for election until that is over: well, if it resigned.
async fn campaign(seat: Seat, ending: Ending, resign: CancellationToken) -> Result<(), Lost> {
    let lease = seat.name();
    tracing::info!(lease, "attempting to acquire leader lease");
    let began = Instant::now();
    let mut elector = Elector::new(Timing::DEFAULT, began.elapsed());
    let mut told = seat.watch();
    let mut call: Option<BoxFuture<'static, Answer<Stored>>> = None;
    let mut news = JoinSet::new();
    let mut has_resigned = false;
    let mut event = Event::Woke;
    let end = loop {
        let next = elector.step(began.elapsed(), event);
        let until = next.acting.map(|until| began + until);
        // Before anything is sent that gives the Lease away.
        let has_changed = ending.is_now(until);
        if let Some(end) = next.end {
            break end;
        }
        if has_changed {
            tell(&seat, &mut news, until.is_some());
        }
        if let Some(next) = next.call {
            call = Some(seat.clone().call(next).boxed());
        }
        let wake = next.wake.map(|wake| began + wake);
        event = tokio::select! {
            answer = pending(&mut call) => {
                call = None;
                Event::Answered(answer)
            }
            () = tokio::time::sleep_until(wake.unwrap_or(began)), if wake.is_some() => Event::Woke,
            () = resign.cancelled(), if !has_resigned => {
                has_resigned = true;
                Event::Resigned
            }
            Some(seen) = told.next() => Event::Told(seen),
        };
    };
    match end {
        End::Released | End::Resigned => {
            tracing::info!(lease, given_back = end == End::Released, "resigned");
            // Words that cannot be sent are not worth waiting for.
            let _ = tokio::time::timeout(LAST_WORDS, news.join_all()).await;
        }
        End::NotRenewed => {
            let cause = seat.trouble();
            let cause = cause.unwrap_or_else(|| "this process did not run".to_owned());
            return Err(Lost::NotRenewed { lease, cause });
        }
        End::Deposed => return Err(Lost::Deposed { lease }),
    }
    Ok(())
}

/// The answer of a call in flight, if there is one.
async fn pending<T>(call: &mut Option<BoxFuture<'static, T>>) -> T {
    match call {
        Some(call) => call.await,
        None => std::future::pending().await,
    }
}

fn tell(seat: &Seat, news: &mut JoinSet<()>, leads: bool) {
    let lease = seat.name();
    match leads {
        true => {
            tracing::info!(lease, "successfully acquired lease");
            news.spawn(seat.clone().tell("became leader"));
        }
        false => {
            tracing::info!(lease, "stopped leading");
            news.spawn(seat.clone().tell("stopped leading"));
        }
    }
}
