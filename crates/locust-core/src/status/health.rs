//! Trouble with pods, read off their status alone.

use std::collections::BTreeSet;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use locust_api::condition::Reason;

/// What keeps one pod from running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The pod's name.
    pub pod: String,
    /// The kind of trouble.
    pub reason: Reason,
    /// Kubernetes' own words.
    pub message: String,
    /// When the pod was created: the start of its grace.
    pub since: Timestamp,
}

/// The order in which kinds of trouble are reported: the first one present
/// names the condition.
const PRIORITY: [Reason; 5] = [
    Reason::ConfigurationError,
    Reason::ImagePullError,
    Reason::SchedulingError,
    Reason::CrashLoopBackOff,
    Reason::InitializationError,
];

/// Trouble of pods that are still meant to run. A pod that has ended is its
/// Job's business.
pub fn troubles<'a>(pods: impl IntoIterator<Item = &'a Pod>) -> Vec<Trouble> {
    pods.into_iter().filter_map(trouble).collect()
}

/// One line about all troubles, and its reason. `None` without trouble.
pub fn summary(troubles: &[Trouble]) -> Option<(Reason, String)> {
    let reason = PRIORITY
        .into_iter()
        .find(|reason| troubles.iter().any(|trouble| trouble.reason == *reason))?;
    let affected: Vec<&Trouble> = troubles
        .iter()
        .filter(|trouble| trouble.reason == reason)
        .collect();
    let pods: BTreeSet<&str> = affected
        .iter()
        .map(|trouble| trouble.pod.as_str())
        .collect();
    let count = pods.len();
    let pods = pods.into_iter().collect::<Vec<_>>().join(", ");
    let message = affected
        .first()
        .map_or("", |trouble| trouble.message.as_str());
    let mut line = format!(
        "{}: {count} pod(s) affected [{pods}]: {message}",
        reason.as_str()
    );
    if reason == Reason::ConfigurationError {
        line.push_str(". Create the ConfigMap and the pods will restart automatically.");
    }
    Some((reason, line))
}

fn trouble(pod: &Pod) -> Option<Trouble> {
    let status = pod.status.as_ref()?;
    if matches!(status.phase.as_deref(), Some("Succeeded" | "Failed")) {
        return None;
    }
    let (reason, message) = unscheduled(pod).or_else(|| {
        let init = status.init_container_statuses.iter().flatten();
        let main = status.container_statuses.iter().flatten();
        init.chain(main).find_map(waiting)
    })?;
    Some(Trouble {
        pod: pod.metadata.name.clone().unwrap_or_default(),
        reason,
        message,
        since: pod
            .metadata
            .creation_timestamp
            .as_ref()
            .map_or(Timestamp::UNIX_EPOCH, |time| time.0),
    })
}

fn unscheduled(pod: &Pod) -> Option<(Reason, String)> {
    pod.status
        .iter()
        .flat_map(|status| status.conditions.iter().flatten())
        .find(|condition| condition.type_ == "PodScheduled" && condition.status == "False")
        .map(|condition| {
            (
                Reason::SchedulingError,
                condition.message.clone().unwrap_or_default(),
            )
        })
}

fn waiting(container: &ContainerStatus) -> Option<(Reason, String)> {
    let waiting = container.state.as_ref()?.waiting.as_ref()?;
    let reason = match waiting.reason.as_deref()? {
        "CreateContainerConfigError" => Reason::ConfigurationError,
        "CrashLoopBackOff" => Reason::CrashLoopBackOff,
        reason if reason.contains("ImagePull") || reason.contains("InvalidImageName") => {
            Reason::ImagePullError
        }
        _ => return None,
    };
    Some((reason, waiting.message.clone().unwrap_or_default()))
}

/// How the Locust container of a finished pod ended, in one line.
pub fn ending(pod: &Pod, container: &str) -> Option<String> {
    let status = pod.status.as_ref()?;
    let ended = status
        .container_statuses
        .iter()
        .flatten()
        .find(|status| status.name == container)
        .and_then(|status| status.state.as_ref()?.terminated.as_ref());
    let Some(ended) = ended else {
        return status.reason.as_ref().map(|reason| match &status.message {
            Some(message) => format!("pod was {reason}: {message}"),
            None => format!("pod was {reason}"),
        });
    };
    let cause = ended
        .message
        .as_deref()
        .and_then(cause)
        .map(|cause| format!(": {cause}"))
        .unwrap_or_default();
    Some(match ended.reason.as_deref() {
        Some("OOMKilled") => "Locust was OOMKilled: raise its memory limit".to_owned(),
        _ => format!("Locust exited with code {}{cause}", ended.exit_code),
    })
}

/// The line of a log's end that says why: the exception below a traceback, or
/// an error of the argument parser.
fn cause(log: &str) -> Option<&str> {
    let mut lines = log
        .lines()
        .rev()
        .map(str::trim)
        .filter(|line| !line.is_empty());
    let last = lines.clone().next()?;
    if log.contains("Traceback (most recent call last)") && !last.contains('|') {
        return Some(last);
    }
    lines.find(|line| line.contains("error:") || line.contains("/ERROR/"))
}
