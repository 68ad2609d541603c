//! `results.json` of a run of processes.

use locust_api::condition::Reason;
use locust_core::locust::{Conclusion, Ended, Endpoint, Exit};
use locust_core::report::Document;
use locust_core::report::document::{
    Error, Numbers, Row, SCHEMA_VERSION, Threshold, Workers, thousandths,
};

use super::{Followed, RunInfo};

/// Everything about a run that is over.
pub(super) fn document(info: &RunInfo, followed: &Followed, conclusion: &Conclusion) -> Document {
    let mut rows = followed.rows();
    let totals = rows.pop();
    let (master_exit_code, master_signal) = match info.exit {
        Exit::Code(code) => (Some(code), None),
        Exit::Signal(signal) => (None, Some(signal)),
    };
    let errors = followed.sample.as_ref().map(|sample| &sample.errors);
    let seen_seconds = followed
        .began_at
        .zip(followed.ended_at)
        .map(|(began, ended)| ended.duration_since(began).as_secs_f64());
    let load_seconds = totals.as_ref().and_then(Endpoint::load_seconds);
    Document {
        schema_version: SCHEMA_VERSION,
        test: info.test.clone(),
        verdict: conclusion.grade.as_str(),
        reason: conclusion.reason.clone(),
        failure: conclusion.failure.map(|cause| cause.as_str()),
        thresholds: followed
            .judge
            .readings(followed.watch.phase().is_over())
            .iter()
            .map(Threshold::from)
            .collect(),
        warnings: warnings(info, followed),
        locust_version: Some(info.locust_version.clone()),
        load_began_at: followed.began_at,
        load_ended_at: followed.ended_at,
        load_seconds: load_seconds.or(seen_seconds).map(thousandths),
        workers: Workers {
            expected: info.expected_workers,
            most_connected: followed.watch.most_workers(),
            lost: followed.watch.lost_workers(),
        },
        master_exit_code,
        master_signal,
        totals: totals.as_ref().map(Numbers::from),
        endpoints: rows.iter().map(Row::from).collect(),
        errors: errors.into_iter().flatten().map(Error::from).collect(),
    }
}

/// What the verdict alone does not say.
fn warnings(info: &RunInfo, followed: &Followed) -> Vec<String> {
    let (watch, expected) = (&followed.watch, info.expected_workers);
    let mut warnings = Vec::new();
    if watch.lost_workers() > 0 {
        warnings.push(format!(
            "{} of {expected} workers went away during the load; what they counted last is missing",
            watch.lost_workers()
        ));
    }
    if watch.phase().has_begun() && watch.most_workers() < expected {
        let most = watch.most_workers();
        warnings.push(format!("only {most} of {expected} workers ever connected"));
    }
    let strain = followed.making(None).unhealthy(watch.phase());
    if let Some((Reason::WorkersSaturated | Reason::UsersMissing, message)) = strain {
        warnings.push(message);
    }
    let failures = followed.totals().map_or(0, |totals| totals.failures);
    let has_thresholds = !followed.judge.standings(true).is_empty();
    if info.exit == Exit::Code(0)
        && followed.ended == Ended::Itself
        && !has_thresholds
        && failures > 0
    {
        warnings.push(format!(
            "{failures} requests failed, and Locust still ended with exit code 0, as it was told to"
        ));
    }
    let is_final = watch.phase().is_over();
    if followed.sample.is_some()
        && !is_final
        && matches!(followed.ended, Ended::Itself | Ended::Early)
    {
        warnings.push(
            "the master ended before its numbers were final: the last seconds may be missing"
                .to_owned(),
        );
    }
    warnings
}
