//! Trouble with pods: what keeps them from running, in Kubernetes' own words.
//!
//! | file | reads |
//! |---|---|
//! | `pods.rs` | the status of a pod |
//! | `suspects.rs` | events, of objects whose status does not say why they wait |
//! | `words.rs` | Kubernetes' sentences |
//! | `ending.rs`, `traceback.rs` | how Locust ended |

mod ending;
mod pods;
mod suspects;
mod traceback;
mod words;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use locust_api::condition::{ConditionType, Reason};
use locust_api::names::Role;

use crate::observed::Observed;

pub use ending::{cause, cut_short, ending, exit_code, own_exit};
pub use suspects::{Questions, questions};

/// How many pods a message names; it counts the others.
const NAMED: usize = 10;

/// What keeps one pod from running, or a Job from getting pods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Who has it: a pod's name, or `Job` and a Job's name.
    pub who: String,
    /// How many pods that are.
    pub pods: usize,
    /// The kind of trouble.
    pub reason: Reason,
    /// Kubernetes' own words.
    pub message: String,
    /// Whether it can pass.
    pub prospect: Prospect,
    /// The start of its grace.
    pub since: Timestamp,
}

/// Whether trouble can pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prospect {
    /// It can, and holds as a sentence what to do for that, if that is certain.
    Heals(Option<String>),
    /// Somebody holds the pod back on purpose, for as long as it takes.
    Held,
    /// Nothing but another spec mends it.
    Final,
}

/// All troubles of one reason, the first of those present.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The reason.
    pub reason: Reason,
    /// One line: how many pods, which, and why.
    pub line: String,
    /// What makes it pass, as a sentence to add; empty if that is not certain.
    pub promise: String,
}

/// Trouble of the pods that the test still wants, and of Jobs without pods.
pub fn troubles(observed: &Observed) -> Vec<Trouble> {
    [Role::Master, Role::Worker]
        .into_iter()
        .flat_map(|role| {
            let mut troubles = pods::troubles(observed, role);
            troubles.extend(suspects::troubles(observed, role));
            troubles
        })
        .collect()
}

/// When time alone can change [`troubles`] or what has to be asked.
pub fn next_change(observed: &Observed) -> Option<Duration> {
    let roles = [Role::Master, Role::Worker];
    let pods = roles
        .into_iter()
        .filter_map(|role| pods::next_change(observed, role))
        .min();
    pods.into_iter()
        .chain(suspects::next_change(observed))
        .min()
}

/// One line about all troubles, and its reason. `None` without trouble.
pub fn summary(troubles: &[Trouble]) -> Option<Summary> {
    let reason = Reason::ALL
        .iter()
        .copied()
        .filter(|reason| reason.types().contains(&ConditionType::PodsHealthy))
        .find(|reason| troubles.iter().any(|trouble| trouble.reason == *reason))?;
    let affected: Vec<&Trouble> = troubles
        .iter()
        .filter(|trouble| trouble.reason == reason)
        .collect();
    let count: usize = affected.iter().map(|trouble| trouble.pods).sum();
    let names: BTreeSet<&str> = affected
        .iter()
        .map(|trouble| trouble.who.as_str())
        .collect();
    let first = affected.first()?;
    let promise = match &first.prospect {
        Prospect::Heals(Some(sentence)) => format!(". {sentence}"),
        Prospect::Heals(None) | Prospect::Held | Prospect::Final => String::new(),
    };
    Some(Summary {
        reason,
        line: format!(
            "{}: {count} pod(s) affected [{}]: {}",
            reason.as_str(),
            list(&names),
            first.message
        ),
        promise,
    })
}

/// One line about what ended a pod, if it is for one of these reasons.
pub fn fatal_summary(pod: &Pod, reasons: &[Reason]) -> Option<Summary> {
    let finding = pods::fatal(pod).filter(|(reason, ..)| reasons.contains(reason))?;
    summary(&[pods::trouble(pod, created(pod), finding)])
}

fn list(names: &BTreeSet<&str>) -> String {
    let named: Vec<&str> = names.iter().take(NAMED).copied().collect();
    let line = named.join(", ");
    match names.len().saturating_sub(named.len()) {
        0 => line,
        others => format!("{line} and {others} more"),
    }
}

fn name(pod: &Pod) -> String {
    pod.metadata.name.clone().unwrap_or_default()
}

fn created(pod: &Pod) -> Timestamp {
    pod.metadata
        .creation_timestamp
        .as_ref()
        .map_or(Timestamp::UNIX_EPOCH, |time| time.0)
}

/// A condition of a pod that is in this state.
fn condition<'a>(
    pod: &'a Pod,
    type_: &str,
    status: &str,
) -> Option<&'a k8s_openapi::api::core::v1::PodCondition> {
    pod.status
        .iter()
        .flat_map(|pod| pod.conditions.iter().flatten())
        .find(|condition| condition.type_ == type_ && condition.status == status)
}

fn elapsed(observed: &Observed, since: Timestamp) -> Duration {
    Duration::try_from(observed.now.duration_since(since)).unwrap_or_default()
}
