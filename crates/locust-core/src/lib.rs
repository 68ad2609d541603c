//! What should happen for a LocustTest, decided from values alone.
//!
//! Nothing here is async, fails, reads a clock or touches a file: whatever a
//! decision needs is an argument. Start reading at `decide.rs`.

pub mod locust;
