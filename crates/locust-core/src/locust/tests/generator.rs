//! What samples show of the workers' strength.

use super::super::generator::Shortfall;
use super::*;

/// A sample of so many users, and so many busy workers of four.
fn made_by(state: State, users: u64, busy: u64) -> Sample {
    let mut sample = sample(state, users, 100, 4);
    sample.workers.busy = busy;
    sample
}

/// The strain after samples, each some seconds after the start.
fn strain(users: Option<u64>, samples: &[(u64, Sample)]) -> Strain {
    let mut generator = Generator::new(users);
    for (at, sample) in samples {
        generator.observe(seconds(*at), sample);
    }
    generator.strain()
}

#[test]
fn a_worker_is_busy_beyond_nine_tenths_of_a_core() {
    let body = |cpu: &str| {
        format!(
            r#"{{"state":"running","user_count":1,"stats":[],"workers":[
                {{"id":"a_1","state":"running","cpu_usage":{cpu}}},
                {{"id":"b_1","state":"missing","cpu_usage":99.9}}]}}"#
        )
    };
    let busy = |cpu| Sample::parse(body(cpu).as_bytes()).unwrap().workers.busy;
    assert_eq!((busy("90.0"), busy("90.1"), busy("250")), (0, 1, 1));
    assert_eq!((busy("null"), busy("\"NaN\""), busy("{}")), (0, 0, 0));
}

#[test]
fn workers_that_are_busy_for_long_are_saturated_whatever_comes_later() {
    use State::{Running, Stopped};
    let busy = |busy| made_by(Running, 9, busy);
    let lasting = [(0, busy(1)), (5, busy(2)), (10, busy(3)), (15, busy(0))];
    assert_eq!(strain(None, &lasting).saturated_workers, 3);
    let passing = [(0, busy(4)), (9, busy(4)), (10, busy(0)), (15, busy(4))];
    assert_eq!(strain(None, &passing), Strain::default());
    let idle = [(0, made_by(Stopped, 0, 4)), (20, made_by(Stopped, 0, 4))];
    assert_eq!(strain(None, &idle), Strain::default());
}

#[test]
fn users_are_missing_once_locust_has_started_all_it_would() {
    use State::{Running, Spawning};
    let of = |state, users| made_by(state, users, 0);
    let short = [
        (0, of(Spawning, 4)),
        (5, of(Running, 8)),
        (15, of(Running, 7)),
        (30, of(Running, 7)),
    ];
    let users = Some(Shortfall {
        most: 8,
        wanted: 10,
    });
    assert_eq!(strain(Some(10), &short).users, users);
    assert_eq!(strain(Some(8), &short).users, None, "all were there once");
    assert_eq!(strain(None, &short).users, None, "nobody said how many");
    let ramp = [(0, of(Spawning, 4)), (60, of(Spawning, 9))];
    assert_eq!(strain(Some(10), &ramp).users, None, "more are to come");
    let late = [
        (0, of(Running, 8)),
        (12, of(Running, 8)),
        (20, of(Running, 10)),
    ];
    assert_eq!(strain(Some(10), &late).users, None, "they have come");
    let soon = [(0, of(Running, 8)), (9, of(Running, 8))];
    assert_eq!(strain(Some(10), &soon).users, None, "it may be a moment's");
}
