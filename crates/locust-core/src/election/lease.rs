//! The Lease object: who holds it, and what to write. Its times are written
//! for people and never read.

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};

use super::{Holder, Timing};

/// What a Lease that was given back says its duration is, as client-go writes
/// it. Without it, an empty holder may be the work of somebody who does not
/// know that the holder still acts.
const GIVEN_BACK: i32 = 1;

/// Who holds a Lease, seen by the replica of this identity.
#[must_use]
pub fn holder(lease: &Lease, identity: &str) -> Holder {
    let spec = lease.spec.as_ref();
    let duration = spec.and_then(|spec| spec.lease_duration_seconds);
    match holder_identity(lease) {
        Some(holder) if holder == identity => Holder::Us,
        None if duration == Some(GIVEN_BACK) => Holder::Nobody,
        Some(_) | None => Holder::Other,
    }
}

/// The identity of the replica that holds a Lease.
#[must_use]
pub fn holder_identity(lease: &Lease) -> Option<&str> {
    let spec = lease.spec.as_ref()?;
    spec.holder_identity
        .as_deref()
        .filter(|holder| !holder.is_empty())
}

/// A new Lease, held by the replica of this identity.
#[must_use]
pub fn created(namespace: &str, name: &str, identity: &str, now: Timestamp) -> Lease {
    let new = Lease {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            namespace: Some(namespace.to_owned()),
            ..ObjectMeta::default()
        },
        spec: None,
    };
    held(&new, identity, now)
}

/// The Lease, held by the replica of this identity from now on, or still.
#[must_use]
pub fn held(before: &Lease, identity: &str, now: Timestamp) -> Lease {
    let old = before.spec.clone().unwrap_or_default();
    let transitions = old.lease_transitions.unwrap_or_default();
    let is_renewal = holder(before, identity) == Holder::Us;
    let is_new = before.metadata.resource_version.is_none();
    Lease {
        metadata: before.metadata.clone(),
        spec: Some(LeaseSpec {
            holder_identity: Some(identity.to_owned()),
            lease_duration_seconds: i32::try_from(Timing::DEFAULT.lease.as_secs()).ok(),
            acquire_time: old
                .acquire_time
                .filter(|_| is_renewal)
                .or(Some(MicroTime(now))),
            renew_time: Some(MicroTime(now)),
            lease_transitions: Some(match is_renewal || is_new {
                true => transitions,
                false => transitions.saturating_add(1),
            }),
            preferred_holder: None,
            strategy: None,
        }),
    }
}

/// The Lease, given back.
#[must_use]
pub fn released(before: &Lease, now: Timestamp) -> Lease {
    let old = before.spec.clone().unwrap_or_default();
    Lease {
        metadata: before.metadata.clone(),
        spec: Some(LeaseSpec {
            holder_identity: None,
            lease_duration_seconds: Some(GIVEN_BACK),
            acquire_time: Some(MicroTime(now)),
            renew_time: Some(MicroTime(now)),
            lease_transitions: old.lease_transitions,
            preferred_holder: None,
            strategy: None,
        }),
    }
}
