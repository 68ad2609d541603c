//! What a view shows at one moment, as text.

use std::time::Duration;

use locust_core::locust::{RunPhase, Sample};
use locust_core::thresholds::{Reading, Standing};

/// What a view shows at one moment.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Where the run stands.
    pub phase: RunPhase,
    /// What the master said last, if it ever did.
    pub sample: Option<Sample>,
    /// Requests per second, once it can be told.
    pub rate: Option<f64>,
    /// Since the processes were started.
    pub elapsed: Duration,
    /// Since the load began, and how long it is planned to last.
    pub load: Option<(Duration, Duration)>,
    /// Users that the arguments ask for.
    pub wanted_users: Option<u64>,
    /// Workers that were started.
    pub expected_workers: u64,
    /// The load is being ended before its time.
    pub is_stopping: bool,
    /// The thresholds, each with its number.
    pub thresholds: Vec<Reading>,
}

impl Frame {
    /// One word for where the run stands.
    pub(super) const fn phase_name(&self) -> &'static str {
        match self.phase {
            RunPhase::Starting => "starting",
            RunPhase::Running if self.is_stopping => "stopping",
            RunPhase::Running => "running",
            RunPhase::Ending => "collecting",
            RunPhase::Ended => "ended",
            RunPhase::AllWorkersLost => "no workers",
        }
    }

    /// Seconds done of the planned ones, while there is load.
    pub(super) fn part_done(&self) -> Option<(u64, u64)> {
        let (done, whole) = self.load.filter(|_| self.phase == RunPhase::Running)?;
        Some((done.min(whole).as_secs(), whole.as_secs()))
    }

    /// `running   0:12   0:18 left`.
    pub(super) fn headline(&self) -> String {
        let name = self.phase_name();
        let elapsed = clock(self.elapsed);
        match self.part_done() {
            Some((done, whole)) => {
                let left = clock(Duration::from_secs(whole - done));
                format!("{name:<10} {elapsed:>5}  {left:>5} left")
            }
            None => format!("{name:<10} {elapsed:>5}"),
        }
    }

    /// `20/20 users · 2/2 workers · 96.5 req/s · …`.
    pub(super) fn numbers(&self) -> String {
        self.parts(" · ", |part| match part {
            Part::Users(users) => format!("{users} users"),
            Part::Workers(workers) => format!("{workers} workers"),
            Part::Rate(rate) => format!("{rate} req/s"),
            Part::Requests(requests) => format!("{requests} requests"),
            Part::Failures(failures, percent) => format!("{failures} failed ({percent})"),
            Part::P95(p95) => format!("p95 {p95}"),
        })
    }

    /// One line for each threshold: `✓ p95 47ms, at most 500ms (91 % within)`.
    pub(super) fn margins(&self) -> Vec<String> {
        self.shown_thresholds().iter().map(margin).collect()
    }

    fn shown_thresholds(&self) -> &[Reading] {
        match self.phase.has_begun() {
            true => &self.thresholds,
            false => &[],
        }
    }

    /// `running     12 s  users=20/20 workers=2/2 rps=96.5 … | p95 91 % within`.
    pub(super) fn plain_line(&self) -> String {
        let numbers = self.parts(" ", |part| match part {
            Part::Users(users) => format!("users={users}"),
            Part::Workers(workers) => format!("workers={workers}"),
            Part::Rate(rate) => format!("rps={rate}"),
            Part::Requests(requests) => format!("requests={requests}"),
            Part::Failures(failures, _) => format!("failures={failures}"),
            Part::P95(p95) => format!("p95={}", p95.replace(' ', "")),
        });
        let left = self.part_done().map(|(done, whole)| whole - done);
        let left = left.map_or_else(String::new, |left| format!(" left={left}s"));
        let elapsed = self.elapsed.as_secs();
        let mut line = format!("{:<10} {elapsed:>4} s  {numbers}{left}", self.phase_name());
        for reading in self.shown_thresholds() {
            let (name, margin) = (&reading.name, reading.margin_words());
            line.push_str(&format!(" | {name} {margin}"));
        }
        line
    }

    fn parts(&self, separator: &str, write: impl Fn(Part) -> String) -> String {
        let sample = self.sample.as_ref().filter(|_| self.phase.has_begun());
        let connected = self.sample.as_ref().map_or(0, |s| s.workers.connected);
        let workers = Part::Workers(format!("{connected}/{}", self.expected_workers));
        let mut parts = Vec::new();
        // After the load there are no users, and the master lists no workers
        // for a while: nothing to be alarmed about.
        if matches!(self.phase, RunPhase::Starting | RunPhase::Running) {
            parts.extend(sample.map(|sample| Part::Users(self.users(sample))));
            parts.push(workers);
            parts.extend(sample.map(|_| Part::Rate(self.rate())));
        }
        if let Some(totals) = sample.map(|sample| &sample.totals) {
            let ratio = totals.fail_ratio() * 100.0;
            parts.push(Part::Requests(totals.requests));
            parts.push(Part::Failures(totals.failures, format!("{ratio:.1} %")));
        }
        parts.extend(sample.map(|sample| Part::P95(p95(sample))));
        let texts: Vec<String> = parts.into_iter().map(write).collect();
        texts.join(separator)
    }

    fn users(&self, sample: &Sample) -> String {
        match self.wanted_users {
            Some(wanted) => format!("{}/{wanted}", sample.users),
            None => sample.users.to_string(),
        }
    }

    fn rate(&self) -> String {
        self.rate
            .map_or_else(|| "-".to_owned(), |rate| format!("{rate:.1}"))
    }
}

fn margin(reading: &Reading) -> String {
    let mark = match reading.standing {
        Standing::Met => "✓",
        Standing::NotMet(_) => "!",
        Standing::Breached { .. } => "✗",
        Standing::Unseen(_) => "·",
    };
    let (name, limit) = (&reading.name, &reading.limit);
    match &reading.value {
        Some(value) => format!(
            "{mark} {name} {value}, {limit} ({})",
            reading.margin_words()
        ),
        None => format!("{mark} {name} -, {limit}"),
    }
}

/// Of the last seconds, after the load of all of it.
fn p95(sample: &Sample) -> String {
    let overall = sample.totals.p95_ms.filter(|_| sample.totals.requests > 0);
    let p95 = sample.current_p95_ms.or(overall);
    p95.map_or_else(|| "-".to_owned(), |p95| format!("{p95:.0} ms"))
}

enum Part {
    Users(String),
    Workers(String),
    Rate(String),
    Requests(u64),
    Failures(u64, String),
    P95(String),
}

/// `1:05`, and `1:02:05` from an hour on.
fn clock(span: Duration) -> String {
    let seconds = span.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}
