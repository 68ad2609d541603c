//! The full results of a run: stored beside it once they are read, whatever its
//! verdict, which waits for nothing here.
//!
//! The operator writes the ConfigMap. What the test names beside that, a sidecar
//! of the master writes; its words are passed on.

use std::time::Duration;

use locust_api::condition::{ConditionType, Reason};
use locust_api::latest::{ConfigMapPolicy, ResultStorage};
use locust_api::names::results_name;

use crate::build::{results, results_policy};
use crate::decide::Step;
use crate::observed::Observed;
use crate::report::{NotStored, Report, Storing};
use crate::status::{Draft, Truth};
use crate::storage::{self, Outcome};

/// How long it takes until they are stored again.
const RETRY: Duration = Duration::from_secs(30);

/// What is done about the full results.
#[derive(Default)]
pub(super) struct Stored {
    /// To be tried now.
    pub(super) step: Option<Step>,
    /// When to look again.
    pub(super) requeue: Option<Duration>,
}

/// What is known of one place for them.
enum Known {
    /// They are not wanted there.
    Unwanted,
    /// Nothing yet.
    Nothing,
    Stored(String),
    Not(Reason, String),
}

/// Stores what was read, and says what became of that. `is_over`: nothing more
/// is heard.
pub(super) fn store(observed: &Observed, draft: &mut Draft, is_over: bool) -> Stored {
    let condition = draft.condition(ConditionType::ResultsStored);
    if condition.is_some_and(|condition| condition.reason == Reason::Stored.as_str()) {
        return Stored::default();
    }
    let is_lost = is_over && condition.is_none();
    let (in_map, stored) = config_map(observed, is_lost);
    tell(&[in_map, elsewhere(observed, is_lost)], draft);
    stored
}

/// The ConfigMap. `is_lost`: what was not read by now never is.
fn config_map(observed: &Observed, is_lost: bool) -> (Known, Stored) {
    if results_policy(&observed.test) == ConfigMapPolicy::None {
        return (Known::Unwanted, Stored::default());
    }
    let heard = observed.heard.as_ref();
    let report = heard.and_then(|heard| heard.report.as_deref());
    let Some(report) = report else {
        let known = match is_lost && has_begun(observed) {
            true => Known::Not(
                Reason::NotRead,
                "the master ended before it could be asked for its full results".to_owned(),
            ),
            false => Known::Nothing,
        };
        return (known, Stored::default());
    };
    let test = observed.test.metadata.name.as_deref().unwrap_or_default();
    let place = format!("ConfigMap {}", results_name(test));
    match &observed.storing {
        None => (Known::Nothing, now(observed, report)),
        Some(Storing::Done) => (Known::Stored(report.words(&place)), Stored::default()),
        Some(Storing::Failed { why, ago }) => {
            let stored = match RETRY.saturating_sub(*ago) {
                Duration::ZERO => now(observed, report),
                left => Stored {
                    step: None,
                    requeue: Some(left),
                },
            };
            (refused(why, &place), stored)
        }
    }
}

fn now(observed: &Observed, report: &Report) -> Stored {
    Stored {
        step: results(&observed.test, report).map(|map| Step::StoreResults(Box::new(map))),
        requeue: None,
    }
}

fn refused(why: &NotStored, place: &str) -> Known {
    match why {
        NotStored::NameTaken(who) => Known::Not(
            Reason::NameConflict,
            format!("{place} is not the results of a LocustTest of this name: {who}"),
        ),
        NotStored::Refused(answer) => Known::Not(
            Reason::Refused,
            format!("{place} cannot be written: {answer}"),
        ),
    }
}

/// Whether there was load, and so results.
fn has_begun(observed: &Observed) -> bool {
    let heard = observed.heard.as_ref();
    heard.is_some_and(|heard| heard.phase.has_begun())
}

/// The places of the sidecar.
fn elsewhere(observed: &Observed, is_lost: bool) -> Known {
    let results = observed.test.spec.results.as_ref();
    let is_wanted = results.is_some_and(ResultStorage::names_places);
    if !storage::has_sidecar(observed) {
        return match is_wanted && is_lost {
            true => Known::Not(
                Reason::NotRead,
                "the run had no sidecar that stores results: they were asked for after its start, or Locust runs without its web API (--headless)".to_owned(),
            ),
            false => Known::Unwanted,
        };
    }
    match storage::said(observed).unwrap_or_default() {
        Outcome::Waiting if is_lost && has_begun(observed) => Known::Not(
            Reason::NotKnown,
            "the run was over before the sidecar of its master had said what became of its full results".to_owned(),
        ),
        Outcome::Waiting => Known::Nothing,
        Outcome::Stored(words) => Known::Stored(words),
        Outcome::NotStored(words) => Known::Not(Reason::Refused, words),
        Outcome::NotRead(words) => Known::Not(Reason::NotRead, words),
    }
}

/// A place that does not take them is told at once, and that they are stored
/// when they are in all places.
fn tell(places: &[Known], draft: &mut Draft) {
    let stored = ConditionType::ResultsStored;
    let (mut words, mut trouble, mut is_open) = (Vec::new(), None, false);
    for place in places {
        match place {
            Known::Unwanted => {}
            Known::Nothing => is_open = true,
            Known::Stored(said) => words.push(said.as_str()),
            Known::Not(reason, said) => {
                trouble.get_or_insert(*reason);
                words.push(said);
            }
        }
    }
    let words = words.join("; ");
    match trouble {
        Some(reason) => draft.set(stored, Truth::False, reason, words),
        None if is_open => {}
        None if words.is_empty() => draft.clear(stored),
        None => draft.set(stored, Truth::True, Reason::Stored, words),
    }
}
