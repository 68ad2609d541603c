//! Which write request is interrupted, and the record of all of them. No IO:
//! the exchange asks what to do with each request and waits where it is told.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::StatusCode;
use tokio::sync::{oneshot, watch};

use super::{Moment, Recorded, When};

/// What becomes of a held request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Forward,
    Drop,
}

/// The proxy's ends of a [`super::Held`].
pub(super) struct Hold {
    pub(super) moment: Moment,
    pub(super) reached: oneshot::Sender<Recorded>,
    pub(super) outcome: watch::Receiver<Option<Outcome>>,
    pub(super) done: oneshot::Sender<()>,
}

/// What a rule does to a request.
pub(super) enum Action {
    Hold(Hold),
    Answer(StatusCode, &'static str),
    Hang,
}

/// What to do with one request.
pub(super) enum Verdict {
    Pass,
    Hold(Hold),
    Answer(StatusCode, &'static str),
    Hang,
}

/// What befalls requests of any kind.
#[derive(Debug, Clone, Copy)]
pub enum Trouble {
    /// They are answered with an error instead of being sent.
    Answer(StatusCode, &'static str),
    /// They are sent after so long.
    Delay(Duration),
    /// They are neither sent nor answered.
    Silence,
}

type MatchesPath = Box<dyn Fn(&str) -> bool + Send>;
type Matches = Box<dyn Fn(&Recorded) -> bool + Send>;

struct Rule {
    id: u64,
    when: When,
    seen: usize,
    matches: Matches,
    /// A hold is taken out when it fires.
    action: Option<Action>,
}

/// While a hold is unresolved, all other writes wait for its outcome.
struct Gate {
    id: u64,
    outcome: watch::Receiver<Option<Outcome>>,
}

#[derive(Default)]
struct State {
    rules: Vec<Rule>,
    requests: Vec<Recorded>,
    next_id: u64,
    gate: Option<Gate>,
    troubles: Vec<(Trouble, MatchesPath)>,
}

/// Shared by all connections of one proxy.
#[derive(Default)]
pub(super) struct Rules {
    state: Mutex<State>,
}

impl fmt::Debug for Rules {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Rules")
    }
}

impl Rules {
    pub(super) fn add(
        &self,
        when: When,
        action: Action,
        matches: impl Fn(&Recorded) -> bool + Send + 'static,
    ) -> u64 {
        let mut state = self.state();
        let id = state.next_id;
        state.next_id += 1;
        state.rules.push(Rule {
            id,
            when,
            seen: 0,
            matches: Box::new(matches),
            action: Some(action),
        });
        id
    }

    pub(super) fn requests(&self) -> Vec<Recorded> {
        self.state().requests.clone()
    }

    /// Removes a hold, and opens the gate if it was the one that closed it.
    pub(super) fn resolve(&self, id: u64) {
        let mut state = self.state();
        state.rules.retain(|rule| rule.id != id);
        if state.gate.as_ref().is_some_and(|gate| gate.id == id) {
            state.gate = None;
        }
    }

    pub(super) fn heal(&self) {
        let mut state = self.state();
        state
            .rules
            .retain(|rule| matches!(rule.action, Some(Action::Hold(_)) | None));
        state.troubles.clear();
    }

    pub(super) fn make_trouble(
        &self,
        trouble: Trouble,
        matches: impl Fn(&str) -> bool + Send + 'static,
    ) {
        self.state().troubles.push((trouble, Box::new(matches)));
    }

    /// What befalls a request for this path.
    pub(super) fn trouble(&self, path: &str) -> Option<Trouble> {
        let state = self.state();
        let mut troubles = state.troubles.iter();
        troubles
            .find(|(_, matches)| matches(path))
            .map(|(trouble, _)| *trouble)
    }

    /// The outcome to wait for before anything else is done with a write.
    pub(super) fn gate(&self) -> Option<watch::Receiver<Option<Outcome>>> {
        self.state().gate.as_ref().map(|gate| gate.outcome.clone())
    }

    /// Notes a request and decides about it; the number is for
    /// [`Rules::answered`]. None if a gate has closed since the caller looked.
    pub(super) fn record(&self, request: &Recorded) -> Option<(usize, Verdict)> {
        let mut state = self.state();
        if state.gate.is_some() {
            return None;
        }
        let index = state.requests.len();
        state.requests.push(request.clone());
        let (id, verdict) = state.judge(request);
        if let Verdict::Hold(hold) = &verdict {
            state.gate = Some(Gate {
                id,
                outcome: hold.outcome.clone(),
            });
        }
        Some((index, verdict))
    }

    pub(super) fn answered(&self, index: usize, status: StatusCode) {
        if let Some(request) = self.state().requests.get_mut(index) {
            request.status = Some(status);
        }
    }

    /// A predicate that panicked in one test's thread leaves nothing broken.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The first rule that is due wins; every rule that matches counts.
    fn judge(&mut self, request: &Recorded) -> (u64, Verdict) {
        let mut found = (0, Verdict::Pass);
        for rule in &mut self.rules {
            if !(rule.matches)(request) {
                continue;
            }
            rule.seen += 1;
            let due = match rule.when {
                When::Nth(nth) => rule.seen == nth,
                When::Always => true,
            };
            if due && matches!(found.1, Verdict::Pass) {
                found = (rule.id, rule.fire());
            }
        }
        found
    }
}

impl Rule {
    fn fire(&mut self) -> Verdict {
        match self.action.take() {
            Some(Action::Hold(hold)) => Verdict::Hold(hold),
            Some(Action::Answer(status, reason)) => {
                self.action = Some(Action::Answer(status, reason));
                Verdict::Answer(status, reason)
            }
            Some(Action::Hang) => {
                self.action = Some(Action::Hang);
                Verdict::Hang
            }
            None => Verdict::Pass,
        }
    }
}
