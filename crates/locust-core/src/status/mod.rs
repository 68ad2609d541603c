//! The status as a value: drafted from what was observed, compared before it
//! is written, paced where numbers move.

mod draft;
mod fingerprint;
pub mod health;
mod kstatus;
mod pace;
#[cfg(test)]
mod tests;

pub use draft::{Draft, Truth};
pub use fingerprint::fingerprint;
pub(crate) use fingerprint::hash;
pub use pace::{LIVE_PERIOD, Pace, pace};
