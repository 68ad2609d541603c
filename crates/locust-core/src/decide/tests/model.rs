//! A cluster in memory, and a search through every order of what may happen in
//! it: looks that crash after any write or remember what is no longer so,
//! deletions, erased statuses, pods that run and end, time that passes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::batch::v1::{Job, JobCondition};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference, Time};
use locust_api::latest::{LocustTest, Phase};
use locust_api::names::{ANNOTATION_HELD, ANNOTATION_RUN, Role, UPSTREAM_FINALIZER};

use super::objects::{finish, master_pod, pod};
use crate::decide::{Reading, Step, decide};
use crate::fold::{Done, Outcome, fold};
use crate::observed::{Child, Observed, recorded_run};
use crate::polling::Heard;
use crate::report::Storing;
use crate::settings::Settings;
use crate::status::{Pace, pace};
use crate::trials::{extent, is_whole};

/// What stands in the API server, and what it has led to.
#[derive(Clone)]
pub(super) struct World {
    pub(super) now: Timestamp,
    pub(super) test: LocustTest,
    service: bool,
    pub(super) master: Option<Job>,
    pub(super) worker: Option<Job>,
    /// Jobs that the operator saw go.
    gone: BTreeMap<Role, Job>,
    /// Pods of the worker Job.
    pub(super) workers: Vec<Pod>,
    /// The master's pod, if it is not as its Job tells.
    pub(super) master_pod: Option<Pod>,
    /// What the master says.
    pub(super) heard: Option<Heard>,
    pub(super) storing: Option<Storing>,
    born: u32,
    /// UIDs of master Jobs that could make a pod.
    runs: Vec<String>,
}

impl World {
    pub(super) fn new() -> Self {
        let test = serde_json::json!({
            "apiVersion": "locust.io/v2",
            "kind": "LocustTest",
            "metadata": { "name": "demo", "namespace": "n", "uid": "test", "generation": 1 },
            "spec": {
                "image": "locust", "master": { "command": "" },
                "worker": { "command": "", "replicas": 2 },
            },
        });
        Self {
            now: Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1),
            test: serde_json::from_value(test).unwrap(),
            service: false,
            master: None,
            worker: None,
            gone: BTreeMap::new(),
            workers: Vec::new(),
            master_pod: None,
            heard: None,
            storing: None,
            born: 0,
            runs: Vec::new(),
        }
    }

    pub(super) fn observed(&self) -> Observed {
        let service = self.service.then(|| k8s_openapi::api::core::v1::Service {
            metadata: self.owned("service"),
            ..Default::default()
        });
        Observed {
            now: self.now,
            test: self.test.clone(),
            service: Child::classify(service, &self.test),
            master_job: self.child(Role::Master, &self.master),
            worker_job: self.child(Role::Worker, &self.worker),
            pods: self
                .workers
                .iter()
                .cloned()
                .chain(
                    self.master_pod
                        .clone()
                        .or_else(|| self.master.as_ref().and_then(master_pod)),
                )
                .collect(),
            notices: Vec::new(),
            heard: self.heard.clone(),
            refused: None,
            storing: self.storing.clone(),
        }
    }

    fn child(&self, role: Role, job: &Option<Job>) -> Child<Job> {
        Child::classify(job.clone(), &self.test).or_gone(self.gone.get(&role).cloned(), &self.test)
    }

    /// A Job is deleted while the operator looks.
    pub(super) fn delete_job_seen(&mut self, role: Role) {
        if let Some(job) = self.slot(role).take() {
            self.gone.insert(role, job);
        }
        if role == Role::Worker {
            self.workers.clear();
        }
    }

    fn owned(&self, uid: &str) -> ObjectMeta {
        ObjectMeta {
            uid: Some(uid.to_owned()),
            owner_references: Some(vec![OwnerReference {
                uid: "test".to_owned(),
                controller: Some(true),
                ..Default::default()
            }]),
            ..Default::default()
        }
    }

    /// A whole reconcile. Returns how many writes it made.
    pub(super) fn look(&mut self) -> usize {
        self.look_until(usize::MAX)
    }

    /// A look that remembers the children as they were in `before`. Whatever
    /// it writes is what the API server lets through.
    pub(super) fn look_remembering(&mut self, before: &Self) {
        let remembered = Observed {
            now: self.now,
            test: self.test.clone(),
            ..before.observed()
        };
        let decision = decide(&remembered, &Settings::default());
        match decision.reading() {
            Reading::Everything => drop(self.look()),
            Reading::Nothing => {
                if pace(self.test.status.as_ref(), &decision.status, None) == Pace::Write {
                    self.test.status = Some(decision.status);
                }
            }
            Reading::Test => {
                let all_created = decision.steps.into_iter().all(|step| {
                    let is_free = !self.stands(&step);
                    if is_free {
                        self.carry_out(step);
                    }
                    is_free
                });
                if all_created {
                    self.look();
                }
            }
        }
    }

    /// Whether something stands where a step would create.
    fn stands(&self, step: &Step) -> bool {
        match step {
            Step::CreateService(_) => self.service,
            Step::CreateJob(Role::Master, _) => self.master.is_some(),
            Step::CreateJob(Role::Worker, _) => self.worker.is_some(),
            Step::RemoveFinalizer
            | Step::RecordRun { .. }
            | Step::ReleaseMaster { .. }
            | Step::ReplaceWorker(_)
            | Step::StoreResults(_)
            | Step::DeleteJob { .. } => false,
        }
    }

    /// A reconcile that crashes after so many writes.
    pub(super) fn look_until(&mut self, crash: usize) -> usize {
        let settings = Settings::default();
        let mut writes = 0;
        for _ in 0..5 {
            let observed = self.observed();
            let decision = decide(&observed, &settings);
            if decision.steps.is_empty() {
                let status = fold(&observed, &decision, &Outcome::default());
                let pace = pace(self.test.status.as_ref(), &status, None);
                if writes < crash && pace == Pace::Write {
                    self.test.status = Some(status);
                    writes += 1;
                }
                return writes;
            }
            for step in decision.steps {
                if writes == crash {
                    return writes;
                }
                self.carry_out(step);
                writes += 1;
            }
        }
        panic!("does not settle: {:#?}", self.test.status);
    }

    fn carry_out(&mut self, step: Step) -> Option<Done> {
        match step {
            Step::RemoveFinalizer => {
                let finalizers = self.test.metadata.finalizers.as_mut()?;
                finalizers.retain(|finalizer| finalizer != UPSTREAM_FINALIZER);
            }
            Step::CreateService(_) => self.service = true,
            Step::CreateJob(role, job) => {
                self.born += 1;
                let mut job = *job;
                job.metadata.uid = Some(format!("job-{}", self.born));
                *self.slot(role) = Some(job);
            }
            Step::RecordRun { id } => {
                let annotations = self.test.metadata.annotations.get_or_insert_default();
                annotations.insert(ANNOTATION_RUN.to_owned(), id);
            }
            Step::ReleaseMaster { uid, .. } => self.release(&uid),
            Step::ReplaceWorker(pod) => self.workers.push(*pod),
            Step::StoreResults(_) => self.storing = Some(Storing::Done),
            Step::DeleteJob { role, uid, .. } => {
                let slot = self.slot(role);
                if slot.as_ref().and_then(|job| job.metadata.uid.as_ref()) == Some(&uid) {
                    *slot = None;
                }
            }
        }
        None
    }

    fn slot(&mut self, role: Role) -> &mut Option<Job> {
        match role {
            Role::Master => &mut self.master,
            Role::Worker => &mut self.worker,
        }
    }

    fn release(&mut self, uid: &str) {
        let Some(job) = self.master.as_mut() else {
            return;
        };
        if job.metadata.uid.as_deref() != Some(uid) {
            return;
        }
        job.metadata
            .annotations
            .get_or_insert_default()
            .remove(ANNOTATION_HELD);
        job.spec.get_or_insert_default().suspend = Some(false);
        if !self.runs.iter().any(|run| run == uid) {
            self.runs.push(uid.to_owned());
        }
    }

    pub(super) fn runs(&self) -> usize {
        self.runs.len()
    }

    pub(super) fn phase(&self) -> Option<Phase> {
        self.test.status.as_ref()?.phase
    }

    pub(super) fn condition(&self, type_: &str) -> Option<String> {
        let conditions = self.test.status.as_ref()?.conditions.as_ref()?;
        let condition = conditions
            .iter()
            .find(|condition| condition.type_ == type_)?;
        Some(format!("{}/{}", condition.status, condition.reason))
    }

    pub(super) fn message(&self, type_: &str) -> String {
        let status = self.test.status.as_ref();
        let mut conditions = status
            .iter()
            .flat_map(|status| status.conditions.iter().flatten());
        let condition = conditions.find(|condition| condition.type_ == type_);
        condition
            .map(|condition| condition.message.clone())
            .unwrap_or_default()
    }

    /// As the API server gives it before any operator has seen it.
    pub(super) fn unseen(&mut self) {
        self.test.status =
            serde_json::from_value(serde_json::json!({ "observedGeneration": -1 })).unwrap();
    }

    pub(super) fn nobody_squats(&mut self) {
        self.master = None;
    }

    pub(super) fn master_runs(&mut self) {
        let can_run = |job: &Job| job.spec.as_ref().and_then(|spec| spec.suspend) != Some(true);
        if let Some(job) = self.master.as_mut().filter(|job| can_run(job)) {
            job.status.get_or_insert_default().ready = Some(1);
            let uid = job.metadata.uid.clone().unwrap_or_default();
            let mut pod = pod("demo-master", &uid, &serde_json::json!({ "running": {} }));
            pod.status.get_or_insert_default().pod_ip = Some("10.0.0.7".to_owned());
            self.master_pod = Some(pod);
        }
    }

    pub(super) fn workers_run(&mut self, count: i32) {
        let Some(uid) = self
            .worker
            .as_ref()
            .and_then(|job| job.metadata.uid.clone())
        else {
            return;
        };
        let pod = pod("demo-worker", &uid, &serde_json::json!({ "running": {} }));
        self.workers = (0..count).map(|_| pod.clone()).collect();
    }

    /// One worker's pod, created now, with this status.
    pub(super) fn worker_is(&mut self, status: &serde_json::Value) {
        let job = self
            .worker
            .as_ref()
            .and_then(|job| job.metadata.uid.clone());
        let mut pod = pod(
            "demo-worker",
            &job.unwrap_or_default(),
            &serde_json::json!({}),
        );
        pod.metadata.name = Some("demo-worker-x".to_owned());
        pod.metadata.creation_timestamp = Some(Time(self.now));
        pod.status = serde_json::from_value(status.clone()).unwrap();
        self.workers = vec![pod];
    }

    pub(super) fn workers_end(&mut self) {
        let now = self.now;
        if let Some(job) = self.worker.as_mut() {
            finish(job, "Complete", now);
            let uid = job.metadata.uid.clone().unwrap_or_default();
            let ended = pod(
                "demo-worker",
                &uid,
                &serde_json::json!({ "terminated": { "exitCode": 0 } }),
            );
            self.workers.fill(ended);
        }
    }

    pub(super) fn master_ends(&mut self, condition: &str) {
        let now = self.now;
        let runs = self.runs.clone();
        let began = |job: &Job| {
            job.metadata
                .uid
                .as_ref()
                .is_some_and(|uid| runs.contains(uid))
        };
        if let Some(job) = self.master.as_mut().filter(|job| began(job)) {
            finish(job, condition, now);
        }
    }

    /// The conditions that the master's Job has all at once.
    pub(super) fn master_has_conditions(&mut self, types: &[&str]) {
        let now = self.now;
        let conditions = types.iter().map(|type_| JobCondition {
            type_: (*type_).to_owned(),
            status: "True".to_owned(),
            last_transition_time: Some(Time(now)),
            ..Default::default()
        });
        if let Some(job) = self.master.as_mut() {
            job.status.get_or_insert_default().conditions = Some(conditions.collect());
        }
    }

    pub(super) fn delete_service(&mut self) {
        self.service = false;
    }

    pub(super) fn suspend_master(&mut self) {
        if let Some(spec) = self.master.as_mut().and_then(|job| job.spec.as_mut()) {
            spec.suspend = Some(true);
        }
    }

    pub(super) fn squat_on_master(&mut self) {
        let mut metadata = self.owned("foreign");
        metadata.owner_references = Some(vec![OwnerReference {
            kind: "CronJob".to_owned(),
            name: "nightly".to_owned(),
            uid: "nightly".to_owned(),
            controller: Some(true),
            ..Default::default()
        }]);
        self.master = Some(Job {
            metadata,
            ..Default::default()
        });
    }

    /// An edit that changes the spec's content.
    pub(super) fn edit_spec(&mut self) {
        let generation = self.test.metadata.generation.map(|old| old + 1);
        self.test.metadata.generation = generation;
        self.test.spec.image = format!("locust:{}", generation.unwrap_or_default());
    }

    pub(super) fn forget_record(&mut self) {
        self.test.metadata.annotations = None;
        if let Some(status) = self.test.status.as_mut() {
            status.run = None;
            status.phase = Some(Phase::Running);
        }
    }

    /// What tells two worlds apart, as far as decisions look at it; times of
    /// transitions aside.
    fn fingerprint(&self) -> String {
        let status = self.test.status.as_ref();
        let conditions: Vec<(&str, &str, &str)> = status
            .iter()
            .flat_map(|status| status.conditions.iter().flatten())
            .map(|condition| {
                (
                    condition.type_.as_str(),
                    condition.status.as_str(),
                    condition.message.as_str(),
                )
            })
            .collect();
        let job = |job: &Option<Job>| {
            job.as_ref().map(|job| {
                let status = job.status.as_ref();
                let ended = status.and_then(|status| status.conditions.as_ref());
                (
                    job.metadata.uid.clone(),
                    job.metadata.annotations.clone(),
                    job.spec.as_ref().and_then(|spec| spec.suspend),
                    status.and_then(|status| status.ready),
                    ended.map(|ended| {
                        ended
                            .iter()
                            .map(|condition| condition.type_.clone())
                            .collect::<Vec<_>>()
                    }),
                )
            })
        };
        format!(
            "{:?}",
            (
                self.now.as_second(),
                (
                    &self.test.metadata.annotations,
                    self.test.metadata.generation
                ),
                status.map(|status| (
                    status.phase,
                    &status.run,
                    &status.completion_time,
                    status.connected_workers
                )),
                conditions,
                self.service,
                (job(&self.master), job(&self.worker)),
                self.gone
                    .values()
                    .map(|gone| &gone.metadata.uid)
                    .collect::<Vec<_>>(),
                self.workers.len(),
                &self.runs,
            )
        )
    }
}

type Event = (&'static str, fn(&mut World));

/// All that may happen beside whole looks.
const EVENTS: &[Event] = &[
    ("look", |world| {
        world.look();
    }),
    ("crash after 1 write", |world| {
        world.look_until(1);
    }),
    ("crash after 2 writes", |world| {
        world.look_until(2);
    }),
    ("crash after 3 writes", |world| {
        world.look_until(3);
    }),
    ("crash after 4 writes", |world| {
        world.look_until(4);
    }),
    ("crash after 5 writes", |world| {
        world.look_until(5);
    }),
    ("master Job deleted", |world| world.master = None),
    ("worker Job deleted", |world| {
        world.worker = None;
        world.workers.clear();
    }),
    ("master Job seen to go", |world| {
        world.delete_job_seen(Role::Master);
    }),
    ("Service deleted", |world| world.service = false),
    ("status erased", |world| world.test.status = None),
    ("master runs", World::master_runs),
    ("workers run", |world| world.workers_run(2)),
    ("master completes", |world| world.master_ends("Complete")),
    ("master fails", |world| world.master_ends("Failed")),
    ("workers end", World::workers_end),
    ("spec edited", |world| {
        if world.test.metadata.generation == Some(1) {
            world.edit_spec();
        }
    }),
    ("40 s pass", |world| {
        if world.now.as_second() < 3600 + 80 {
            world.now += SignedDuration::from_secs(40);
        }
    }),
];

#[test]
fn no_order_of_events_makes_a_second_run() {
    let states = search(extent(3, 7), |_, _| None);
    is_whole(states, 200, 3_000);
}

#[test]
fn no_look_that_has_not_seen_the_last_event_makes_a_second_run() {
    let states = search(extent(2, 4), |before, after| {
        let (mut unseeing, mut seeing) = (after.clone(), after.clone());
        unseeing.look_remembering(before);
        seeing.look();
        if unseeing.phase().is_some_and(Phase::is_terminal) {
            assert_eq!(unseeing.phase(), seeing.phase(), "a verdict from memory");
        }
        let record = recorded_run(&unseeing.test);
        if record.is_some() {
            assert_eq!(record, recorded_run(&seeing.test), "a record from memory");
        }
        Some(unseeing)
    });
    is_whole(states, 50, 300);
}

/// Looks at every world that so many events lead to, and returns how many
/// there are. What `follow` makes of an event, it may lead to as well.
fn search(depth: usize, follow: impl Fn(&World, &World) -> Option<World>) -> usize {
    let mut seen = BTreeSet::new();
    let mut queue = VecDeque::from([(World::new(), Vec::new())]);
    let mut ends = BTreeMap::new();
    while let Some((world, path)) = queue.pop_front() {
        assert!(world.runs() <= 1, "two runs after {path:?}");
        if world.runs() == 1 {
            let recorded = recorded_run(&world.test);
            assert_eq!(
                recorded,
                world.runs.first().map(String::as_str),
                "after {path:?}"
            );
        }
        let phase = settle(world.clone(), &path);
        *ends.entry(phase).or_insert(0_usize) += 1;
        if path.len() == depth {
            continue;
        }
        for (name, happen) in EVENTS {
            let mut next = world.clone();
            happen(&mut next);
            let followed = follow(&world, &next);
            for (next, how) in [(Some(next), ""), (followed, " (unseen by a look)")] {
                if let Some(next) = next.filter(|next| seen.insert(next.fingerprint())) {
                    let mut path = path.clone();
                    path.push(format!("{name}{how}"));
                    queue.push_back((next, path));
                }
            }
        }
    }
    println!("{} states, ends: {ends:?}", seen.len());
    seen.len()
}

/// When faults stop, the test comes to rest: no further writes, and never a
/// second run.
fn settle(mut world: World, path: &[String]) -> Option<Phase> {
    for _ in 0..3 {
        world.look();
        world.now += SignedDuration::from_secs(60);
    }
    assert_eq!(world.look(), 0, "still writing after {path:?}");
    assert!(world.runs() <= 1, "two runs after {path:?} and rest");
    world.phase()
}
