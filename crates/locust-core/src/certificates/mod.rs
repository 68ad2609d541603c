//! When the webhook's certificates are made, published and used.
//!
//! One authority, in a Secret that all replicas share, signs a leaf for each
//! replica, which lives in its memory. The API server trusts what stands in
//! the caBundle of the CRD and of the webhook configuration. A new authority
//! is published beside the old ones before anything is signed by it, so at
//! every moment each replica's leaf is trusted.
//!
//! Both kinds of certificates are valid from long before they are made: a
//! clock that is wrong here or at the API server is then no outage.

mod validity;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

pub use validity::validity;

/// How long an authority is valid.
pub const AUTHORITY_LIFE: SignedDuration = SignedDuration::from_hours(365 * 24);
/// How long a leaf is valid.
pub const LEAF_LIFE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How long before they are made certificates are valid.
pub const BACKDATED: SignedDuration = SignedDuration::from_hours(2 * 365 * 24);

/// How often everything is looked at though nothing changed.
pub const LOOK: Duration = Duration::from_secs(30);
/// How long an authority stands in every caBundle before leaves are signed by
/// it: API servers learn of a change by a watch.
const SETTLE: Duration = Duration::from_secs(3);
/// How long an authority is trusted after its successor was made.
const OVERLAP: SignedDuration = SignedDuration::from_hours(1);
/// How many predecessors are trusted at most.
const PREDECESSORS: usize = 4;
/// How soon one and the same caBundle is restored again: somebody else may
/// insist on another one.
const PEACE: Duration = Duration::from_secs(60);

/// When a certificate is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The first moment.
    pub from: Timestamp,
    /// The last moment.
    pub until: Timestamp,
}

impl Window {
    /// That of a certificate made now for so long.
    pub fn made(now: Timestamp, life: SignedDuration) -> Self {
        Self {
            from: now.saturating_sub(BACKDATED).unwrap_or(Timestamp::MIN),
            until: now.saturating_add(life).unwrap_or(Timestamp::MAX),
        }
    }

    fn holds(self, now: Timestamp) -> bool {
        self.from <= now && now < self.until
    }

    /// Whether less than a third of its life is left.
    fn is_old(self, now: Timestamp, life: SignedDuration) -> bool {
        self.until.duration_since(now) < life / 3
    }
}

/// An authority's certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// The certificate as DER, which tells authorities apart.
    pub der: Vec<u8>,
    /// When it is valid.
    pub window: Window,
}

/// What the Secret holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    /// There is no Secret.
    Absent,
    /// There is one, and nothing can be signed with what is in it.
    Unusable,
    /// An authority and its key.
    Usable(Authority),
}

/// Something that says which authorities the API server trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Those that it says; `None` if it says nothing or what cannot be read.
    pub bundle: Option<Vec<Authority>>,
    /// What this replica last published there again, after somebody else had
    /// changed it, and how long ago.
    pub restored: Option<(Vec<Authority>, Duration)>,
}

/// The leaf in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// Who signed it.
    pub authority: Authority,
    /// When it is valid.
    pub window: Window,
    /// Whom it speaks for.
    pub names: BTreeSet<String>,
}

/// All that a decision may look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The wall clock.
    pub now: Timestamp,
    /// What the Secret holds.
    pub stored: Stored,
    /// What points at this webhook; nothing is made for nobody.
    pub targets: Vec<Target>,
    /// The names by which it does.
    pub names: BTreeSet<String>,
    /// The leaf in use.
    pub leaf: Option<Leaf>,
    /// For how long every target has trusted the stored authority.
    pub trusted_for: Option<Duration>,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Make an authority and put it into the Secret as it was seen.
    MakeAuthority,
    /// Let a target, by its place, trust these.
    Publish(usize, Vec<Authority>),
    /// Sign a leaf by the stored authority and use it.
    Issue,
    /// Nothing for so long.
    Wait(Duration),
}

/// Decides the next step. After each one everything is to be seen anew.
pub fn next(seen: &Seen) -> Next {
    if seen.targets.is_empty() {
        return Next::Wait(LOOK);
    }
    let authority = match &seen.stored {
        Stored::Absent | Stored::Unusable => return Next::MakeAuthority,
        Stored::Usable(authority) => authority,
    };
    let Authority { window, der: _ } = authority;
    if !window.holds(seen.now) || window.is_old(seen.now, AUTHORITY_LIFE) {
        return Next::MakeAuthority;
    }
    let mut wait = LOOK;
    for (index, target) in seen.targets.iter().enumerate() {
        let bundle = bundle(seen, authority, target);
        if target.bundle.as_ref() == Some(&bundle) {
            continue;
        }
        match &target.restored {
            Some((last, ago)) if *last == bundle && *ago < PEACE => {
                wait = wait.min(PEACE.saturating_sub(*ago));
            }
            _ => return Next::Publish(index, bundle),
        }
    }
    match issue_in(seen, authority) {
        Some(Duration::ZERO) => Next::Issue,
        Some(later) => Next::Wait(wait.min(later)),
        None => Next::Wait(wait),
    }
}

/// What a target shall trust: the stored authority, and for a while those it
/// trusted before. That one of those has expired is not looked at: it would be
/// this clock that says so, and leaves of other replicas may still be in use.
fn bundle(seen: &Seen, authority: &Authority, target: &Target) -> Vec<Authority> {
    let made = authority.window.until.saturating_sub(AUTHORITY_LIFE);
    let age = seen.now.duration_since(made.unwrap_or(Timestamp::MIN));
    let in_use = |other: &Authority| {
        let leaf = seen.leaf.as_ref();
        leaf.is_some_and(|leaf| leaf.authority == *other)
    };
    let all = target.bundle.iter().flatten();
    let predecessors = all.filter(|other| *other != authority && (age < OVERLAP || in_use(other)));
    let mut bundle = vec![authority.clone()];
    bundle.extend(predecessors.take(PREDECESSORS).cloned());
    bundle
}

/// When a leaf is to be signed, if at all.
fn issue_in(seen: &Seen, authority: &Authority) -> Option<Duration> {
    if seen.names.is_empty() {
        return None;
    }
    let Some(leaf) = &seen.leaf else {
        return Some(Duration::ZERO);
    };
    let is_of_authority = leaf.authority == *authority;
    let is_good = leaf.window.holds(seen.now)
        && !leaf.window.is_old(seen.now, LEAF_LIFE)
        && leaf.names == seen.names;
    match (is_of_authority, is_good) {
        (true, true) => None,
        (true, false) => Some(Duration::ZERO),
        // A leaf that is trusted is worth more than one that may be.
        (false, _) => Some(SETTLE.saturating_sub(seen.trusted_for.unwrap_or_default())),
    }
}
