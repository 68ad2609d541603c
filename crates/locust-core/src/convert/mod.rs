//! LocustTests of `locust.io/v1` and `locust.io/v2`, each as the other.
//!
//! Both directions are total, give the same bytes for the same input, and lose
//! nothing: v1→v2→v1 and v2→v1→v2 give back what went in. The status is the
//! same in both versions and passes through as it is. What a v1 spec cannot
//! express travels in one annotation of the v1 view, together with a hash of
//! that view. What v1 then says differently is an edit: it wins, field by field,
//! and what it does not touch stays.
//!
//! | file | holds |
//! |---|---|
//! | `object.rs` | a whole object: versions, metadata, the annotation |
//! | `spec.rs` | a spec in both directions |
//! | `fields.rs` | the fields of v1, and where each stands in v2 |
//! | `affinity.rs`, `tolerations.rs` | the two that are written differently |
//! | `kept.rs` | what the annotation says |
//! | `size.rs` | what does not fit into an annotation |
//! | `tree.rs` | fields of JSON by their path |
//!
//! All of it works on JSON and not on types: an object of a newer operator, or
//! one that was stored before there were rules, has to survive as well.

mod affinity;
mod fields;
mod kept;
mod object;
pub mod size;
mod spec;
#[cfg(test)]
mod tests;
mod tolerations;
mod tree;

use std::fmt;

pub use object::convert;

/// A version of the API that is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiVersion {
    /// `locust.io/v1`: served, deprecated.
    V1,
    /// `locust.io/v2`: served and stored.
    V2,
}

impl ApiVersion {
    /// As it stands in `apiVersion`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "locust.io/v1",
            Self::V2 => "locust.io/v2",
        }
    }

    /// The version that `apiVersion` names, if it is one of ours.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::V1, Self::V2]
            .into_iter()
            .find(|version| version.as_str() == text)
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why an object cannot be converted. No LocustTest that an API server stores
/// is among these, but for the last, and that one only on its way to v2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is no JSON object, or its metadata is none.
    NotAnObject,
    /// Its kind is this one.
    OtherKind(String),
    /// It is of this version.
    OtherVersion(String),
    /// It is the v1 view of an object that v1 cannot carry as a whole.
    OnlyAView,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnObject => f.write_str("it is no Kubernetes object with metadata"),
            Self::OtherKind(kind) => write!(f, "its kind is {kind:?} and not LocustTest"),
            Self::OtherVersion(version) => write!(
                f,
                "its apiVersion is {version:?}; write {} or {}",
                ApiVersion::V2,
                ApiVersion::V1
            ),
            Self::OnlyAView => write!(
                f,
                "it holds more than {} can carry, and a write would lose that; change it as {}",
                ApiVersion::V1,
                ApiVersion::V2
            ),
        }
    }
}
