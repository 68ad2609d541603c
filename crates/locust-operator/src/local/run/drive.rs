//! The processes of a test, from the first to the last.

use std::pin::pin;
use std::time::Duration;

use locust_api::names::Role;
use locust_core::locust::{Exit, State};
use tokio::sync::oneshot;

use crate::local::api::Api;
use crate::local::launcher::End;
use crate::local::prepare::Prepared;
use crate::local::results::{Follow, Followed};
use crate::local::signals::Signals;
use crate::local::supervise::{Died, Fleet, ProcessId};
use crate::local::view::{View, Voice};

/// A master that is told to end does so in 3 seconds: it tells its workers,
/// twice, and prints its summary.
const MASTER_PATIENCE: Duration = Duration::from_secs(15);
/// A worker does so in half a second. One that waits for a master never does.
const WORKER_PATIENCE: Duration = Duration::from_secs(3);
/// A worker's end at the start is mostly the master's as well, for the same
/// reason, a moment later.
const SAME_REASON: Duration = Duration::from_secs(2);

/// Processes that run.
pub(super) struct Drive<'a> {
    pub(super) prepared: &'a Prepared,
    pub(super) api: &'a Api,
    pub(super) view: View,
}

/// How it went.
pub(super) enum Driven {
    /// To an end, good or bad.
    Followed {
        followed: Box<Followed>,
        /// How the master ended; `None` if it had to be killed.
        exit: Option<Exit>,
        /// The same with its log, if it ended by itself.
        master: Option<Died>,
    },
    /// A process ended before there was load.
    Died(Died),
    /// A person could not wait.
    Killed,
}

impl Drive<'_> {
    /// Follows the run to its end, then has all processes end in order.
    pub(super) async fn play(mut self, fleet: &mut Fleet, signals: &mut Signals) -> Driven {
        let voice = self.view.voice();
        let (stop, stopped) = oneshot::channel::<()>();
        let (gone, master_gone) = oneshot::channel::<()>();
        let (mut stop, mut gone) = (Some(stop), Some(gone));
        let follow = Follow {
            api: self.api,
            view: &mut self.view,
            load: self.prepared.load.clone(),
            expected_workers: u64::try_from(self.prepared.workers()).unwrap_or(u64::MAX),
            stay: self.prepared.stay,
            limits: self.prepared.limits.clone(),
        };
        let follow = follow.run(told(stopped), told(master_gone));
        let mut follow = pin!(follow);
        let followed = loop {
            tokio::select! {
                followed = &mut follow => break followed,
                died = fleet.next_end() => {
                    if died.id != ProcessId::MASTER
                        && let Some(died) = worker_ended(died, self.api, fleet, &voice).await
                    {
                        return Driven::Died(died);
                    }
                    if fleet.is_over(Role::Master) {
                        tell(&mut gone);
                    }
                }
                () = signals.next() => {
                    if stop.is_none() {
                        return Driven::Killed;
                    }
                    tell(&mut stop);
                }
            }
        };
        let master = fleet.died(ProcessId::MASTER);
        tokio::select! {
            () = end_in_order(fleet) => {}
            () = signals.next() => return Driven::Killed,
        }
        let exit = match fleet.end_of(ProcessId::MASTER) {
            Some(End::Exit(exit)) => Some(exit),
            Some(End::NotStarted) | None => None,
        };
        Driven::Followed {
            followed: Box::new(followed),
            exit,
            master,
        }
    }
}

/// A future for the other end: it is done when it is told, and only then.
async fn told(receiver: oneshot::Receiver<()>) {
    if receiver.await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn tell(sender: &mut Option<oneshot::Sender<()>>) {
    if let Some(sender) = sender.take() {
        // Nobody listens any more when the run is over anyway.
        let _ = sender.send(());
    }
}

/// A worker that ends before there is load ends the run: the master would wait
/// for it for ever. Later the others go on, and whether they are enough is for
/// the numbers to say.
async fn worker_ended(died: Died, api: &Api, fleet: &mut Fleet, voice: &Voice) -> Option<Died> {
    if fleet.is_over(Role::Master) {
        return None;
    }
    let has_begun = api
        .sample()
        .await
        .is_ok_and(|sample| sample.state != State::Ready || sample.totals.requests > 0);
    if has_begun {
        // Workers end with 0 when their master tells them to.
        if died.end != End::Exit(Exit::Code(0)) {
            voice.say(&format!(
                "warning: {died}\nthe run goes on with the other workers"
            ));
        }
        return None;
    }
    let with_master = fleet
        .wait_until(SAME_REASON, |fleet| fleet.is_over(Role::Master))
        .await;
    (!with_master).then_some(died)
}

/// First the master, which tells its workers; then workers that did not hear
/// it. A worker without a master would go on with its load for a minute.
async fn end_in_order(fleet: &mut Fleet) {
    fleet.terminate(Role::Master).await;
    fleet
        .wait_until(MASTER_PATIENCE, |fleet| fleet.is_over(Role::Master))
        .await;
    let workers_over = |fleet: &Fleet| fleet.is_over(Role::Worker);
    if !fleet
        .wait_until(Duration::from_millis(500), workers_over)
        .await
    {
        fleet.terminate(Role::Worker).await;
        fleet.wait_until(WORKER_PATIENCE, workers_over).await;
    }
}
