//! Events: the changes that a person should be told of. Upstream's reasons and
//! texts are kept.

use locust_api::latest::Phase;

/// Whether an event tells of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// All is well.
    Normal,
    /// Somebody may have to act.
    Warning,
}

/// One event about a LocustTest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Whether it tells of trouble.
    pub severity: Severity,
    /// Closed set of reasons, CamelCase.
    pub reason: &'static str,
    /// What the operator did or saw, as a verb phrase (`action` of the event).
    pub action: &'static str,
    /// One line for people.
    pub note: String,
}

impl Event {
    /// An object was created.
    pub fn created(kind: &str, name: &str) -> Self {
        Self {
            severity: Severity::Normal,
            reason: "Created",
            action: "Create",
            note: format!("Created {kind} {name}"),
        }
    }

    /// An object that the run needs was deleted by somebody else.
    pub fn deleted_externally(kind: &str, name: &str) -> Self {
        Self {
            severity: Severity::Warning,
            reason: "ResourceDeleted",
            action: "Recreate",
            note: format!("{kind} {name} was deleted externally, will attempt recreation"),
        }
    }

    /// A test of the Go operator is being deleted and waited for us.
    pub fn deleting() -> Self {
        Self {
            severity: Severity::Normal,
            reason: "Deleting",
            action: "Delete",
            note: "LocustTest and owned resources being cleaned up".to_owned(),
        }
    }

    /// The API server has a test that this operator cannot read.
    pub fn undecodable(error: &str) -> Self {
        Self {
            severity: Severity::Warning,
            reason: "Undecodable",
            action: "Read",
            note: format!(
                "The LocustTest cannot be read and is left alone: {error}. Correct the field, or update the operator if its CRD is newer"
            ),
        }
    }

    /// The full results of a run are not stored.
    pub fn results_not_stored(message: &str) -> Self {
        Self {
            severity: Severity::Warning,
            reason: "ResultsNotStored",
            action: "Store",
            note: message.to_owned(),
        }
    }

    /// The spec cannot be run.
    pub fn not_accepted(message: &str) -> Self {
        Self {
            severity: Severity::Warning,
            reason: "NotAccepted",
            action: "Validate",
            note: message.to_owned(),
        }
    }

    /// The spec can be run, and something in it may not be meant.
    pub fn spec_warning(message: &str) -> Self {
        Self {
            severity: Severity::Warning,
            reason: "SpecWarning",
            action: "Validate",
            note: message.to_owned(),
        }
    }

    /// The load is started though workers are missing.
    pub fn starting_without_all(message: &str) -> Self {
        Self {
            severity: Severity::Warning,
            reason: "StartingWithoutAll",
            action: "Start",
            note: message.to_owned(),
        }
    }

    /// OpenTelemetry is asked for, and the image cannot do it.
    pub fn telemetry_unavailable(message: &str) -> Self {
        Self {
            severity: Severity::Warning,
            reason: "OpenTelemetryUnavailable",
            action: "Validate",
            note: message.to_owned(),
        }
    }

    /// Pods are in trouble.
    pub fn pod_failure(message: &str) -> Self {
        Self {
            severity: Severity::Warning,
            reason: "PodFailure",
            action: "Watch",
            note: message.to_owned(),
        }
    }

    /// The test entered a phase. A pending test says nothing.
    pub fn entered(phase: Phase, detail: &str) -> Option<Self> {
        let (severity, reason, text) = match phase {
            Phase::Pending => return None,
            Phase::Running => (
                Severity::Normal,
                "TestStarted",
                "Load test execution started",
            ),
            Phase::Succeeded => (
                Severity::Normal,
                "TestCompleted",
                "Load test completed successfully",
            ),
            Phase::Failed => (
                Severity::Warning,
                "TestFailed",
                "Load test execution failed",
            ),
        };
        let note = match (phase, detail) {
            (Phase::Failed, detail) if !detail.is_empty() => format!("{text}: {detail}"),
            _ => text.to_owned(),
        };
        Some(Self {
            severity,
            reason,
            action: "Run",
            note,
        })
    }
}
