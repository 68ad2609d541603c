//! `locust.io/v1`: served for those who still write it, deprecated, and not
//! stored. The fields are those of the Go operator's v1; the status is v2's, so
//! that the API server itself keeps it through every write of v1.
//!
//! No other crate uses these types: an object is converted as JSON.

mod scheduling;
mod spec;

pub use scheduling::{Affinity, NodeAffinity, Toleration, TolerationEffect, TolerationOperator};
pub use spec::{ByRole, LocustTest, LocustTestSpec};
