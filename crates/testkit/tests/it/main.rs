//! The test cluster itself, for real: it comes up, is reachable, leads nowhere
//! and leaves nothing behind.

#![allow(
    clippy::unwrap_used,
    reason = "clippy.toml exempts test functions, and these are what they call"
)]

mod archive;
mod control_plane;
mod leftovers;
mod node;
mod owner;
mod proxy;
