//! Replicas, their clocks, a network that delays and loses, and an API server
//! with one Lease.
//!
//! A replica that is paused, or that gets no processor, is one to which nothing
//! happens while time passes: it may act as long as its clock says so, for
//! that is all it looks at before a write.

use std::time::Duration;

use super::super::elector::Elector;
use super::super::{Answer, Call, End, Event, Holder, Seen, Timing};

/// How often a replica may be started.
pub(super) const LIVES: u8 = 2;

/// What stands in the API server.
#[derive(Clone, Copy)]
pub(super) struct Lease {
    pub(super) version: u8,
    pub(super) holder: Written,
}

/// Who a Lease says holds it.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Written {
    /// A life of a replica.
    Replica(u8),
    GivenBack,
    /// Somebody took the holder out by hand.
    Nothing,
}

/// A call on its way.
#[derive(Clone)]
pub(super) enum Flight {
    None,
    Sent(Call<u8>),
    Answered(Answer<u8>),
}

/// A replica with what is around it.
#[derive(Clone)]
pub(super) struct Node {
    pub(super) elector: Elector<u8>,
    /// Its clock, and by how much that goes on when time passes.
    pub(super) clock: u32,
    rate: u32,
    pub(super) wake: Option<u32>,
    pub(super) flight: Flight,
    /// A write that was given up, and may still arrive.
    pub(super) stray: Option<(u8, Call<u8>)>,
    /// What its watch has seen and not told yet.
    pub(super) watch: Option<Option<Seen<u8>>>,
    pub(super) end: Option<End>,
    pub(super) has_resigned: bool,
    /// Which of its lives this is.
    pub(super) life: u8,
}

/// Everything there is.
#[derive(Clone)]
pub(super) struct World<const N: usize> {
    pub(super) lease: Option<Lease>,
    /// How often the Lease was written or deleted.
    pub(super) writes: u8,
    pub(super) nodes: [Node; N],
}

/// What may happen next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Happening {
    TimePasses,
    Wakes(u8),
    CallArrives(u8),
    AnswerArrives(u8),
    CallFails(u8),
    StrayArrives(u8),
    WatchSees(u8),
    WatchTells(u8),
    Resigns(u8),
    StartsAnew(u8),
    LeaseDeleted,
    HolderErased,
}

/// What else may happen, beside pauses, lost and late calls and resignations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Besides {
    /// Replicas are killed and started anew.
    Crashes,
    /// That, and watches tell of the Lease, late or not.
    Watches,
    /// People delete and edit the Lease.
    Tampering,
}

fn at(tenths: u32) -> Duration {
    Duration::from_millis(u64::from(tenths) * 100)
}

pub(super) fn tenths(time: Duration) -> u32 {
    u32::try_from(time.as_millis() / 100).unwrap()
}

impl Node {
    fn new(rate: u32, clock: u32, life: u8) -> Self {
        Self {
            elector: Elector::new(Timing::DEFAULT, at(clock)),
            clock,
            rate,
            wake: Some(clock),
            flight: Flight::None,
            stray: None,
            watch: None,
            end: None,
            has_resigned: false,
            life,
        }
    }

    /// Whether it would write something now.
    pub(super) fn acts(&self) -> bool {
        let until = self.elector.acting();
        until.is_some_and(|until| at(self.clock) < until)
    }

    fn step(&mut self, event: Event<u8>) {
        let next = self.elector.step(at(self.clock), event);
        if let Some(call) = next.call {
            self.flight = Flight::Sent(call);
        }
        self.wake = next.wake.map(tenths);
        self.end = next.end;
    }

    fn is_due(&self) -> bool {
        self.wake.is_some_and(|wake| wake <= self.clock)
    }
}

impl<const N: usize> World<N> {
    /// Replicas that are about to start.
    pub(super) fn new(rates: [u32; N]) -> Self {
        Self {
            lease: None,
            writes: 0,
            nodes: rates.map(|rate| Node::new(rate, 0, 0)),
        }
    }

    /// The first one leads and the others have seen that.
    pub(super) fn settled(rates: [u32; N]) -> Self {
        let mut world = Self::new(rates);
        for index in 0..N {
            world.run_promptly(index);
        }
        assert!(world.nodes[0].acts());
        world
    }

    /// All that may happen now.
    pub(super) fn happenings(&self, besides: Besides) -> impl Iterator<Item = Happening> {
        let mut all = Vec::with_capacity(6 * N);
        all.push(Happening::TimePasses);
        for (index, node) in (0_u8..).zip(&self.nodes) {
            match node.flight {
                Flight::None => {}
                Flight::Sent(_) => {
                    all.extend([Happening::CallArrives(index), Happening::CallFails(index)])
                }
                Flight::Answered(_) => {
                    all.extend([Happening::AnswerArrives(index), Happening::CallFails(index)])
                }
            }
            if node.is_due() {
                all.push(Happening::Wakes(index));
            }
            if node.stray.is_some() {
                all.push(Happening::StrayArrives(index));
            }
            match &node.watch {
                Some(_) => all.push(Happening::WatchTells(index)),
                None if node.end.is_none() && besides == Besides::Watches => {
                    all.push(Happening::WatchSees(index));
                }
                None => {}
            }
            if node.end.is_none() && !node.has_resigned {
                all.push(Happening::Resigns(index));
            }
            if node.life + 1 < LIVES && besides != Besides::Tampering {
                all.push(Happening::StartsAnew(index));
            }
        }
        if besides == Besides::Tampering && self.lease.is_some() {
            all.extend([Happening::LeaseDeleted, Happening::HolderErased]);
        }
        all.into_iter()
    }

    pub(super) fn happen(&mut self, what: Happening) {
        match what {
            Happening::TimePasses => {
                for node in &mut self.nodes {
                    node.clock += node.rate;
                }
            }
            Happening::Wakes(index) => self.node(index).step(Event::Woke),
            Happening::CallArrives(index) => self.call_arrives(index),
            Happening::AnswerArrives(index) => {
                let node = self.node(index);
                if let Flight::Answered(answer) = std::mem::replace(&mut node.flight, Flight::None)
                {
                    node.step(Event::Answered(answer));
                }
            }
            Happening::CallFails(index) => {
                let identity = self.identity(index);
                let node = self.node(index);
                node.lose(identity);
                node.step(Event::Answered(Answer::Failed));
            }
            Happening::StrayArrives(index) => {
                if let Some((identity, call)) = self.node(index).stray.take() {
                    self.serve(identity, &call);
                }
            }
            Happening::WatchSees(index) => {
                let identity = self.identity(index);
                let seen = self.lease.map(|lease| lease.seen_by(identity));
                self.node(index).watch = Some(seen);
            }
            Happening::WatchTells(index) => {
                let node = self.node(index);
                if let Some(seen) = node.watch.take() {
                    node.step(Event::Told(seen));
                }
            }
            Happening::Resigns(index) => {
                let node = self.node(index);
                node.has_resigned = true;
                node.step(Event::Resigned);
            }
            Happening::StartsAnew(index) => {
                let identity = self.identity(index);
                let node = self.node(index);
                node.lose(identity);
                let stray = node.stray.take();
                *node = Node {
                    stray,
                    ..Node::new(node.rate, node.clock, node.life + 1)
                };
            }
            Happening::LeaseDeleted => {
                self.writes += 1;
                self.lease = None;
            }
            Happening::HolderErased => {
                self.write(Written::Nothing);
            }
        }
    }

    /// All that is on its way to or from a replica arrives, and it wakes when
    /// it wants to.
    pub(super) fn run_promptly(&mut self, index: usize) {
        let number = u8::try_from(index).unwrap();
        loop {
            let node = &self.nodes[index];
            let next = match node.flight {
                Flight::Sent(_) => Happening::CallArrives(number),
                Flight::Answered(_) => Happening::AnswerArrives(number),
                Flight::None if node.is_due() => Happening::Wakes(number),
                Flight::None => return,
            };
            self.happen(next);
        }
    }

    fn node(&mut self, index: u8) -> &mut Node {
        &mut self.nodes[usize::from(index)]
    }

    /// Each life has its own.
    fn identity(&mut self, index: u8) -> u8 {
        index * LIVES + self.node(index).life
    }

    fn call_arrives(&mut self, index: u8) {
        let identity = self.identity(index);
        let flight = std::mem::replace(&mut self.node(index).flight, Flight::None);
        if let Flight::Sent(call) = flight {
            let answer = self.serve(identity, &call);
            self.node(index).flight = Flight::Answered(answer);
        }
    }

    fn serve(&mut self, identity: u8, call: &Call<u8>) -> Answer<u8> {
        let stands = self.lease.map(|lease| lease.version);
        match *call {
            Call::Read => Answer::Found(self.lease.map(|lease| lease.seen_by(identity))),
            Call::Create if stands.is_none() => self.write(Written::Replica(identity)),
            Call::Hold(version) if stands == Some(version) => {
                self.write(Written::Replica(identity))
            }
            Call::Release(version) if stands == Some(version) => self.write(Written::GivenBack),
            Call::Create | Call::Hold(_) | Call::Release(_) => Answer::Conflict,
        }
    }

    fn write(&mut self, holder: Written) -> Answer<u8> {
        self.writes += 1;
        let version = self.writes;
        self.lease = Some(Lease { version, holder });
        Answer::Stored(version)
    }
}

impl Node {
    /// Whoever sent a call does not wait for its answer any more.
    fn lose(&mut self, identity: u8) {
        let flight = std::mem::replace(&mut self.flight, Flight::None);
        if let Flight::Sent(call) = flight
            && call != Call::Read
        {
            self.stray = Some((identity, call));
        }
    }
}

impl Lease {
    fn seen_by(self, identity: u8) -> Seen<u8> {
        let holder = match self.holder {
            Written::Replica(holder) if holder == identity => Holder::Us,
            Written::GivenBack => Holder::Nobody,
            Written::Replica(_) | Written::Nothing => Holder::Other,
        };
        Seen {
            version: self.version,
            holder,
        }
    }
}
