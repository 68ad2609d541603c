//! The operator at the moment at which it is scraped: what it has done, the
//! tests that it knows, and what their masters said last.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use jiff::Timestamp;
use locust_api::latest::Phase;
use locust_core::metrics::{Labels, Run, Snapshot, Told, Used, families, written};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use tokio::time::Instant;

use super::meters::Meters;
use super::reconcile::Context;
use crate::leader::{LEASE, Term};

/// What the names of the metrics of runs begin with.
const PREFIX: &str = "locust";

/// Where the operator's metrics come from.
#[derive(Clone)]
pub(super) struct Gauges(Arc<Sources>);

struct Sources {
    meters: Meters,
    term: Term,
    at_a_time: u64,
    started: Timestamp,
    /// One for each scope that is watched. It ends with its controller.
    watched: Mutex<Vec<Weak<Context>>>,
}

impl Gauges {
    /// Of an operator that looks at so many tests at a time, in this term.
    pub(super) fn new(meters: Meters, term: Term, at_a_time: u64) -> Self {
        Self(Arc::new(Sources {
            meters,
            term,
            at_a_time,
            started: Timestamp::now(),
            watched: Mutex::default(),
        }))
    }

    /// From now on the tests of a scope are told of.
    pub(super) fn watch(&self, scope: &Arc<Context>) {
        self.lock().push(Arc::downgrade(scope));
    }

    /// All of it as Prometheus reads it.
    pub(super) fn text(&self) -> String {
        let Sources {
            meters,
            term,
            at_a_time,
            started,
            watched: _,
        } = &*self.0;
        let scopes: Vec<Arc<Context>> = self.lock().iter().filter_map(Weak::upgrade).collect();
        let tests = phases(&scopes);
        let work = meters.work();
        let snapshot = Snapshot {
            work: &work,
            version: env!("CARGO_PKG_VERSION"),
            at_a_time: *at_a_time,
            leads: match term {
                Term::Unlimited => None,
                Term::Elected(_) => Some((LEASE, term.left(Instant::now()).is_some())),
            },
            tests: (!scopes.is_empty()).then_some(&tests),
            used: used(*started),
        };
        let runs: Vec<(Labels, Option<Arc<Run>>)> = scopes
            .iter()
            .flat_map(|scope| scope.pollers.runs())
            .collect();
        let told: Vec<Told<'_>> = runs
            .iter()
            .map(|(labels, run)| Told {
                labels,
                run: run.as_deref(),
            })
            .collect();
        let mut all = snapshot.families();
        all.extend(families(PREFIX, &told));
        written(&all)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Weak<Context>>> {
        let watched = &self.0.watched;
        watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many tests there are in each phase. One that has not been looked at is
/// Pending.
fn phases(scopes: &[Arc<Context>]) -> BTreeMap<Phase, u64> {
    let mut phases = BTreeMap::new();
    for scope in scopes {
        for test in scope.caches.tests.state() {
            let count: &mut u64 = phases
                .entry(test.phase().unwrap_or(Phase::Pending))
                .or_default();
            *count = count.saturating_add(1);
        }
    }
    phases
}

fn used(started: Timestamp) -> Used {
    let cpu = getrusage(UsageWho::RUSAGE_SELF)
        .map(|usage| (usage.user_time() + usage.system_time()).num_microseconds());
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = resident.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    Used {
        cpu_seconds: std::time::Duration::from_micros(
            cpu.unwrap_or_default().try_into().unwrap_or_default(),
        )
        .as_secs_f64(),
        resident_bytes: kilobytes.unwrap_or_default().saturating_mul(1024),
        started: started.as_duration().as_secs_f64(),
    }
}
