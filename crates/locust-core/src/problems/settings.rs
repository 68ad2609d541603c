//! What the operator's own settings put into the objects. The person who wrote
//! the test cannot mend it, and is told who can.

use locust_api::condition::Reason;
use locust_api::names;

use super::{Found, resources};
use crate::build;
use crate::resolve::Resolved;

/// Ports that the master's Service and container have anyway.
const TAKEN: [u16; 3] = [names::MASTER_PORT, names::MASTER_BIND_PORT, names::WEB_PORT];

pub(super) fn judge(resolved: &Resolved, found: &mut Found) {
    let mut found = found.of(Reason::InvalidSettings);
    if let Some(seconds) = resolved.job_ttl_seconds.filter(|seconds| *seconds < 0) {
        found.add(
            "operator setting JOB_TTL_SECONDS_AFTER_FINISHED",
            format!("{seconds} is below 0: the operator's administrator has to change it"),
        );
    }
    let Some(exporter) = &resolved.exporter else {
        return;
    };
    let port = exporter.port;
    let is_taken = TAKEN.iter().any(|taken| i32::from(*taken) == port);
    if is_taken || !(1..=65_535).contains(&port) {
        found.add(
            "operator setting METRICS_EXPORTER_PORT",
            format!(
                "{port} is no port that the exporter can have: the operator's administrator has to change it"
            ),
        );
    }
    if !matches!(
        exporter.pull_policy.as_str(),
        "Always" | "IfNotPresent" | "Never" | ""
    ) {
        found.add(
            "operator setting METRICS_EXPORTER_IMAGE_PULL_POLICY",
            "must be Always, IfNotPresent or Never: the operator's administrator has to change it",
        );
    }
    let field = "operator settings METRICS_EXPORTER_…";
    let requirements = build::resources::requirements(&exporter.resources);
    resources::judge(field, &requirements, &mut found);
}
