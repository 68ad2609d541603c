//! Runs a LocustTest as processes on this machine.

pub mod api;
pub mod locust;
pub mod results;
pub mod view;
