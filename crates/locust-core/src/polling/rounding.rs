//! The numbers as they stand in the status: rounded, so that a status is
//! written when something moved that a person would see.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use locust_api::latest::LocustStats;

use super::Numbers;
use crate::locust::Endpoint;

/// Numbers of a run for its status.
pub fn stats(numbers: &Numbers) -> LocustStats {
    let totals = &numbers.totals;
    LocustStats {
        state: numbers.state,
        users: whole_count(numbers.users),
        requests_per_second: rate(numbers.requests_per_second),
        failures_per_second: rate(numbers.failures_per_second),
        fail_percent: fail_percent(totals),
        requests: whole_count(totals.requests),
        failures: whole_count(totals.failures),
        median_ms: milliseconds(totals.median_ms),
        p95_ms: totals.p95_ms.map(milliseconds),
        p99_ms: totals.p99_ms.map(milliseconds),
        average_ms: milliseconds(totals.average_ms),
        max_ms: milliseconds(totals.max_ms),
        workers_connected: whole_count(numbers.workers_connected),
        workers_missing: whole_count(numbers.workers_missing),
        load_start_time: numbers.load_began.map(time),
        elapsed_seconds: numbers.elapsed.map(|time| whole_count(time.as_secs())),
        remaining_seconds: numbers.remaining.map(|time| whole_count(time.as_secs())),
        sampled_at: time(numbers.sampled_at),
    }
}

/// The same without what time alone moves.
pub fn timeless(stats: &LocustStats) -> LocustStats {
    LocustStats {
        elapsed_seconds: None,
        remaining_seconds: None,
        sampled_at: Time(Timestamp::UNIX_EPOCH),
        ..stats.clone()
    }
}

/// A time as the API server keeps it, in whole seconds: a status with any other
/// would differ from the stored one for ever, and be written again and again.
pub(super) fn time(at: Timestamp) -> Time {
    Time(Timestamp::from_second(at.as_second()).unwrap_or(at))
}

pub(super) fn whole_count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Rates below a hundred with one decimal.
pub(super) fn rate(per_second: f64) -> String {
    match per_second < 99.95 {
        true => format!("{per_second:.1}"),
        false => format!("{per_second:.0}"),
    }
}

/// Two decimals below ten percent, else one. What is not nothing does not look
/// like nothing, and what is not all not like all.
pub(super) fn fail_percent(totals: &Endpoint) -> String {
    if totals.failures == 0 || totals.requests == 0 {
        return "0".to_owned();
    }
    if totals.failures >= totals.requests {
        return "100".to_owned();
    }
    let percent = totals.fail_ratio() * 100.0;
    match percent < 9.995 {
        true => format!("{:.2}", percent.max(0.01)),
        false => format!("{:.1}", percent.min(99.9)),
    }
}

/// A time of more than a thousand years is no response time.
pub(super) fn milliseconds(time: f64) -> i64 {
    const LONGEST: f64 = 3.2e13;
    whole(time.clamp(0.0, LONGEST).round())
}

#[allow(clippy::as_conversions, clippy::cast_possible_truncation)]
const fn whole(number: f64) -> i64 {
    number as i64
}
