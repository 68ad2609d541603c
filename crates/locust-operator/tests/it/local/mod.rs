//! The local runner.
//!
//! | module | with |
//! |---|---|
//! | `follow`, `provision`, `storage`, `verdicts`, `versions` | a real Locust |
//! | `bad_input`, `runs`, `left_behind` | a Python script in its place |

mod bad_input;
mod follow;
mod left_behind;
mod provision;
mod runs;
mod stage;
mod storage;
mod verdicts;
mod versions;
