//! What a user writes and reads: the `LocustTest` resource of `locust.io`.
//!
//! The crate holds types, their schema and their names, and nothing that acts:
//! no client, no clock, no files. Doc comments in [`v1`] and [`v2`] are written for the
//! user of the resource, because they become the CRD's descriptions.
//!
//! | file | holds |
//! |---|---|
//! | `v2/` | the stored version, one file per group of fields |
//! | `v1/` | the version before it, served where conversion is installed |
//! | `latest.rs` | the version that the other crates name |
//! | `condition.rs` | condition types and reasons, closed sets |
//! | `failure.rs` | what ends a run badly, a closed set |
//! | `names.rs` | every label, annotation, port and object name |
//! | `defaults.rs` | every default, once |
//! | `crd.rs`, `schema/` | the CustomResourceDefinition and its finishing |
//!
//! To add a field: add it to the struct in `v2/` with a description, give it a
//! size limit in `schema/bounds.rs`, run `make generate`, and follow the
//! compiler: `locust-core` destructures the spec without `..`, so the field
//! cannot be forgotten there.

pub mod condition;
pub mod crd;
pub mod defaults;
pub mod failure;
pub mod latest;
pub mod names;
pub mod schema;
pub mod v1;
pub mod v2;
