//! The local runner with a real Locust.

mod follow;
mod provision;
