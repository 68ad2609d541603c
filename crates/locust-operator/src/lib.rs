//! Doing it: all IO of the project, behind one binary.
//!
//! What should be done is decided in `locust-core` from values alone; this
//! crate fetches those values and carries out the answers.
//!
//! | folder | does |
//! |---|---|
//! | `cli/` | parses the command line, one file per subcommand |
//! | `controller/` | watches LocustTests and reconciles them |
//! | `leader/` | elects which of several replicas does so |
//! | `local/` | runs a LocustTest as processes on this machine |
//! | `metrics/` | what Prometheus is told |
//! | `migrate/` | stores as v2 what was once stored as v1 |
//! | `server/` | HTTP and HTTPS, for strangers |
//! | `storage/` | stores the full results of a run, beside its master |
//! | `target/` | a small HTTP server to try load tests against |
//! | `telemetry.rs` | logs |
//! | `webhook/` | answers what the API server asks about LocustTests |

pub mod cli;
pub mod controller;
pub mod leader;
pub mod local;
pub mod metrics;
pub mod migrate;
pub mod server;
pub mod storage;
pub mod target;
pub mod telemetry;
pub mod webhook;
