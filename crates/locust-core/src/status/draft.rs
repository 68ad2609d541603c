//! A status in the making: it starts as the stored one, so that what is not
//! derived again stays.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use locust_api::condition::{ConditionType, Reason};
use locust_api::latest::{
    Failure, LocustStats, LocustTestSpec, LocustTestStatus, Phase, Results, Run, Stop, Verdict,
};

use super::fingerprint::fingerprint;
use super::kstatus;
use crate::observed::Observed;

/// The status of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// It holds.
    True,
    /// It does not hold.
    False,
}

impl Truth {
    const fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
        }
    }
}

/// The most bytes of a message: one line that a person reads.
const MOST_MESSAGE: usize = 512;

/// A status in the making.
#[derive(Clone, Debug)]
pub struct Draft {
    status: LocustTestStatus,
    generation: Option<i64>,
    now: Timestamp,
}

impl Draft {
    /// Begins with the stored status.
    pub fn of(observed: &Observed) -> Self {
        let mut status = observed.test.status.clone().unwrap_or_default();
        let generation = observed.test.metadata.generation;
        status.observed_generation = generation;
        Self {
            status,
            generation,
            now: observed.now,
        }
    }

    /// Goes on with a drafted status.
    pub fn resume(status: LocustTestStatus, observed: &Observed) -> Self {
        Self {
            status,
            generation: observed.test.metadata.generation,
            now: observed.now,
        }
    }

    /// The phase so far.
    pub const fn phase(&self) -> Option<Phase> {
        self.status.phase
    }

    /// Sets the phase.
    pub const fn set_phase(&mut self, phase: Phase) {
        self.status.phase = Some(phase);
    }

    /// Sets how many workers the test is started with, the first time.
    pub fn expect_workers(&mut self, workers: i32) -> i32 {
        *self.status.expected_workers.get_or_insert(workers)
    }

    /// How many workers were last seen.
    pub fn connected_workers(&self) -> i32 {
        self.status.connected_workers.unwrap_or_default()
    }

    /// Sets how many workers run.
    pub const fn set_connected_workers(&mut self, workers: i32) {
        self.status.connected_workers = Some(workers);
    }

    /// Sets what Locust says of the run.
    pub fn set_locust(&mut self, stats: LocustStats) {
        self.status.locust = Some(stats);
    }

    /// What Locust said last of the run.
    pub const fn locust(&self) -> Option<&LocustStats> {
        self.status.locust.as_ref()
    }

    /// Sets what came out of the run.
    pub fn set_results(&mut self, results: Results) {
        self.status.results = Some(results);
    }

    /// What came out of the run, as far as noted.
    pub const fn results(&self) -> Option<&Results> {
        self.status.results.as_ref()
    }

    /// Notes why the load is being stopped, unless that was noted before.
    pub fn stop(&mut self, reason: &str, message: String) -> Timestamp {
        let now = self.now;
        let stop = self.status.stop.get_or_insert_with(|| Stop {
            reason: reason.to_owned(),
            message: cut(message),
            since: Time(now),
        });
        stop.since.0
    }

    /// Why the load is being stopped, if it is.
    pub const fn stopping(&self) -> Option<&Stop> {
        self.status.stop.as_ref()
    }

    /// Sets the verdict and why it is that.
    pub fn set_verdict(&mut self, verdict: Verdict, reason: String) {
        self.status.verdict = Some(verdict);
        self.status.verdict_reason = Some(cut(reason));
    }

    /// Sets what ended the run badly.
    pub fn set_failure(&mut self, failure: Option<Failure>) {
        self.status.failure = failure.map(|failure| Failure {
            message: cut(failure.message),
            ..failure
        });
    }

    /// Notes that the run has begun: now and with the spec as it is, unless
    /// that was noted before.
    pub fn begin(&mut self, id: &str, spec: &LocustTestSpec) {
        let generation = self.generation;
        self.status.run.get_or_insert_with(|| Run {
            id: id.to_owned(),
            generation,
            spec_hash: Some(fingerprint(spec)),
        });
        self.status.start_time.get_or_insert(Time(self.now));
    }

    /// The run as noted.
    pub const fn run(&self) -> Option<&Run> {
        self.status.run.as_ref()
    }

    /// When the run was begun, as far as noted.
    pub fn started(&self) -> Option<Timestamp> {
        self.status.start_time.as_ref().map(|time| time.0)
    }

    /// Notes when the run was over.
    pub fn complete(&mut self, at: Timestamp) {
        self.status.completion_time.get_or_insert(Time(at));
    }

    /// A condition as it stands.
    pub fn condition(&self, type_: ConditionType) -> Option<&Condition> {
        self.status
            .conditions
            .iter()
            .flatten()
            .find(|condition| condition.type_ == type_.as_str())
    }

    /// Sets a condition. Its transition time moves only with its status.
    pub fn set(
        &mut self,
        type_: ConditionType,
        truth: Truth,
        reason: Reason,
        message: impl Into<String>,
    ) {
        self.put(Condition {
            type_: type_.as_str().to_owned(),
            status: truth.as_str().to_owned(),
            reason: reason.as_str().to_owned(),
            message: message.into(),
            observed_generation: self.generation,
            last_transition_time: Time(self.now),
        });
    }

    /// Takes a condition away.
    pub fn clear(&mut self, type_: ConditionType) {
        if let Some(conditions) = self.status.conditions.as_mut() {
            conditions.retain(|condition| condition.type_ != type_.as_str());
        }
    }

    /// Sets a condition that says what another one says.
    fn repeat(&mut self, type_: ConditionType, said: &Condition) {
        self.put(Condition {
            type_: type_.as_str().to_owned(),
            status: Truth::True.as_str().to_owned(),
            last_transition_time: Time(self.now),
            ..said.clone()
        });
    }

    fn put(&mut self, new: Condition) {
        let conditions = self.status.conditions.get_or_insert_default();
        match conditions.iter_mut().find(|old| old.type_ == new.type_) {
            Some(old) if old.status == new.status => {
                let last_transition_time = old.last_transition_time.clone();
                *old = Condition {
                    last_transition_time,
                    ..new
                };
            }
            Some(old) => *old = new,
            None => conditions.push(new),
        }
    }

    /// The finished status. Its summary for tools follows from the rest, and
    /// every condition was judged with this generation in view.
    pub fn finish(mut self) -> LocustTestStatus {
        let summary = kstatus::summary(&self.status).map(|(type_, said)| (type_, said.clone()));
        for type_ in [ConditionType::Reconciling, ConditionType::Stalled] {
            match &summary {
                Some((summary, said)) if *summary == type_ => self.repeat(type_, said),
                _ => self.clear(type_),
            }
        }
        for condition in self.status.conditions.iter_mut().flatten() {
            condition.observed_generation = self.generation;
        }
        self.status
    }
}

/// A message of at most so many bytes.
fn cut(mut message: String) -> String {
    let end = message.floor_char_boundary(MOST_MESSAGE);
    message.truncate(end);
    message
}
