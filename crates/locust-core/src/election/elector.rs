//! One replica in an election. Time is that of its own clock, counted from any
//! moment, and never goes back.

use std::time::Duration;

use super::{Answer, Call, End, Event, Holder, Next, Seen, Timing};

/// One replica in an election.
#[derive(Clone, Debug)]
pub struct Elector<V> {
    pub(super) timing: Timing,
    pub(super) role: Role<V>,
    /// What is in flight, and when it was sent.
    pub(super) sent: Option<(Call<V>, Duration)>,
    /// When to call next.
    pub(super) due: Duration,
    /// Something was told since then that the answer in flight may not know.
    pub(super) is_outdated: bool,
}

/// What a replica is.
#[derive(Clone, Debug)]
pub(super) enum Role<V> {
    /// It waits for the Lease to be free.
    Standby(Option<Known<V>>),
    /// It may act.
    Leading { until: Duration, lease: Ours<V> },
    /// It does not act any more and gives the Lease back.
    Leaving { until: Duration, lease: Ours<V> },
    /// It is over.
    Over(End),
}

/// The Lease, as one who does not hold it knows it.
#[derive(Clone, Debug)]
pub(super) struct Known<V> {
    pub(super) seen: Option<Seen<V>>,
    /// From when on it may be taken, if it stays as it is.
    pub(super) free_from: Duration,
}

/// The Lease, as its holder knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ours<V> {
    /// Its version.
    At(V),
    /// It has to be read.
    Unknown,
    /// Somebody deleted it.
    Missing,
}

impl<V: Clone + PartialEq> Elector<V> {
    /// A replica that starts now.
    #[must_use]
    pub fn new(timing: Timing, now: Duration) -> Self {
        Self {
            timing,
            role: Role::Standby(None),
            sent: None,
            due: now,
            is_outdated: false,
        }
    }

    /// Takes in what happened, and says what to do next.
    pub fn step(&mut self, now: Duration, event: Event<V>) -> Next<V> {
        self.expire(now);
        let mut at_once = None;
        match event {
            Event::Woke => {}
            Event::Answered(answer) => {
                if let Some((call, sent)) = self.sent.take() {
                    self.due = match std::mem::take(&mut self.is_outdated) {
                        true => now,
                        false => (sent + self.timing.retry).max(now),
                    };
                    at_once = self.answered(now, &call, sent, answer);
                }
            }
            Event::Told(seen) => self.told(now, seen),
            Event::Resigned => self.resign(now),
        }
        self.next(now, at_once)
    }

    /// Until when this replica may act.
    pub(super) fn acting(&self) -> Option<Duration> {
        match &self.role {
            Role::Leading { until, .. } => Some(*until),
            Role::Standby(_) | Role::Leaving { .. } | Role::Over(_) => None,
        }
    }

    /// Comes before everything else: an answer that arrives too late changes
    /// nothing.
    fn expire(&mut self, now: Duration) {
        match &self.role {
            Role::Leading { until, .. } if now >= *until => {
                self.role = Role::Over(End::NotRenewed);
            }
            Role::Leaving { until, .. } if now >= *until => self.role = Role::Over(End::Resigned),
            Role::Standby(_) | Role::Leading { .. } | Role::Leaving { .. } | Role::Over(_) => {}
        }
    }

    /// Returns what to call at once.
    fn answered(
        &mut self,
        now: Duration,
        call: &Call<V>,
        sent: Duration,
        answer: Answer<V>,
    ) -> Option<Call<V>> {
        match (&self.role, answer) {
            // The next write tells by a conflict whether this one was done.
            (Role::Over(_), _)
            | (Role::Standby(_), Answer::Conflict | Answer::Failed)
            | (Role::Leading { .. }, Answer::Failed) => {}
            (Role::Standby(known), Answer::Found(seen)) => {
                let known = self.known(known.as_ref(), seen, now);
                return self.take_if_free(now, known);
            }
            (Role::Standby(_), Answer::Stored(version)) => self.begin(now, sent, version),
            (Role::Leading { .. }, Answer::Stored(version)) => {
                let until = sent + self.timing.renew_deadline;
                let lease = Ours::At(version);
                self.role = Role::Leading { until, lease };
            }
            (Role::Leading { .. } | Role::Leaving { .. }, Answer::Found(seen)) => {
                self.due = now;
                self.found(seen);
            }
            (Role::Leading { .. } | Role::Leaving { .. }, Answer::Conflict) => {
                self.due = (sent + self.timing.after_conflict()).max(now);
                self.learn(Ours::Unknown);
            }
            (Role::Leaving { .. }, Answer::Stored(version)) => {
                self.due = now;
                match call {
                    Call::Release(_) => self.role = Role::Over(End::Released),
                    Call::Read | Call::Create | Call::Hold(_) => self.learn(Ours::At(version)),
                }
            }
            (Role::Leaving { .. }, Answer::Failed) => self.role = Role::Over(End::Resigned),
        }
        None
    }

    /// What a watch tells makes a standby's knowledge fresher, or older: that
    /// is to wait longer. It takes only what it has read.
    fn told(&mut self, now: Duration, seen: Option<Seen<V>>) {
        if let Role::Standby(known) = &self.role {
            let known = self.known(known.as_ref(), seen, now);
            self.due = self.due.min(known.free_from.max(now));
            self.is_outdated = self.sent.is_some() && known.free_from <= now;
            self.role = Role::Standby(Some(known));
        }
    }

    /// A standby takes only what it has read just now.
    fn take_if_free(&mut self, now: Duration, known: Known<V>) -> Option<Call<V>> {
        let call = match (&known.seen, now >= known.free_from) {
            (None, true) => Some(Call::Create),
            (Some(seen), true) => Some(Call::Hold(seen.version.clone())),
            (_, false) => {
                self.due = self.due.min(known.free_from);
                None
            }
        };
        self.role = Role::Standby(Some(known));
        call
    }

    /// What a standby knows after a read. A Lease that was given back, or that
    /// never was, is free at once, and so is one that a write of ours reached
    /// whose answer was lost. Every other one, a deleted one too, may still be
    /// acted under: it is waited for.
    fn known(&self, before: Option<&Known<V>>, seen: Option<Seen<V>>, now: Duration) -> Known<V> {
        if let Some(before) = before
            && version(before.seen.as_ref()) == version(seen.as_ref())
        {
            return before.clone();
        }
        let is_free = match (&seen, before) {
            (None, before) => before.is_none(),
            (Some(seen), _) => seen.holder != Holder::Other,
        };
        let wait = match is_free {
            true => Duration::ZERO,
            false => self.timing.lease,
        };
        let free_from = now + wait;
        Known { seen, free_from }
    }

    /// The Lease was taken. If the answer took so long that it may be another
    /// one's by now, this is not a beginning.
    fn begin(&mut self, now: Duration, sent: Duration, version: V) {
        let until = sent + self.timing.renew_deadline;
        if now < until {
            let lease = Ours::At(version);
            self.role = Role::Leading { until, lease };
        }
    }

    fn learn(&mut self, learned: Ours<V>) {
        if let Role::Leading { lease, .. } | Role::Leaving { lease, .. } = &mut self.role {
            *lease = learned;
        }
    }

    /// The holder has read the Lease.
    fn found(&mut self, seen: Option<Seen<V>>) {
        match seen {
            None if self.acting().is_none() => self.role = Role::Over(End::Resigned),
            None => self.learn(Ours::Missing),
            Some(Seen {
                version,
                holder: Holder::Us,
            }) => self.learn(Ours::At(version)),
            Some(Seen {
                version: _,
                holder: Holder::Nobody | Holder::Other,
            }) => {
                let end = match &self.role {
                    Role::Leading { .. } => End::Deposed,
                    Role::Standby(_) | Role::Leaving { .. } | Role::Over(_) => End::Resigned,
                };
                self.role = Role::Over(end);
            }
        }
    }

    fn resign(&mut self, now: Duration) {
        let until = now + self.timing.call_deadline();
        let lease = match &self.role {
            Role::Leading { lease, .. } => lease.clone(),
            // Its answer may be that the Lease is ours.
            Role::Standby(_) if self.writes() => Ours::Unknown,
            Role::Standby(_) => {
                self.role = Role::Over(End::Resigned);
                return;
            }
            Role::Leaving { .. } | Role::Over(_) => return,
        };
        self.due = now;
        self.role = Role::Leaving { until, lease };
    }

    fn writes(&self) -> bool {
        matches!(self.sent, Some((Call::Create | Call::Hold(_), _)))
    }

    fn next(&mut self, now: Duration, at_once: Option<Call<V>>) -> Next<V> {
        let is_due = self.sent.is_none() && now >= self.due;
        let call = at_once.or_else(|| is_due.then(|| self.call()).flatten());
        if let Some(call) = &call {
            self.sent = Some((call.clone(), now));
        }
        let due = self.sent.is_none().then_some(self.due);
        let (wake, end) = match &self.role {
            Role::Standby(_) => (due, None),
            Role::Leading { until, .. } | Role::Leaving { until, .. } => {
                (Some(due.map_or(*until, |due| due.min(*until))), None)
            }
            Role::Over(end) => (None, Some(*end)),
        };
        Next {
            call,
            wake,
            acting: self.acting(),
            end,
        }
    }

    /// What to call when it is time for a call.
    fn call(&self) -> Option<Call<V>> {
        match &self.role {
            Role::Standby(_) => Some(Call::Read),
            Role::Leading { lease, .. } => Some(match lease {
                Ours::At(version) => Call::Hold(version.clone()),
                Ours::Unknown => Call::Read,
                Ours::Missing => Call::Create,
            }),
            Role::Leaving { lease, .. } => Some(match lease {
                Ours::At(version) => Call::Release(version.clone()),
                Ours::Unknown | Ours::Missing => Call::Read,
            }),
            Role::Over(_) => None,
        }
    }
}

fn version<V>(seen: Option<&Seen<V>>) -> Option<&V> {
    seen.map(|seen| &seen.version)
}
