//! Asking the master of a run how it goes. Only it knows how many users are at
//! work and how its requests fare; Jobs and pods tell the rest.
//!
//! | file | holds |
//! |---|---|
//! | `master.rs` | whom to ask, and where |
//! | `following.rs` | what the answers say, folded; when to ask again |
//! | `heard.rs` | what is known by that |
//! | `pace.rs` | how closely it is looked at |
//! | `silence.rs` | why nothing is known |
//! | `results.rs` | what came out of it, bounded |
//! | `rounding.rs` | the numbers as they stand in the status |
//!
//! The answers come from whatever runs in a user's pod: nothing in them is
//! believed but numbers, and those only of this run. Names and errors are shown,
//! each up to a length.

mod following;
mod heard;
mod master;
mod pace;
mod results;
mod rounding;
mod silence;
#[cfg(test)]
mod tests;

pub use following::Following;
pub use heard::{Heard, Moment, News, Numbers};
pub(crate) use master::web;
pub use master::{Asked, Master, Order, Source, source};
pub use pace::jittered;
pub(crate) use results::shortened;
pub use results::{Top, results};
pub use rounding::{stats, timeless};
pub use silence::Silence;
