//! What became of results, in words that pass through a pod's status.

use k8s_openapi::api::core::v1::Pod;
use locust_api::names::{RESULTS_CONTAINER, Role};
use serde::{Deserialize, Serialize};

use crate::observed::Observed;
use crate::polling::shortened;

/// The most bytes of its words. A pod's status takes 4,096.
const MOST_WORDS: usize = 1024;

/// What became of the full results of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "state", content = "words")]
pub enum Outcome {
    /// They are not read yet, or not stored everywhere.
    #[default]
    Waiting,
    /// They are in all places, which it names.
    Stored(String),
    /// A place did not take them, and why.
    NotStored(String),
    /// The master did not tell them, and why.
    NotRead(String),
}

/// What became of them in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// It was not tried yet.
    None,
    /// They are there, and what.
    Stored(String),
    /// They are not, and why.
    Failed(String),
}

impl Attempt {
    /// Whether there is nothing left to do.
    pub const fn is_done(&self) -> bool {
        matches!(self, Self::Stored(_))
    }

    const fn words(&self) -> Option<&String> {
        match self {
            Self::None => None,
            Self::Stored(words) | Self::Failed(words) => Some(words),
        }
    }
}

impl Outcome {
    /// What became of them in all places.
    pub fn of(attempts: &[Attempt]) -> Self {
        let words: Vec<&str> = attempts
            .iter()
            .filter_map(Attempt::words)
            .map(String::as_str)
            .collect();
        let words = words.join("; ");
        let failed = |attempt| matches!(attempt, &Attempt::Failed(_));
        if attempts.iter().any(failed) {
            return Self::NotStored(words);
        }
        match attempts.iter().all(Attempt::is_done) {
            true => Self::Stored(words),
            false => Self::Waiting,
        }
    }

    /// What somebody in a user's pod says: bounded, on one line. `None`: it
    /// makes no sense.
    pub fn parse(said: &[u8]) -> Option<Self> {
        let said: Self = serde_json::from_slice(said).ok()?;
        Some(said.bounded())
    }

    /// The same as text.
    pub fn to_text(&self) -> String {
        serde_json::to_string(&self.clone().bounded()).unwrap_or_default()
    }

    fn bounded(mut self) -> Self {
        match &mut self {
            Self::Waiting => {}
            Self::Stored(words) | Self::NotStored(words) | Self::NotRead(words) => {
                *words = shortened(words, MOST_WORDS).0;
            }
        }
        self
    }
}

/// Whether the master of a run has such a sidecar.
pub(crate) fn has_sidecar(observed: &Observed) -> bool {
    let job = observed.last_job(Role::Master);
    let template = job.and_then(|job| job.spec.as_ref()?.template.spec.as_ref());
    let sidecars = template.and_then(|pod| pod.init_containers.as_ref());
    let mut sidecars = sidecars.into_iter().flatten();
    sidecars.any(|container| container.name == RESULTS_CONTAINER)
}

/// What the sidecar of a run has said last; `None`: nothing. What it leaves when
/// it ends is its last word.
pub(crate) fn said(observed: &Observed) -> Option<Outcome> {
    let left = observed.pods_of(Role::Master).find_map(left);
    left.or_else(|| observed.heard.as_ref()?.outcome.clone())
}

fn left(pod: &Pod) -> Option<Outcome> {
    let status = pod.status.as_ref()?;
    let mut sidecars = status.init_container_statuses.iter().flatten();
    let sidecar = sidecars.find(|container| container.name == RESULTS_CONTAINER)?;
    let ended = sidecar.state.as_ref()?.terminated.as_ref()?;
    Outcome::parse(ended.message.as_ref()?.as_bytes())
}
