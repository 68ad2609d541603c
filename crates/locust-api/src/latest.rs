//! The API version that the rest of the project speaks.
//!
//! Other crates name this module and never a version, so that a new version is
//! a change of this file and of the conversion.

pub use crate::v2::*;
