//! The sidecar of a master that stores the full results of its run in a volume
//! or a bucket, also while there is no operator: what it is told, and what it
//! says.
//!
//! It follows the master as the operator does, reads the report once the numbers
//! are final, and stores it until that succeeds or the pod ends. Everybody may
//! ask it what became of that, and it leaves the same with the pod's status.

mod outcome;
mod plan;
#[cfg(test)]
mod tests;

pub use outcome::{Attempt, Outcome};
pub(crate) use outcome::{has_sidecar, said};
pub use plan::{Place, Plan};

/// The subcommand of the operator's image that is the sidecar.
pub const SUBCOMMAND: &str = "store-results";
/// The variable with its [`Plan`].
pub const VARIABLE: &str = "LOCUST_RESULTS";
/// Where its volume is mounted.
pub const DIRECTORY: &str = "/results";
/// The variables with the credentials of its bucket, which are also the keys of
/// the Secret that they come from. The last may be absent.
pub const CREDENTIALS: [&str; 3] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
];
/// The path at which it says its [`Outcome`].
pub const STATUS: &str = "/";
/// The path that is asked before the master ends: what there is is read at once,
/// and stored before the answer.
pub const GATHER: &str = "/gather";
