//! The answers of one master, folded: what they say of the run, whether that is
//! news, and when to ask again.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use locust_api::latest::LocustStats;

use super::pace::is_changing;
use super::results::Top;
use super::silence::Failures;
use super::{Heard, Master, Moment, News, Numbers, Order, Silence, stats, timeless};
use crate::judgement::Making;
use crate::locust::{Generator, Rate, RunPhase, RunWatch, Sample, State, Worker};
use crate::metrics::{Detail, Run};
use crate::report::{self, Gathered, Report};
use crate::storage::Outcome;
use crate::thresholds::{Judge, RunTime};

/// The pause while something changes, and before the first load.
const CHANGING: Duration = Duration::from_secs(2);
/// The pause while all goes on as it did. Workers report every three seconds.
const STEADY: Duration = Duration::from_secs(5);
/// The pause before the numbers are final, at least: pauses are not exact.
const SHORTEST: Duration = Duration::from_millis(100);
/// The longest pause after failed attempts.
const LONGEST: Duration = Duration::from_secs(30);
/// How often moved numbers alone are news.
const NUMBERS_ARE_NEWS: Duration = Duration::from_secs(5);
/// How often a master is asked which Locust it is.
const VERSION_QUESTIONS: u32 = 3;
/// How often a master is asked for all that it can tell.
const REPORT_QUESTIONS: u32 = 3;

/// The answers of one master, folded.
#[derive(Clone, Debug)]
pub struct Following {
    workers: String,
    version: Option<String>,
    image_version: Option<String>,
    version_questions: u32,
    watch: RunWatch,
    generator: Generator,
    wanted_workers: Option<u64>,
    /// What the watch's clock shows at the first question.
    offset: Duration,
    requests: Rate,
    failures: Rate,
    load_began: Option<Timestamp>,
    load_ended: Option<Timestamp>,
    numbers: Option<Numbers>,
    top: Arc<Top>,
    /// The last answer, for metrics.
    run: Option<Arc<Run>>,
    silence: Option<Silence>,
    failed: Failures,
    is_changing: bool,
    /// How long after the last answer the numbers are final.
    final_in: Option<Duration>,
    judge: Judge,
    wants_report: bool,
    report_room: usize,
    report_questions: u32,
    report: Option<Arc<Report>>,
    /// Of the sidecar that stores the full results, if there is one.
    outcome: Option<Outcome>,
    told: Option<(Duration, Told)>,
}

/// What was last news.
#[derive(Clone, Debug, PartialEq)]
struct Told {
    phase: RunPhase,
    silence: Option<Silence>,
    stats: Option<LocustStats>,
    breaches: usize,
}

impl Following {
    /// Begins to follow a master, also one whose load began before.
    pub fn new(master: &Master, now: Timestamp) -> Self {
        let ago = master
            .load_began
            .and_then(|began| Duration::try_from(now.duration_since(began)).ok());
        Self {
            workers: master.workers.clone(),
            version: None,
            image_version: master.image_version.clone(),
            version_questions: 0,
            watch: match ago {
                Some(_) => RunWatch::resumed(master.run_time),
                None => RunWatch::new(master.run_time),
            },
            // How many users there were before is not known.
            generator: Generator::new(master.users.filter(|_| ago.is_none())),
            wanted_workers: master.wanted_workers,
            offset: ago.unwrap_or_default(),
            requests: Rate::default(),
            failures: Rate::default(),
            load_began: master.load_began,
            load_ended: None,
            numbers: None,
            top: Arc::default(),
            run: None,
            silence: None,
            failed: Failures::default(),
            is_changing: true,
            final_in: None,
            judge: Judge::new(&master.thresholds),
            wants_report: master.wants_report,
            report_room: master.report_room,
            report_questions: 0,
            report: None,
            outcome: master.sidecar.map(|_| Outcome::Waiting),
            told: None,
        }
    }

    /// Goes on with the same master and the thresholds that it has now.
    pub fn attend(&mut self, master: &Master) {
        if !self.judge.is_of(&master.thresholds) {
            self.judge = Judge::new(&master.thresholds);
        }
        self.wants_report = master.wants_report;
        if !self.wants_report {
            self.report = None;
        }
    }

    /// Whether an order still means something: it is repeated until it has had
    /// its effect.
    pub fn has_yet_to(&self, order: Order) -> bool {
        let phase = self.watch.phase();
        match order {
            Order::Stop => phase == RunPhase::Running,
            Order::StartWithoutAll => phase == RunPhase::Starting,
        }
    }

    /// Whether the table of requests is wanted beside an answer.
    pub fn wants_table(&self, sample: &Sample) -> bool {
        self.judge.wants_table(sample)
    }

    /// Takes in an answer, or that there was none.
    pub fn hear(&mut self, moment: Moment, answer: Result<Sample, Silence>) -> News {
        match answer.and_then(|sample| self.of_this_run(sample)) {
            Ok(sample) => self.take_in(moment, &sample),
            Err(silence) => {
                self.failed.add(&silence);
                // What is told stays until something else has lasted as long.
                let lasted = match self.silence.is_some() {
                    true => self.failed.alike,
                    false => self.failed.in_a_row,
                };
                let is_certain = lasted >= silence.patience();
                self.silence = is_certain.then_some(silence).or(self.silence.take());
            }
        }
        self.is_news(moment.elapsed)
    }

    /// Whether the master is yet to say which Locust it is.
    pub fn wants_version(&self) -> bool {
        self.version.is_none()
            && self.numbers.is_some()
            && self.version_questions < VERSION_QUESTIONS
    }

    /// Takes in which Locust the master says it is, or that it does not.
    pub fn hear_version(&mut self, version: Option<String>) {
        self.version_questions = self.version_questions.saturating_add(1);
        self.version = version;
    }

    /// Whether the master is to be asked for all that it can tell: its numbers
    /// are final.
    pub fn wants_report(&self) -> bool {
        self.wants_report && self.report.is_none() && self.watch.phase().is_over()
    }

    /// Takes in what the master of this test told. Without its table of requests
    /// it is asked again, a few times.
    pub fn hear_report(&mut self, test: &str, gathered: Gathered) {
        self.report_questions = self.report_questions.saturating_add(1);
        if gathered.stats_csv.is_none() && self.report_questions < REPORT_QUESTIONS {
            return;
        }
        self.keep_report(test, gathered);
    }

    /// The same, for good.
    pub fn keep_report(&mut self, test: &str, gathered: Gathered) {
        let readings = self.judge.readings(true);
        let document = report::document(test, &self.heard(), &readings, &gathered);
        let report = Report::of(&document, gathered, self.report_room);
        self.report = Some(Arc::new(report));
    }

    /// Whether the sidecar is to be asked what became of the full results.
    pub fn wants_outcome(&self) -> bool {
        let is_open = !matches!(self.outcome, None | Some(Outcome::Stored(_)));
        is_open && self.watch.phase().is_over()
    }

    /// Takes in what the sidecar said.
    pub fn hear_outcome(&mut self, outcome: Outcome) -> News {
        let outcome = Some(outcome);
        match self.outcome == outcome {
            true => News::None,
            false => {
                self.outcome = outcome;
                News::Some
            }
        }
    }

    /// What is known now.
    pub fn heard(&self) -> Heard {
        Heard {
            phase: self.watch.phase(),
            numbers: self.numbers.clone(),
            top: self.top.clone(),
            load_ended: self.load_ended,
            version: self.version.clone().or_else(|| self.image_version.clone()),
            standings: self.judge.standings(self.watch.phase().is_over()),
            making: Making::of(&self.watch, self.generator.strain(), self.wanted_workers),
            report: self.report.clone(),
            outcome: self.outcome.clone(),
            silence: self.silence.clone(),
        }
    }

    /// What metrics say of the run; `None`: its master does not answer.
    pub fn run(&self) -> Option<Arc<Run>> {
        self.run.clone().filter(|_| self.silence.is_none())
    }

    /// How long to wait before the next question.
    pub fn pause(&self) -> Duration {
        // That it starts late is no reason to hear of it late.
        let is_starting = matches!(self.silence, Some(Silence::NotListening(_)));
        if self.failed.in_a_row > 0 && !(is_starting && self.numbers.is_none()) {
            let doubled = 2_u32.saturating_pow(self.failed.in_a_row.saturating_sub(3));
            return CHANGING.saturating_mul(doubled).min(LONGEST);
        }
        if let Some(left) = self.final_in {
            return left.clamp(SHORTEST, CHANGING);
        }
        match self.is_changing || self.wants_outcome() {
            true => CHANGING,
            false => STEADY,
        }
    }

    /// A run that has begun does not stand before its beginning again, and its
    /// workers bear its name.
    fn of_this_run(&self, sample: Sample) -> Result<Sample, Silence> {
        let workers = &sample.workers.each;
        let is_ours = |worker: &Worker| worker.id.starts_with(&self.workers);
        let is_strange = !workers.is_empty() && !workers.iter().any(is_ours);
        let begins_anew = self.watch.phase().has_begun() && sample.state == State::Ready;
        match is_strange || begins_anew {
            true => Err(Silence::Foreign),
            false => Ok(sample),
        }
    }

    fn take_in(&mut self, moment: Moment, sample: &Sample) {
        self.failed = Failures::default();
        self.silence = None;
        let now = self.offset.saturating_add(moment.elapsed);
        let before = (self.watch.began(), self.watch.ended());
        let phase = self.watch.observe(now, sample);
        self.generator.observe(now, sample);
        if self.watch.began() != before.0 {
            self.load_began = Some(moment.now);
        }
        if self.watch.ended() != before.1 {
            self.load_ended = self.watch.ended().map(|_| moment.now);
        }
        self.top = Top::of(sample);
        self.run = Some(Arc::new(Run::of(sample, Detail::Top)));
        if phase == RunPhase::Running {
            self.requests.observe(now, sample.totals.requests);
            self.failures.observe(now, sample.totals.failures);
        }
        let numbers = self.numbers(moment, now, sample);
        let time = RunTime {
            phase,
            load: numbers.elapsed.unwrap_or_default(),
            lately: numbers.requests_per_second,
        };
        self.judge.observe(time, sample);
        self.final_in = self.watch.final_in(now);
        self.is_changing = is_changing(phase, self.numbers.as_ref(), &numbers);
        self.numbers = Some(numbers);
    }

    fn numbers(&self, moment: Moment, now: Duration, sample: &Sample) -> Numbers {
        let lately = |rate: &Rate, locusts: f64| match self.watch.phase() {
            RunPhase::Running => rate.per_second().unwrap_or(locusts),
            RunPhase::Starting | RunPhase::Ending | RunPhase::Ended | RunPhase::AllWorkersLost => {
                0.0
            }
        };
        let until = self.watch.ended().unwrap_or(now);
        Numbers {
            state: sample.state,
            users: sample.users,
            requests_per_second: lately(&self.requests, sample.requests_per_second),
            failures_per_second: lately(&self.failures, sample.failures_per_second),
            totals: sample.totals.clone(),
            workers_connected: sample.workers.connected,
            workers_missing: sample.workers.missing,
            load_began: self.load_began,
            elapsed: self.watch.began().map(|began| until.saturating_sub(began)),
            remaining: self.watch.time_left(now),
            sampled_at: moment.now,
        }
    }

    /// Moved numbers are news once in a while, anything else at once.
    fn is_news(&mut self, now: Duration) -> News {
        let telling = Told {
            phase: self.watch.phase(),
            silence: self.silence.clone(),
            stats: self.numbers.as_ref().map(stats),
            breaches: self.judge.breaches(),
        };
        // The numbers are final in a moment, and are told then, once.
        let settles = telling.phase == RunPhase::Ending
            && self
                .told
                .as_ref()
                .is_some_and(|(_, told)| told.silence == telling.silence);
        let is_news = match &self.told {
            _ if settles => false,
            None => telling.stats.is_some() || telling.silence.is_some(),
            Some((at, told)) => {
                let turns = told.phase != telling.phase
                    || told.silence != telling.silence
                    || told.breaches != telling.breaches
                    || state(told) != state(&telling);
                turns
                    || now.saturating_sub(*at) >= NUMBERS_ARE_NEWS
                        && told.stats.as_ref().map(timeless) != telling.stats.as_ref().map(timeless)
            }
        };
        if is_news {
            self.told = Some((now, telling));
            return News::Some;
        }
        News::None
    }
}

fn state(told: &Told) -> Option<State> {
    told.stats.as_ref().map(|stats| stats.state)
}
