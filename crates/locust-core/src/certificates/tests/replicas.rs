//! Two replicas in every order: whoever rotates and whoever is slow, each of
//! them shows at every moment what is trusted.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use crate::trials::cases;

use super::super::{Authority, LEAF_LIFE, Leaf, Next, Seen, Stored, Target, Window, next};
use super::{authority, now};

#[derive(Clone, Debug)]
enum Happens {
    /// A replica looks, or does what it decided when it last looked.
    Turn(usize),
    /// So many seconds go by.
    Passes(i64),
    /// Somebody deletes the Secret, or writes what nobody can use into it.
    Rotated(Stored),
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        12 => (0_usize..2).prop_map(Happens::Turn),
        3 => (1_i64..4).prop_map(Happens::Passes),
        1 => prop_oneof![Just(Stored::Absent), Just(Stored::Unusable)].prop_map(Happens::Rotated),
    ]
}

/// What both replicas share, with versions as the API server has them.
#[derive(Default)]
struct Cluster {
    secret: Option<(u64, Stored)>,
    secret_version: u64,
    bundle: Option<Vec<Authority>>,
    bundle_version: u64,
    made: u8,
    time: i64,
}

#[derive(Default)]
struct Replica {
    leaf: Option<Leaf>,
    /// Since when it has seen which authority trusted.
    trusted: Option<(Authority, i64)>,
    published: Option<Vec<Authority>>,
    restored: Option<(Vec<Authority>, i64)>,
    /// What it decided, and the versions that it saw.
    decided: Option<(Next, u64, u64)>,
}

impl Cluster {
    fn now(&self) -> Timestamp {
        now() + SignedDuration::from_secs(self.time)
    }

    fn stored(&self) -> Stored {
        self.secret
            .as_ref()
            .map_or(Stored::Absent, |(_, stored)| stored.clone())
    }

    fn store(&mut self, stored: Stored) {
        self.secret_version += 1;
        self.secret = Some((self.secret_version, stored));
    }
}

fn ago(cluster: &Cluster, then: i64) -> Duration {
    Duration::from_secs((cluster.time - then).unsigned_abs())
}

impl Replica {
    fn turn(&mut self, cluster: &mut Cluster) {
        match self.decided.take() {
            None => self.look(cluster),
            Some((next, secret, bundle)) => self.act(cluster, next, (secret, bundle)),
        }
    }

    fn look(&mut self, cluster: &Cluster) {
        let stored = cluster.stored();
        let trusted = match (&stored, &cluster.bundle) {
            (Stored::Usable(authority), Some(bundle)) if bundle.contains(authority) => {
                let known = self.trusted.take();
                let since = known.filter(|(known, _)| known == authority);
                Some(since.unwrap_or((authority.clone(), cluster.time)))
            }
            _ => None,
        };
        self.trusted = trusted;
        let restored = self.restored.clone();
        let seen = Seen {
            now: cluster.now(),
            stored,
            targets: vec![Target {
                bundle: cluster.bundle.clone(),
                restored: restored.map(|(bundle, then)| (bundle, ago(cluster, then))),
            }],
            names: ["n".to_owned()].into(),
            leaf: self.leaf.clone(),
            trusted_for: self.trusted.as_ref().map(|(_, since)| ago(cluster, *since)),
        };
        self.decided = Some((next(&seen), cluster.secret_version, cluster.bundle_version));
    }

    /// Writes succeed only on what was seen.
    fn act(&mut self, cluster: &mut Cluster, next: Next, (secret, bundle): (u64, u64)) {
        match next {
            Next::MakeAuthority if cluster.secret_version == secret => {
                cluster.made = cluster.made.wrapping_add(1);
                let made = authority(cluster.made, cluster.now());
                cluster.store(Stored::Usable(made));
            }
            Next::Publish(_, wanted) if cluster.bundle_version == bundle => {
                cluster.bundle_version += 1;
                cluster.bundle = Some(wanted.clone());
                if self.published.replace(wanted.clone()).as_ref() == Some(&wanted) {
                    self.restored = Some((wanted, cluster.time));
                }
            }
            Next::Issue => {
                if let Stored::Usable(authority) = cluster.stored()
                    && cluster.secret_version == secret
                {
                    self.leaf = Some(Leaf {
                        authority,
                        window: Window::made(cluster.now(), LEAF_LIFE),
                        names: ["n".to_owned()].into(),
                    });
                }
            }
            Next::MakeAuthority | Next::Publish(..) | Next::Wait(_) => {}
        }
    }
}

proptest! {
    #![proptest_config(cases(32))]

    #[test]
    fn whoever_rotates_and_whoever_is_slow_what_is_shown_is_trusted(
        history in prop::collection::vec(happens(), 1..200)
    ) {
        let mut cluster = Cluster::default();
        let mut replicas = [Replica::default(), Replica::default()];
        let mut rotated = i64::MIN;
        let finish = (0..60).flat_map(|_| [Happens::Turn(0), Happens::Turn(1), Happens::Passes(1)]);
        for event in history.into_iter().chain(finish) {
            match event {
                Happens::Turn(which) => replicas[which].turn(&mut cluster),
                Happens::Passes(seconds) => cluster.time += seconds,
                // A replica is never behind by as many rotations as are kept:
                // they are a minute apart, and it looks twice as often.
                Happens::Rotated(stored) if cluster.time >= rotated.saturating_add(60) => {
                    rotated = cluster.time;
                    cluster.store(stored);
                }
                Happens::Rotated(_) => {}
            }
            for replica in &replicas {
                if let Some(leaf) = &replica.leaf {
                    let bundle = cluster.bundle.as_deref().unwrap_or_default();
                    prop_assert!(bundle.contains(&leaf.authority), "{leaf:?} is not among {bundle:?}");
                }
            }
        }
        for replica in &replicas {
            let leaf = replica.leaf.as_ref().map(|leaf| Stored::Usable(leaf.authority.clone()));
            prop_assert_eq!(leaf, Some(cluster.stored()), "both end with the stored authority");
        }
    }
}
