//! What came out of a run.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What came out of the run, by Locust's own count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Results {
    /// Complete, or Partial.
    pub completeness: Completeness,
    /// When load was first seen, up to five seconds late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Time>,
    /// When the end of the load was seen, up to five seconds late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Time>,
    /// How long the load lasted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub duration_seconds: Option<i64>,
    /// Version of Locust as its master says, or else by the tag of Locust's own
    /// image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locust_version: Option<String>,
    /// The most workers that were connected at a time.
    #[schemars(range(min = 0))]
    pub workers: i64,
    /// How many workers went away under load. What they had counted since
    /// their last report, up to three seconds, is in no number here.
    #[schemars(range(min = 0))]
    pub workers_lost: i64,
    /// All requests together.
    pub total: RequestResult,
    /// The endpoints with the most requests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<EndpointResult>,
    /// The most frequent errors.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ErrorResult>,
    /// There are more endpoints or errors than stand here, or longer names.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

/// Complete: the load had ended, and everything that the workers counted had
/// arrived. Partial: the master ended, or was no longer heard, before that.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[allow(missing_docs)]
pub enum Completeness {
    Complete,
    Partial,
}

/// Numbers of the whole run. Response times are rounded to milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RequestResult {
    /// Requests made, failed ones included.
    #[schemars(range(min = 0))]
    pub requests: i64,
    /// Requests that failed.
    #[schemars(range(min = 0))]
    pub failures: i64,
    /// How many of a hundred requests failed.
    pub fail_percent: String,
    /// Requests per second, over the whole run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_second: Option<String>,
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
    /// Fastest response.
    #[schemars(range(min = 0))]
    pub min_ms: i64,
    /// Slowest response.
    #[schemars(range(min = 0))]
    pub max_ms: i64,
}

/// Numbers of one endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EndpointResult {
    /// HTTP method, or what the locustfile calls the type of request.
    pub method: String,
    /// Name of the request, for HTTP usually its path.
    pub name: String,
    /// Its numbers.
    #[serde(flatten)]
    pub result: RequestResult,
}

/// One kind of error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorResult {
    /// Method of the requests that failed so.
    pub method: String,
    /// Name of the requests that failed so.
    pub name: String,
    /// The error's text.
    pub error: String,
    /// How often it happened.
    #[schemars(range(min = 0))]
    pub occurrences: i64,
}

/// Whether the run was good. Passed: load was made to its end, and Locust, or
/// the thresholds, found nothing wrong. Failed: something was. Inconclusive: the
/// numbers do not say.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[allow(missing_docs)]
pub enum Verdict {
    Passed,
    Failed,
    Inconclusive,
}

impl Verdict {
    /// The verdict as it stands in `status.verdict`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "Passed",
            Self::Failed => "Failed",
            Self::Inconclusive => "Inconclusive",
        }
    }
}
