//! The full results of a run, and what is said of them.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use locust_api::latest::{ConfigMapPolicy, ResultStorage};

use super::objects::{heard, pod};
use super::*;
use crate::locust::RunPhase;
use crate::polling::{Heard, Source, source};
use crate::report::{Gathered, NotStored, Page, Report, Storing, document};
use crate::storage::Outcome;

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
        page: Some(Page::Packed(vec![0x1f, 0x8b])),
        ..Gathered::default()
    };
    let document = document("demo", &final_words(None), &[], &gathered);
    Some(Arc::new(Report::of(&document, gathered, usize::MAX)))
}

/// A test whose load has ended.
fn after_load(policy: Option<ConfigMapPolicy>, report: Option<Arc<Report>>) -> World {
    let mut world = World::new();
    world.test.spec.results = policy.map(|policy| ResultStorage {
        config_map: Some(policy),
        ..ResultStorage::default()
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

/// A test whose load has ended, and whose ConfigMap is stored; a sidecar is to
/// store its results in a bucket, too.
fn with_sidecar(said: Outcome) -> World {
    let mut world = World::new();
    let results = serde_json::json!({ "s3": { "bucket": "archive", "credentialsSecret": "k" } });
    world.test.spec.results = Some(serde_json::from_value(results).unwrap());
    let mut world = under_load(world);
    world.heard = Some(Heard {
        outcome: Some(said),
        ..final_words(report())
    });
    world.storing = Some(Storing::Done);
    world.look();
    world
}

fn message(world: &World) -> String {
    let mut conditions = world.test.status.iter().flat_map(|status| {
        let conditions = status.conditions.iter().flatten();
        conditions.filter(|condition| condition.type_ == "ResultsStored")
    });
    let condition = conditions.next();
    condition.map_or_else(String::new, |condition| condition.message.clone())
}

fn in_bucket() -> Outcome {
    Outcome::Stored("s3://archive/x holds results.json".to_owned())
}

#[test]
fn they_are_stored_when_the_sidecar_says_so_too() {
    let mut world = with_sidecar(Outcome::Waiting);
    assert_eq!(world.condition("ResultsStored"), None);
    world.heard.as_mut().unwrap().outcome = Some(in_bucket());
    world.look();
    let said = Some("True/Stored".to_owned());
    assert_eq!(world.condition("ResultsStored"), said);
    assert_eq!(
        message(&world),
        "ConfigMap demo-results holds results.json, stats.csv, report.html.gz; not read from the master: failures.csv, exceptions.csv; s3://archive/x holds results.json"
    );
}

#[test]
fn a_bucket_that_refuses_is_told_and_may_change_its_mind() {
    let mut world = with_sidecar(Outcome::NotStored("s3://archive: 403".to_owned()));
    let refused = Some("False/Refused".to_owned());
    assert_eq!(world.condition("ResultsStored"), refused);
    assert!(message(&world).ends_with("; s3://archive: 403"));
    world.heard.as_mut().unwrap().outcome = Some(in_bucket());
    world.look();
    let stored = Some("True/Stored".to_owned());
    assert_eq!(world.condition("ResultsStored"), stored);
}

#[test]
fn the_last_word_of_the_sidecar_is_in_its_pod() {
    let mut world = with_sidecar(Outcome::Waiting);
    let master = world.master.as_ref().unwrap();
    let uid = master.metadata.uid.clone().unwrap();
    let exit = serde_json::json!({ "terminated": {
        "exitCode": 0, "finishedAt": "1970-01-01T01:00:00Z",
    } });
    let mut ended = serde_json::to_value(pod("demo-master", &uid, &exit)).unwrap();
    ended["status"]["initContainerStatuses"] = serde_json::json!([{
        "name": "locust-results", "ready": true, "restartCount": 0, "image": "", "imageID": "",
        "state": { "terminated": { "exitCode": 0, "message": in_bucket().to_text() } },
    }]);
    world.master_pod = Some(serde_json::from_value(ended).unwrap());
    world.workers_end();
    world.master_ends("Complete");
    world.look();
    assert_eq!(world.phase(), Some(Phase::Succeeded));
    let stored = Some("True/Stored".to_owned());
    assert_eq!(world.condition("ResultsStored"), stored);
}

#[test]
fn a_run_that_is_over_before_its_sidecar_has_spoken_says_so() {
    let mut world = with_sidecar(Outcome::Waiting);
    world.workers_end();
    world.master_ends("Complete");
    world.look();
    assert_eq!(world.phase(), Some(Phase::Succeeded));
    let unknown = Some("False/NotKnown".to_owned());
    assert_eq!(world.condition("ResultsStored"), unknown);
}

#[test]
fn a_stopped_run_stays_until_its_results_are_stored_and_no_longer_than_half_a_minute() {
    let stopping = |world: &mut World| {
        world.test.spec.desired_state = Some(locust_api::latest::DesiredState::Stopped);
        world.test.metadata.generation = Some(2);
        world.look();
    };
    let mut world = with_sidecar(Outcome::Waiting);
    stopping(&mut world);
    assert_eq!(world.phase(), Some(Phase::Running));
    world.heard.as_mut().unwrap().outcome = Some(in_bucket());
    world.look();
    assert_eq!(world.phase(), Some(Phase::Failed));
    let stored = Some("True/Stored".to_owned());
    assert_eq!(world.condition("ResultsStored"), stored);

    let mut world = with_sidecar(Outcome::Waiting);
    stopping(&mut world);
    world.now += SignedDuration::from_secs(30);
    world.look();
    assert_eq!(world.phase(), Some(Phase::Failed));
}

#[test]
fn places_without_a_sidecar_are_told_at_the_end() {
    let mut world = World::new();
    let results = serde_json::json!({ "s3": { "bucket": "archive", "credentialsSecret": "k" } });
    world.test.spec.results = Some(serde_json::from_value(results).unwrap());
    world.test.spec.master.command = "--headless".to_owned();
    world.look();
    world.workers_run(2);
    world.master_runs();
    world.look();
    assert_eq!(world.condition("ResultsStored"), None);
    world.workers_end();
    world.master_ends("Complete");
    world.look();
    let not_read = Some("False/NotRead".to_owned());
    assert_eq!(world.condition("ResultsStored"), not_read);
}

#[test]
fn places_of_the_pod_are_part_of_the_run_and_the_configmap_is_not() {
    let mut world = with_sidecar(in_bucket());
    let results = world.test.spec.results.as_mut().unwrap();
    results.config_map = Some(ConfigMapPolicy::Retain);
    world.test.metadata.generation = Some(2);
    world.look();
    assert_eq!(world.condition("SpecDrifted"), None);
    let results = world.test.spec.results.as_mut().unwrap();
    results.s3 = None;
    world.test.metadata.generation = Some(3);
    world.look();
    let drifted = world.condition("SpecDrifted").unwrap();
    assert!(drifted.starts_with("True/"), "{drifted}");
}
