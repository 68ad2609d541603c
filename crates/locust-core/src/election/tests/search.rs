//! A search through every order of what may happen, for one in which two
//! replicas act at once, and for one after which nobody ever does.

use super::super::elector::{Known, Ours, Role};
use super::super::{Answer, Call, Holder};
use super::world::{Besides, Flight, Happening, Node, World, Written, tenths};

/// What a search found.
pub(super) struct Found {
    pub(super) states: usize,
    /// What led to two leaders.
    pub(super) two_leaders: Option<Vec<Happening>>,
}

/// Searches all orders of so many happenings.
pub(super) fn search<const N: usize>(start: World<N>, depth: usize, besides: Besides) -> Found {
    let mut seen = Fingerprints::new();
    seen.insert(fingerprint(&start));
    // Where each state came from, to tell the way to it.
    let mut origins: Vec<(u32, Happening)> = vec![(0, Happening::TimePasses)];
    let mut level = vec![(0_u32, start)];
    for _ in 0..depth {
        let mut next_level = Vec::new();
        for (number, world) in level {
            for what in world.happenings(besides) {
                let mut next = world.clone();
                next.happen(what);
                if !seen.insert(fingerprint(&next)) {
                    continue;
                }
                let next_number = u32::try_from(origins.len()).unwrap();
                origins.push((number, what));
                if next.nodes.iter().filter(|node| node.acts()).count() > 1 {
                    return Found {
                        states: origins.len(),
                        two_leaders: Some(way(&origins, next_number)),
                    };
                }
                next_level.push((next_number, next));
            }
        }
        level = next_level;
    }
    for (number, world) in level.into_iter().step_by(37) {
        recovers(world, || way(&origins, number));
    }
    Found {
        states: origins.len(),
        two_leaders: None,
    }
}

/// When faults stop, somebody leads within 20 s of the slowest clock.
fn recovers<const N: usize>(mut world: World<N>, way: impl Fn() -> Vec<Happening>) {
    for _ in 0..11 {
        for index in 0..N {
            world.run_promptly(index);
            let number = u8::try_from(index).unwrap();
            if world.nodes[index].end.is_some() {
                world.nodes[index].life = 0;
                world.happen(Happening::StartsAnew(number));
                world.run_promptly(index);
            }
        }
        if world.nodes.iter().any(Node::acts) {
            return;
        }
        world.happen(Happening::TimePasses);
    }
    panic!("nobody leads after {:?}", way());
}

fn way(origins: &[(u32, Happening)], mut number: u32) -> Vec<Happening> {
    let mut way = Vec::new();
    while number != 0 {
        let (origin, what) = origins[usize::try_from(number).unwrap()];
        way.push(what);
        number = origin;
    }
    way.reverse();
    way
}

/// A set of fingerprints, as a table with open addressing: most of a search is
/// spent here.
struct Fingerprints {
    table: Vec<u64>,
    count: usize,
}

impl Fingerprints {
    fn new() -> Self {
        Self {
            table: vec![0; 1 << 16],
            count: 0,
        }
    }

    /// Returns whether it was not in there.
    fn insert(&mut self, fingerprint: u64) -> bool {
        if self.count * 2 > self.table.len() {
            let larger = vec![0; self.table.len() * 4];
            let old = std::mem::replace(&mut self.table, larger);
            self.count = 0;
            for fingerprint in old.into_iter().filter(|fingerprint| *fingerprint != 0) {
                self.insert(fingerprint);
            }
        }
        let mask = self.table.len() - 1;
        let mut place = usize::try_from(fingerprint).unwrap() & mask;
        loop {
            match self.table[place] {
                0 => break,
                there if there == fingerprint => return false,
                _ => place = (place + 1) & mask,
            }
        }
        self.table[place] = fingerprint;
        self.count += 1;
        true
    }
}

/// What tells two worlds apart: times as seen from now, versions as seen from
/// the last one. 64 bits of it: of two million states, two share theirs with a
/// chance of one in ten million, and then one of them is not looked at.
fn fingerprint<const N: usize>(world: &World<N>) -> u64 {
    let mut bits = Bits(0x9e37_79b9_7f4a_7c15);
    match world.lease {
        None => bits.add(0),
        Some(lease) => {
            bits.add(1 + u64::from(world.writes - lease.version));
            bits.add(match lease.holder {
                Written::Replica(holder) => 2 + u64::from(holder),
                Written::GivenBack => 1,
                Written::Nothing => 0,
            });
        }
    }
    for node in &world.nodes {
        add_node(&mut bits, node, world.writes);
    }
    bits.0.max(1)
}

/// Mixes values together, each after the other.
struct Bits(u64);

impl Bits {
    fn add(&mut self, value: u64) {
        let mixed = (self.0 ^ value).wrapping_mul(0xff51_afd7_ed55_8ccd);
        self.0 = mixed ^ (mixed >> 32);
    }
}

fn add_node(bits: &mut Bits, node: &Node, writes: u8) {
    let ahead = |time: std::time::Duration| u64::from(tenths(time).saturating_sub(node.clock));
    let age = |version: u8| 1 + u64::from(writes - version);
    let ours = |lease: &Ours<u8>| match lease {
        Ours::At(version) => 2 + age(*version),
        Ours::Unknown => 0,
        Ours::Missing => 1,
    };
    let elector = &node.elector;
    match &elector.role {
        Role::Standby(None) => bits.add(0),
        Role::Standby(Some(Known { seen, free_from })) => {
            let (version, holder) = match seen {
                None => (0, 0),
                Some(seen) => (age(seen.version), holder_bits(seen.holder)),
            };
            bits.add(1 | (version << 3) | (holder << 12) | (ahead(*free_from) << 16));
        }
        Role::Leading { until, lease } => bits.add(2 | (ours(lease) << 3) | (ahead(*until) << 16)),
        Role::Leaving { until, lease } => bits.add(3 | (ours(lease) << 3) | (ahead(*until) << 16)),
        Role::Over(_) => bits.add(4),
    }
    let call = |call: &Call<u8>| match call {
        Call::Read => 1,
        Call::Create => 2,
        Call::Hold(version) => 3 | (age(*version) << 3),
        Call::Release(version) => 4 | (age(*version) << 3),
    };
    let (sent, age_of_call) = match &elector.sent {
        None => (0, 0),
        Some((sent, time)) => {
            // Older ones mean the same: too late for everything.
            let age = (node.clock - tenths(*time)).min(100);
            (call(sent), u64::from(age))
        }
    };
    let flight = match &node.flight {
        Flight::None => 0,
        Flight::Sent(_) => 1,
        Flight::Answered(Answer::Found(None)) => 2,
        Flight::Answered(Answer::Found(Some(seen))) => {
            3 | (holder_bits(seen.holder) << 3) | (age(seen.version) << 5)
        }
        Flight::Answered(Answer::Stored(version)) => 4 | (age(*version) << 5),
        Flight::Answered(Answer::Conflict) => 5,
        Flight::Answered(Answer::Failed) => 6,
    };
    bits.add(sent | (age_of_call << 12) | (flight << 24) | (ahead(elector.due) << 40));
    let stray = match &node.stray {
        None => 0,
        Some((identity, stray)) => (1 + u64::from(*identity)) | (call(stray) << 8),
    };
    let flags = u64::from(node.has_resigned)
        | (u64::from(node.life) << 1)
        | (u64::from(elector.is_outdated) << 4);
    let watch = match &node.watch {
        None => 0,
        Some(None) => 1,
        Some(Some(seen)) => 2 | (holder_bits(seen.holder) << 2) | (age(seen.version) << 4),
    };
    bits.add(flags | (stray << 8) | (watch << 40));
}

fn holder_bits(holder: Holder) -> u64 {
    match holder {
        Holder::Us => 1,
        Holder::Nobody => 2,
        Holder::Other => 3,
    }
}
