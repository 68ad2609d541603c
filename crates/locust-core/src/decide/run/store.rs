//! The full results of a run: stored beside it once they are read, whatever its
//! verdict, which waits for nothing here.

use std::time::Duration;

use locust_api::condition::{ConditionType, Reason};
use locust_api::latest::ConfigMapPolicy;
use locust_api::names::results_name;

use crate::build::{results, results_policy};
use crate::decide::Step;
use crate::observed::Observed;
use crate::report::{NotStored, Report, Storing};
use crate::status::{Draft, Truth};

/// How long it takes until they are stored again.
const RETRY: Duration = Duration::from_secs(30);

/// What is done about the full results.
pub(super) struct Stored {
    /// To be tried now.
    pub(super) step: Option<Step>,
    /// When to look again.
    pub(super) requeue: Option<Duration>,
}

impl Stored {
    const NOTHING: Self = Self {
        step: None,
        requeue: None,
    };
}

/// Stores what was read, and says what became of that. `is_over`: nothing more
/// can be read.
pub(super) fn store(observed: &Observed, draft: &mut Draft, is_over: bool) -> Stored {
    let stored = ConditionType::ResultsStored;
    if results_policy(&observed.test) == ConfigMapPolicy::None {
        draft.clear(stored);
        return Stored::NOTHING;
    }
    let is_stored = draft
        .condition(stored)
        .is_some_and(|condition| condition.reason == Reason::Stored.as_str());
    if is_stored {
        return Stored::NOTHING;
    }
    let heard = observed.heard.as_ref();
    let report = heard.and_then(|heard| heard.report.as_deref());
    let Some(report) = report else {
        let was_tried = draft.condition(stored).is_some();
        if is_over && !was_tried && heard.is_some_and(|heard| heard.phase.has_begun()) {
            let message = "the master ended before it could be asked for its full results";
            draft.set(stored, Truth::False, Reason::NotRead, message);
        }
        return Stored::NOTHING;
    };
    let test = observed.test.metadata.name.as_deref().unwrap_or_default();
    let place = format!("ConfigMap {}", results_name(test));
    match &observed.storing {
        None => now(observed, report),
        Some(Storing::Done) => {
            draft.set(stored, Truth::True, Reason::Stored, report.words(&place));
            Stored::NOTHING
        }
        Some(Storing::Failed { why, ago }) => {
            let (reason, message) = words(why, &place);
            draft.set(stored, Truth::False, reason, message);
            match RETRY.saturating_sub(*ago) {
                Duration::ZERO => now(observed, report),
                left => Stored {
                    step: None,
                    requeue: Some(left),
                },
            }
        }
    }
}

fn now(observed: &Observed, report: &Report) -> Stored {
    Stored {
        step: results(&observed.test, report).map(|map| Step::StoreResults(Box::new(map))),
        requeue: None,
    }
}

fn words(why: &NotStored, place: &str) -> (Reason, String) {
    match why {
        NotStored::NameTaken(who) => (
            Reason::NameConflict,
            format!("{place} is not the results of a LocustTest of this name: {who}"),
        ),
        NotStored::Refused(answer) => (
            Reason::Refused,
            format!("{place} cannot be written: {answer}"),
        ),
    }
}
