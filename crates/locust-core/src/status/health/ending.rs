//! How the Locust container of a finished pod ended, in one line.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{ContainerStateTerminated, Pod};

use locust_api::condition::Reason;

use super::condition;
use super::pods::fatal;
use super::traceback;

/// How Locust ended by itself.
pub fn ending(pod: &Pod, container: &str) -> Option<String> {
    let ended = terminated(pod, container)?;
    let cause = cause_of(ended).map_or_else(String::new, |cause| format!(": {cause}"));
    Some(match ended.exit_code {
        137 => format!("Locust was killed (exit code 137){cause}"),
        code => format!("Locust exited with code {code}{cause}"),
    })
}

/// Whether somebody took the pod away before Locust had ended. What it says
/// then is no verdict: told to stop, it exits with 0. Kubernetes notes whole
/// seconds: a deletion in the second of the end is that of a Job removed as
/// soon as it ended.
pub fn cut_short(pod: &Pod, container: &str) -> bool {
    let ended = terminated(pod, container).and_then(|ended| ended.finished_at.as_ref());
    let ended = ended.map_or(i64::MAX, |time| time.0.as_second());
    let deletion = deleted(pod).is_some_and(|asked| asked.as_second() < ended);
    let disruption = condition(pod, "DisruptionTarget", "True")
        .and_then(|condition| condition.last_transition_time.as_ref())
        .is_some_and(|asked| asked.0.as_second() <= ended);
    deletion || disruption
}

/// When somebody asked for the pod's deletion.
fn deleted(pod: &Pod) -> Option<Timestamp> {
    let deletion = pod.metadata.deletion_timestamp.as_ref()?;
    let grace = pod
        .metadata
        .deletion_grace_period_seconds
        .unwrap_or_default();
    let grace = SignedDuration::from_secs(grace);
    deletion.0.saturating_sub(grace).ok()
}

/// When Locust ended by its own decision, in a pod that nobody took away.
pub fn own_exit(pod: &Pod, container: &str) -> Option<Timestamp> {
    let ended = terminated(pod, container)?;
    let was_killed = ended.exit_code >= 128 || ended.reason.as_deref() == Some("OOMKilled");
    let is_own =
        !was_killed && fatal(pod).is_none_or(|(reason, ..)| reason == Reason::CrashLoopBackOff);
    let at = ended.finished_at.as_ref().map(|time| time.0);
    at.filter(|_| is_own && !cut_short(pod, container))
}

/// The exit code of a Locust that has ended.
pub fn exit_code(pod: &Pod, container: &str) -> Option<i32> {
    terminated(pod, container).map(|ended| ended.exit_code)
}

/// What a Locust that has ended says of the cause: the last of its traceback.
pub fn cause(pod: &Pod, container: &str) -> Option<String> {
    terminated(pod, container).and_then(cause_of)
}

fn terminated<'a>(pod: &'a Pod, container: &str) -> Option<&'a ContainerStateTerminated> {
    let statuses = pod.status.as_ref()?.container_statuses.iter().flatten();
    statuses
        .filter(|status| status.name == container)
        .find_map(|status| status.state.as_ref()?.terminated.as_ref())
}

/// What the end of the log, kept as the termination message, says of the cause.
pub(super) fn cause_of(ended: &ContainerStateTerminated) -> Option<String> {
    ended.message.as_deref().and_then(traceback::cause)
}
