//! Condition types and reasons as closed sets. Strings appear only in their
//! `as_str`, so a new one cannot be invented in passing.

/// What a condition of a LocustTest is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConditionType {
    /// All generated objects exist and the test can run.
    Ready,
    /// As many workers as asked for are there.
    WorkersConnected,
    /// The run is over, with the verdict as the reason.
    TestCompleted,
    /// No pod of the test is in trouble.
    PodsHealthy,
    /// The spec was edited after the run began; the edit has no effect.
    SpecDrifted,
}

impl ConditionType {
    /// The type as it stands in `status.conditions[].type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "Ready",
            Self::WorkersConnected => "WorkersConnected",
            Self::TestCompleted => "TestCompleted",
            Self::PodsHealthy => "PodsHealthy",
            Self::SpecDrifted => "SpecDrifted",
        }
    }
}

/// Why a condition has its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// `Ready`: objects are being created, or a deleted one again.
    ResourcesCreating,
    /// `Ready`: all objects exist.
    ResourcesCreated,
    /// `Ready`: the test failed.
    ResourcesFailed,
    /// `Ready`: an object of the needed name belongs to somebody else.
    NameConflict,
    /// `Ready`: the API server refuses an object, for example by a quota.
    Refused,
    /// `WorkersConnected`: the run has not begun.
    WaitingForWorkers,
    /// `WorkersConnected`: all workers run.
    AllWorkersConnected,
    /// `WorkersConnected`: some workers do not run.
    WorkersMissing,
    /// `TestCompleted`: the run has not ended.
    TestInProgress,
    /// `TestCompleted`: the master ended well.
    TestSucceeded,
    /// `TestCompleted`: the master ended with an error: failed requests, a
    /// broken locustfile, or trouble with its pod.
    TestFailed,
    /// `TestCompleted`: the Jobs of a run that had begun are gone, and how it
    /// ended was not seen.
    ResultUnknown,
    /// `PodsHealthy`: pods are starting.
    PodsStarting,
    /// `PodsHealthy`: no pod is in trouble.
    PodsHealthy,
    /// `PodsHealthy`: a ConfigMap or Secret that a container needs is missing.
    ConfigurationError,
    /// `PodsHealthy`: an image cannot be pulled.
    ImagePullError,
    /// `PodsHealthy`: no node takes the pod.
    SchedulingError,
    /// `PodsHealthy`: a container ends again and again, or ended with an error.
    CrashLoopBackOff,
    /// `PodsHealthy`: an init container failed.
    InitializationError,
    /// `SpecDrifted`: the spec was edited after the run began.
    SpecChangeIgnored,
}

impl Reason {
    /// The reason as it stands in `status.conditions[].reason`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ResourcesCreating => "ResourcesCreating",
            Self::ResourcesCreated => "ResourcesCreated",
            Self::ResourcesFailed => "ResourcesFailed",
            Self::NameConflict => "NameConflict",
            Self::Refused => "Refused",
            Self::WaitingForWorkers => "WaitingForWorkers",
            Self::AllWorkersConnected => "AllWorkersConnected",
            Self::WorkersMissing => "WorkersMissing",
            Self::TestInProgress => "TestInProgress",
            Self::TestSucceeded => "TestSucceeded",
            Self::TestFailed => "TestFailed",
            Self::ResultUnknown => "ResultUnknown",
            Self::PodsStarting => "PodsStarting",
            Self::PodsHealthy => "PodsHealthy",
            Self::ConfigurationError => "ConfigurationError",
            Self::ImagePullError => "ImagePullError",
            Self::SchedulingError => "SchedulingError",
            Self::CrashLoopBackOff => "CrashLoopBackOff",
            Self::InitializationError => "InitializationError",
            Self::SpecChangeIgnored => "SpecChangeIgnored",
        }
    }
}
