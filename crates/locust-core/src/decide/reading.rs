//! How far a decision may rely on memory. Memory is what watches have told so
//! far: what it says was true a moment ago, and may be no longer.

use locust_api::latest::Phase;
use locust_api::names::Role;

use super::{Decision, Step};

/// What has to be read from the API server before a decision made from memory
/// is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reading {
    /// Nothing. All there is to write is a status that is no verdict, and the
    /// API server refuses it if the test is no longer as remembered.
    Nothing,
    /// The test: whether its run is recorded decides whether anything may be
    /// created. Everything is to be created, so its children need no reading:
    /// the API server refuses to create what exists.
    Test,
    /// The test, its children and the master's pods.
    Everything,
}

impl Decision {
    /// What has to be read before this is carried out. Verdicts are final, and
    /// records, releases and deletions cannot be taken back.
    pub fn reading(&self) -> Reading {
        match self.steps.as_slice() {
            [] if !self.status.phase.is_some_and(Phase::is_terminal) => Reading::Nothing,
            [
                Step::CreateService(_),
                Step::CreateJob(Role::Master, _),
                Step::CreateJob(Role::Worker, _),
            ] => Reading::Test,
            _ => Reading::Everything,
        }
    }
}

impl Reading {
    /// What is known at first hand once the steps of such a decision are done:
    /// every child was in an answer to its creation.
    pub const fn once_done(self) -> Self {
        match self {
            Self::Nothing => Self::Nothing,
            Self::Test | Self::Everything => Self::Everything,
        }
    }
}
