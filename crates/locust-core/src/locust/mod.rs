//! Locust's numbers, read and judged.
//!
//! Whoever runs a test (the local runner, the operator) polls the master's web
//! API; what the answers mean is said here, from values alone. The facts behind
//! it are Locust's own, from 2.20 to 2.47:
//!
//! - `stopped` neither proves that a test has ended nor always appears, so the
//!   end is seen from several signs together ([`watch`]);
//! - the totals go on growing for up to five seconds after the end, because
//!   workers report every three seconds and the answer is cached for two;
//! - exit code 0 is no proof of a good test ([`verdict`]).
//!
//! | file | holds |
//! |---|---|
//! | `sample.rs`, `answer.rs`, `wire.rs` | one answer of `GET /stats/requests`, whatever the version |
//! | `csv.rs` | the final table of requests |
//! | `watch.rs` | where the run stands, folded from samples |
//! | `generator.rs` | whether the workers are strong enough |
//! | `verdict.rs` | what became of a run of processes |
//! | `rate.rs` | requests per second while there is load |
//! | `history.rs` | a run's numbers over time |
//! | `load.rs` | the load that the arguments ask for |
//! | `version.rs` | which Locust it is |
//! | `telemetry.rs` | whether an image can report by OpenTelemetry |

mod answer;
pub mod csv;
pub mod generator;
pub mod history;
pub mod load;
pub mod rate;
pub mod sample;
pub mod telemetry;
pub mod verdict;
pub mod version;
pub mod watch;
mod wire;

pub use csv::parse_stats_csv;
pub use generator::{Generator, Strain};
pub use history::History;
pub use load::Load;
pub use rate::Rate;
pub use sample::{Endpoint, ErrorRow, Sample, State, Worker, WorkerState, Workers};
pub use verdict::{Conclusion, Ended, Exit, Grade, Outcome, worse};
pub use watch::{RunPhase, RunWatch};

#[cfg(test)]
mod tests;
