//! Trouble that a pod's own status tells of.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ContainerStateTerminated, ContainerStatus, Pod};
use locust_api::condition::Reason;
use locust_api::names::Role;

use super::ending::cause_of;
use super::words::{missing, missing_config_map, steady};
use super::{Prospect, Trouble, condition, created, elapsed, name};
use crate::observed::{Observed, has_ended, is_leaving};

/// How long a container has to run before its crashes are forgotten: one that
/// crashes again and again runs for a moment each time.
const STEADY: Duration = Duration::from_secs(10);
/// How long a worker that ended with an error may have been told to: in a
/// normal end the workers leave one or two seconds before the master.
const PARTING: Duration = Duration::from_secs(4);
/// How often a sidecar is restarted before a restart is no longer an accident.
const RESTARTS: i32 = 2;

/// A kind of trouble, Kubernetes' words, and whether it can pass.
type Finding = (Reason, String, Prospect);

pub(super) fn troubles(observed: &Observed, role: Role) -> Vec<Trouble> {
    let live = observed
        .pods_of(role)
        .filter(|pod| !has_ended(pod) && !is_leaving(pod))
        .filter_map(|pod| Some(trouble(pod, created(pod), of_live(observed, pod)?)));
    let lost = match role {
        Role::Master => leaving_master(observed),
        Role::Worker => lost_workers(observed),
    };
    live.chain(lost).collect()
}

pub(super) fn next_change(observed: &Observed, role: Role) -> Option<Duration> {
    let waits = observed.pods_of(role).flat_map(|pod| {
        let running = statuses(pod)
            .filter_map(|status| status.state.as_ref()?.running.as_ref()?.started_at.as_ref())
            .filter_map(|start| STEADY.checked_sub(elapsed(observed, start.0)));
        let ended = failed_container(pod)
            .and_then(|(_, ended)| ended.finished_at.as_ref())
            .and_then(|end| PARTING.checked_sub(elapsed(observed, end.0)));
        running.chain(ended)
    });
    let has_crashed = observed.pods_of(role).any(has_crashed);
    has_crashed.then(|| waits.filter(|wait| !wait.is_zero()).min())?
}

fn has_crashed(pod: &Pod) -> bool {
    failed_container(pod).is_some() || statuses(pod).any(|status| status.restart_count > 0)
}

pub(super) fn trouble(
    pod: &Pod,
    since: Timestamp,
    (reason, message, prospect): Finding,
) -> Trouble {
    Trouble {
        who: name(pod),
        pods: 1,
        reason,
        message,
        prospect,
        since,
    }
}

/// Trouble of a pod that has not ended.
pub(super) fn of_live(observed: &Observed, pod: &Pod) -> Option<Finding> {
    unscheduled(pod).or_else(|| {
        statuses(pod)
            .find_map(|status| waiting(observed, status).or_else(|| restarting(observed, status)))
    })
}

fn statuses(pod: &Pod) -> impl Iterator<Item = &ContainerStatus> {
    pod.status.iter().flat_map(|status| {
        let init = status.init_container_statuses.iter().flatten();
        init.chain(status.container_statuses.iter().flatten())
    })
}

fn unscheduled(pod: &Pod) -> Option<Finding> {
    let condition = condition(pod, "PodScheduled", "False")?;
    let prospect = match condition.reason.as_deref() {
        Some("SchedulingGated") => Prospect::Held,
        _ => Prospect::Heals(None),
    };
    let words = steady(condition.message.as_deref().unwrap_or_default());
    Some((Reason::SchedulingError, words, prospect))
}

fn waiting(observed: &Observed, container: &ContainerStatus) -> Option<Finding> {
    let waiting = container.state.as_ref()?.waiting.as_ref()?;
    let words = steady(waiting.message.as_deref().unwrap_or_default());
    let reason = match waiting.reason.as_deref()? {
        "CreateContainerConfigError" => return Some(misconfigured(observed, &words)),
        "CrashLoopBackOff" => return Some(crashing(container)),
        "InvalidImageName" => return Some((Reason::ImagePullError, words, Prospect::Final)),
        "ErrImageNeverPull"
        | "ImageInspectError"
        | "RegistryUnavailable"
        | "SignatureValidationFailed" => Reason::ImagePullError,
        reason if reason.contains("ImagePull") => Reason::ImagePullError,
        "CreateContainerError"
        | "RunContainerError"
        | "PreCreateHookError"
        | "PreStartHookError"
        | "PostStartHookError" => Reason::StartError,
        _ => return None,
    };
    Some((reason, words, Prospect::Heals(None)))
}

/// Something that the container is configured with is missing or contradicts
/// itself. A missing ConfigMap of test files is named as such.
pub(super) fn misconfigured(observed: &Observed, words: &str) -> Finding {
    let files = observed.test.spec.test_files.as_ref();
    let is_expected = |name: &&str| {
        files.is_some_and(|files| {
            [&files.config_map_ref, &files.lib_config_map_ref]
                .into_iter()
                .any(|expected| expected.as_deref() == Some(name))
        })
    };
    let message = match missing_config_map(words).filter(is_expected) {
        Some(expected) => format!("ConfigMap not found (expected: {expected}). {words}"),
        None => words.to_owned(),
    };
    let remedy = missing(words).map(super::words::Missing::remedy);
    (Reason::ConfigurationError, message, Prospect::Heals(remedy))
}

/// A sidecar that was restarted again and again and has not run for long.
fn restarting(observed: &Observed, container: &ContainerStatus) -> Option<Finding> {
    let state = container.state.as_ref()?;
    let is_steady = match &state.running {
        Some(running) => running
            .started_at
            .as_ref()
            .is_none_or(|start| elapsed(observed, start.0) >= STEADY),
        None => state.terminated.is_none(),
    };
    (container.restart_count >= RESTARTS && !is_steady).then(|| crashing(container))
}

/// The kubelet's words change with each try: the end of the last one does not.
fn crashing(container: &ContainerStatus) -> Finding {
    let last = container
        .last_state
        .iter()
        .chain(&container.state)
        .find_map(|state| state.terminated.as_ref());
    let words = last.map_or_else(
        || format!("Container {} is restarted again and again", container.name),
        |ended| exit(container, ended),
    );
    (Reason::CrashLoopBackOff, words, Prospect::Heals(None))
}

fn exit(container: &ContainerStatus, ended: &ContainerStateTerminated) -> String {
    let cause = cause_of(ended);
    let words = format!(
        "Container {} exited with code {}: {}",
        container.name,
        ended.exit_code,
        ended.reason.as_deref().unwrap_or("Error")
    );
    match cause {
        Some(cause) => format!("{words}: {cause}"),
        None => words,
    }
}

/// A master that is being taken off its node: its Job tells only later.
fn leaving_master(observed: &Observed) -> Vec<Trouble> {
    let leaving = observed.pods_of(Role::Master).filter(|pod| is_leaving(pod));
    leaving
        .filter_map(|pod| {
            let (reason, words) = evicted(pod)?;
            Some(trouble(
                pod,
                created(pod),
                (reason, words, Prospect::Heals(None)),
            ))
        })
        .collect()
}

/// Workers that ended badly, as long as others are missing in their place.
fn lost_workers(observed: &Observed) -> Vec<Trouble> {
    let steady = observed
        .pods_of(Role::Worker)
        .filter(|pod| is_steady(observed, pod))
        .count();
    let wanted = usize::try_from(observed.workers_wanted()).unwrap_or_default();
    let missing = wanted.saturating_sub(steady);
    let mut lost: Vec<&Pod> = observed
        .pods_of(Role::Worker)
        .filter(|pod| was_lost(pod))
        .collect();
    lost.sort_by_key(|pod| std::cmp::Reverse(created(pod)));
    let since = lost.last().map_or(observed.now, |pod| created(pod));
    lost.into_iter()
        .take(missing)
        .filter(|pod| !may_be_parting(observed, pod))
        .filter_map(|pod| Some(trouble(pod, since, fatal(pod)?)))
        .collect()
}

/// At work long enough to be no part of a crash loop, or ended as told.
fn is_steady(observed: &Observed, pod: &Pod) -> bool {
    if is_leaving(pod) {
        return false;
    }
    if has_ended(pod) {
        return pod_phase(pod) == Some("Succeeded");
    }
    let main = pod
        .status
        .iter()
        .flat_map(|status| status.container_statuses.iter().flatten());
    main.into_iter().any(|status| {
        let running = status
            .state
            .as_ref()
            .and_then(|state| state.running.as_ref());
        running.is_some_and(|running| {
            let start = running.started_at.as_ref();
            start.is_none_or(|start| elapsed(observed, start.0) >= STEADY)
        })
    })
}

/// A container's end is told a moment before the pod's.
fn was_lost(pod: &Pod) -> bool {
    pod_phase(pod) == Some("Failed")
        || failed_container(pod).is_some()
        || condition(pod, "DisruptionTarget", "True").is_some()
}

fn may_be_parting(observed: &Observed, pod: &Pod) -> bool {
    let crashed = fatal(pod).is_some_and(|(reason, ..)| reason == Reason::CrashLoopBackOff);
    let ended = failed_container(pod).map(|(_, ended)| ended);
    // From 128 on it was a signal.
    let by_itself = ended.filter(|ended| ended.exit_code < 128);
    let at = by_itself.and_then(|ended| ended.finished_at.as_ref());
    crashed && at.is_some_and(|at| elapsed(observed, at.0) < PARTING)
}

fn pod_phase(pod: &Pod) -> Option<&str> {
    pod.status.as_ref()?.phase.as_deref()
}

/// What ended a pod, if that was not Locust's own decision. A plain exit code
/// is a crash.
pub(super) fn fatal(pod: &Pod) -> Option<Finding> {
    evicted(pod)
        .or_else(|| init_failed(pod))
        .or_else(|| failed_container(pod).map(|(container, ended)| died(container, ended)))
        .or_else(|| turned_away(pod))
        .map(|(reason, words)| (reason, words, Prospect::Heals(None)))
}

/// Taken off its node: by the eviction API, the scheduler, or the kubelet.
fn evicted(pod: &Pod) -> Option<(Reason, String)> {
    let status = pod.status.as_ref()?;
    let by_kubelet = matches!(
        status.reason.as_deref(),
        Some("Evicted" | "Preempting" | "NodeShutdown" | "Terminated" | "NodeLost")
    );
    let disruption = condition(pod, "DisruptionTarget", "True");
    let words = match (by_kubelet, disruption) {
        (true, _) => status.message.as_deref(),
        (false, Some(condition)) => condition.message.as_deref(),
        (false, None) => return None,
    };
    Some((Reason::Evicted, steady(words.unwrap_or_default())))
}

/// An init container failed while Locust still waited for it.
fn init_failed(pod: &Pod) -> Option<(Reason, String)> {
    let status = pod.status.as_ref()?;
    let waits = |main: &ContainerStatus| {
        let state = main.state.as_ref();
        state.is_none_or(|state| state.running.is_none() && state.terminated.is_none())
    };
    if !status.container_statuses.iter().flatten().all(waits) {
        return None;
    }
    let failed = status.init_container_statuses.iter().flatten();
    failed
        .filter_map(|container| Some((container, failure(container)?)))
        .map(|(container, ended)| (Reason::InitializationError, exit(container, ended)))
        .next()
}

fn died(container: &ContainerStatus, ended: &ContainerStateTerminated) -> (Reason, String) {
    match ended.reason.as_deref() {
        Some("OOMKilled") => (
            Reason::OOMKilled,
            format!(
                "Container {} was killed because it reached its memory limit",
                container.name
            ),
        ),
        Some("StartError" | "ContainerCannotRun") => (
            Reason::StartError,
            steady(
                ended
                    .message
                    .as_deref()
                    .unwrap_or("the container did not start"),
            ),
        ),
        _ => (Reason::CrashLoopBackOff, exit(container, ended)),
    }
}

/// Bound to a node that then did not take it.
fn turned_away(pod: &Pod) -> Option<(Reason, String)> {
    let status = pod.status.as_ref()?;
    let reason = status.reason.as_deref()?;
    let words = status.message.as_deref().unwrap_or_default();
    let line = steady(&format!("the node refused the pod: {reason}: {words}"));
    (status.phase.as_deref() == Some("Failed")).then_some((Reason::SchedulingError, line))
}

/// The first of the pod's own containers that ended with an error.
fn failed_container(pod: &Pod) -> Option<(&ContainerStatus, &ContainerStateTerminated)> {
    let main = pod
        .status
        .iter()
        .flat_map(|status| status.container_statuses.iter().flatten());
    main.filter_map(|container| Some((container, failure(container)?)))
        .next()
}

fn failure(container: &ContainerStatus) -> Option<&ContainerStateTerminated> {
    let ended = container.state.as_ref()?.terminated.as_ref()?;
    (ended.exit_code != 0).then_some(ended)
}
