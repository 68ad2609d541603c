//! What Locust says of a run.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What Locust says of the run, as it was last asked. Response times are of the
/// whole run; they are rounded to milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LocustStats {
    /// State of the master, in Locust's words. `stopped` alone does not say
    /// that there was load before.
    pub state: LocustState,
    /// Simulated users at work.
    #[schemars(range(min = 0))]
    pub users: i64,
    /// Requests per second over the last seconds, failed ones included.
    pub requests_per_second: String,
    /// Failed requests per second over the last seconds.
    pub failures_per_second: String,
    /// How many of a hundred requests of the whole run failed.
    pub fail_percent: String,
    /// Requests made, failed ones included.
    #[schemars(range(min = 0))]
    pub requests: i64,
    /// Requests that failed.
    #[schemars(range(min = 0))]
    pub failures: i64,
    /// Half of the requests were at least as fast.
    #[schemars(range(min = 0))]
    pub median_ms: i64,
    /// 95 of 100 requests were at least as fast.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub p95_ms: Option<i64>,
    /// 99 of 100 requests were at least as fast.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub p99_ms: Option<i64>,
    /// Mean response time.
    #[schemars(range(min = 0))]
    pub average_ms: i64,
    /// Slowest response.
    #[schemars(range(min = 0))]
    pub max_ms: i64,
    /// Workers that the master hears of.
    #[schemars(range(min = 0))]
    pub workers_connected: i64,
    /// Workers that the master has not heard of for some seconds. It forgets
    /// them after a minute.
    #[schemars(range(min = 0))]
    pub workers_missing: i64,
    /// When load was first seen, up to five seconds late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_start_time: Option<Time>,
    /// How long the load had lasted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub elapsed_seconds: Option<i64>,
    /// How long it was still to last, if the arguments say a run time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub remaining_seconds: Option<i64>,
    /// When Locust said so. The rest is written when a number moved, at most
    /// every five seconds.
    pub sampled_at: Time,
}

/// State of a master, as Locust spells it. Stopped says that no user is at work,
/// not whether any ever was; Unknown, that no known version reports it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum LocustState {
    Ready,
    Spawning,
    Running,
    Stopping,
    Stopped,
    Unknown,
}

impl LocustState {
    /// The state as Locust spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Spawning => "spawning",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Unknown => "unknown",
        }
    }
}
