//! The full results of a run, and what is said of them.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use locust_api::latest::{ConfigMapPolicy, ResultStorage};

use super::objects::heard;
use super::*;
use crate::locust::RunPhase;
use crate::polling::{Heard, Source, source};
use crate::report::{Gathered, NotStored, Report, Storing, document};

fn final_words(report: Option<Arc<Report>>) -> Heard {
    Heard {
        phase: RunPhase::Ended,
        load_ended: Some(Timestamp::UNIX_EPOCH),
        report,
        ..heard("stopped", 0, 90, 2)
    }
}

fn report() -> Option<Arc<Report>> {
    let gathered = Gathered {
        stats_csv: Some("Type,Name\r\n".to_owned()),
        report_html_gz: Some(vec![0x1f, 0x8b]),
        ..Gathered::default()
    };
    let document = document("demo", &final_words(None), &[], &gathered);
    Some(Arc::new(Report::of(&document, gathered)))
}

/// A test whose load has ended.
fn after_load(policy: Option<ConfigMapPolicy>, report: Option<Arc<Report>>) -> World {
    let mut world = World::new();
    world.test.spec.results = policy.map(|policy| ResultStorage {
        config_map: Some(policy),
    });
    let mut world = under_load(world);
    world.heard = Some(final_words(report));
    world
}

fn stored(world: &World) -> Option<ConfigMap> {
    let decision = decide(&world.observed(), &Settings::default());
    let step = decision.steps.into_iter().next()?;
    let Step::StoreResults(map) = step else {
        panic!("{step:?}");
    };
    Some(*map)
}

fn is_to_be_read(world: &World) -> bool {
    match source(&world.observed(), &Settings::default()) {
        Source::Master(master) => master.wants_report,
        Source::Nobody | Source::Headless => false,
    }
}

fn failed(seconds: u64) -> Option<Storing> {
    Some(Storing::Failed {
        why: NotStored::Refused("exceeded quota".to_owned()),
        ago: Duration::from_secs(seconds),
    })
}

#[test]
fn they_are_stored_under_the_tests_name_and_go_with_it_unless_they_are_to_stay() {
    let map = stored(&after_load(None, report())).unwrap();
    assert_eq!(map.metadata.name.as_deref(), Some("demo-results"));
    let owners = map.metadata.owner_references.unwrap();
    assert_eq!((&*owners[0].kind, &*owners[0].name), ("LocustTest", "demo"));
    let labels = map.metadata.labels.unwrap();
    assert_eq!(labels["locust.io/results"], "demo");
    assert!(map.data.unwrap().contains_key("results.json"));
    assert!(map.binary_data.unwrap().contains_key("report.html.gz"));

    let stays = stored(&after_load(Some(ConfigMapPolicy::Retain), report())).unwrap();
    assert_eq!(stays.metadata.owner_references, None);
}

#[test]
fn they_are_stored_once_and_the_status_says_where() {
    let mut world = after_load(None, report());
    assert!(is_to_be_read(&world));
    world.storing = Some(Storing::Done);
    assert_eq!(stored(&world), None);
    world.look();
    assert!(!is_to_be_read(&world), "a megabyte is not asked for again");
    let said = Some("True/Stored".to_owned());
    assert_eq!(world.condition("ResultsStored"), said);
    // A process that has just started remembers nothing, and the status does.
    world.storing = None;
    assert_eq!(stored(&world), None);
    world.look();
    assert_eq!(world.condition("ResultsStored"), said);
}

#[test]
fn whoever_does_not_want_them_has_none() {
    let mut world = after_load(Some(ConfigMapPolicy::None), report());
    assert_eq!(stored(&world), None);
    world.look();
    assert_eq!(world.condition("ResultsStored"), None);
}

#[test]
fn a_refusal_is_told_and_tried_again_and_the_verdict_does_not_wait_for_it() {
    let mut world = after_load(None, report());
    world.storing = failed(0);
    assert_eq!(stored(&world), None);
    let decision = decide(&world.observed(), &Settings::default());
    assert!(decision.requeue.unwrap() <= Duration::from_secs(30));
    world.look();
    let refused = Some("False/Refused".to_owned());
    assert_eq!(world.condition("ResultsStored"), refused);
    world.storing = failed(30);
    assert!(stored(&world).is_some());

    world.storing = failed(1);
    world.workers_end();
    world.master_ends("Complete");
    world.look();
    assert_eq!(world.phase(), Some(Phase::Succeeded));
    assert_eq!(world.condition("ResultsStored"), refused);
}

#[test]
fn a_run_that_ends_before_they_were_read_says_so() {
    let mut world = after_load(None, None);
    assert_eq!(stored(&world), None, "the master may still be asked");
    world.look();
    assert_eq!(world.condition("ResultsStored"), None);
    world.workers_end();
    world.master_ends("Complete");
    world.look();
    assert_eq!(world.phase(), Some(Phase::Succeeded));
    let not_read = Some("False/NotRead".to_owned());
    assert_eq!(world.condition("ResultsStored"), not_read);
}

#[test]
fn a_run_that_ends_stores_what_was_read_before_its_verdict() {
    let mut world = after_load(None, report());
    world.workers_end();
    world.master_ends("Complete");
    let decision = decide(&world.observed(), &Settings::default());
    assert!(matches!(decision.steps.as_slice(), [Step::StoreResults(_)]));
    assert_eq!(decision.reading(), Reading::Everything);
}
