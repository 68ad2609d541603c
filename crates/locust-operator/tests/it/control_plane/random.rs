//! Random LocustTests, the same in every run. Each is refused with its field
//! named, or has a problem of which the operator tells, or its objects pass a
//! dry run of the API server: none is accepted and then stuck. And the other
//! way round: what is refused, or told, could really not be run.
//!
//! Every leaf is met by itself, in every way if there are enough of them; the
//! rest has several mutations. `RANDOM_TESTS` sets how many are tried, `RANDOM_SEED` from where.

mod mutate;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Instant;

use anyhow::{Context, Result};
use futures::{StreamExt, stream};
use kube::Client;
use kube::core::Status;
use locust_api::condition::Reason;
use locust_api::latest::LocustTest;
use locust_core::build;
use locust_core::problems::{Problem, problems};
use locust_core::resolve::resolve;
use locust_core::settings::Settings;
use serde_json::Value;
use testkit::ControlPlane;
use testkit::control_plane::Options;

use crate::tests_of::number;
use mutate::{Candidate, Corpus, KINDS, Mutation};

/// Every leaf in one way, a few in another. `cargo xtask test long` tries every
/// leaf in every way, and as many with several mutations.
const TESTS: usize = 500;

/// What became of one candidate.
enum Fate {
    /// It can be run.
    Runs,
    /// The API server refused it; `works` if its objects pass all the same.
    Refused {
        fields: Vec<String>,
        said: String,
        works: bool,
    },
    /// The operator tells of it; `works` as above.
    Told { problems: Vec<Problem>, works: bool },
    /// Nobody noticed, and an object of it is refused.
    Stuck(String),
}

#[tokio::test]
async fn no_random_test_is_accepted_and_then_stuck() -> Result<()> {
    let control_plane = ControlPlane::start(Options::default()).await?;
    let client = control_plane.client().await?;
    super::install_crd(&client).await?;
    let namespace = control_plane.namespace("random").await?;
    let start = Instant::now();
    let corpus = Corpus::read()?;
    let count = number("RANDOM_TESTS", TESTS);
    let seed = number("RANDOM_SEED", 1);
    let candidates = corpus.candidates(count, u64::try_from(seed)?);
    let mut covered: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for candidate in &candidates {
        for Mutation { kind, leaf, .. } in &candidate.mutations {
            covered.entry(kind).or_default().insert(leaf.clone());
        }
    }
    let made = start.elapsed();
    let judge = Judge {
        client,
        namespace: namespace.name().to_owned(),
        services: Mutex::default(),
    };
    let tried = stream::iter(candidates)
        .map(|candidate| judge.judge(candidate))
        .buffer_unordered(24);
    let fates: Vec<Result<(Candidate, Fate)>> = tried.collect().await;
    let mut tally = Tally::default();
    for fate in fates {
        let (candidate, fate) = fate?;
        tally.count(&candidate, fate);
    }
    let leaves = corpus.leaves().len();
    for kind in KINDS {
        let of_kind = covered.get(kind).map_or(0, BTreeSet::len);
        println!("{kind}: {of_kind} of {leaves} leaves");
        assert!(of_kind == leaves || count < leaves * KINDS.len(), "{kind}");
    }
    let met: BTreeSet<&String> = covered.values().flatten().collect();
    assert_eq!(met.len(), leaves);
    println!(
        "{} in {} s, {} s of it to make them",
        tally.summary(),
        start.elapsed().as_secs(),
        made.as_secs()
    );
    assert!(tally.faults.is_empty(), "{}", tally.report());
    namespace.finish().await
}

#[derive(Default)]
struct Tally {
    runs: usize,
    refused: usize,
    told: usize,
    stuck: usize,
    /// Each kind of fault with one example.
    faults: BTreeMap<String, (usize, String)>,
}

impl Tally {
    fn count(&mut self, candidate: &Candidate, fate: Fate) {
        let mutations: Vec<_> = candidate
            .mutations
            .iter()
            .map(Mutation::to_string)
            .collect();
        let what = format!("{} of {}", mutations.join(", "), candidate.object["spec"]);
        match fate {
            Fate::Runs => self.runs += 1,
            Fate::Refused {
                fields,
                said,
                works,
            } => {
                self.refused += 1;
                if fields.is_empty() && !said.contains(" in spec.") {
                    self.fault(&format!("refused without a field: {said}"), &what);
                }
                if works {
                    self.fault(&format!("refused though it works: {said}"), &what);
                }
            }
            Fate::Told { problems, works } => {
                self.told += 1;
                let is_ours = problems.iter().any(is_not_of_kubernetes);
                if works && !is_ours {
                    self.fault(&format!("told though it works: {}", problems[0]), &what);
                }
            }
            Fate::Stuck(said) => {
                self.stuck += 1;
                self.fault(&format!("stuck: {said}"), &what);
            }
        }
    }

    fn fault(&mut self, said: &str, what: &str) {
        // Alike but for indices and values.
        let shape: String = said
            .chars()
            .filter(|character| !character.is_ascii_digit())
            .take(140)
            .collect();
        let (count, _) = self
            .faults
            .entry(shape)
            .or_insert_with(|| (0, format!("{}\n    {}", cut(said, 700), cut(what, 400))));
        *count += 1;
    }

    fn summary(&self) -> String {
        format!(
            "{} run, {} refused by the API server, {} told by the operator, {} stuck",
            self.runs, self.refused, self.told, self.stuck
        )
    }

    fn report(&self) -> String {
        let faults = self.faults.values();
        let lines: Vec<_> = faults
            .map(|(count, example)| format!("{count} × {example}"))
            .collect();
        lines.join("\n")
    }
}

fn cut(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}

/// What the types demand, whether or not a pod can do without: sizes, required
/// fields, the types of values, and limits that the Go operator had.
fn is_of_the_types(said: &str) -> bool {
    [
        "Too long",
        "Too many",
        "Required value",
        "Duplicate value",
        "must be of type",
        "Checked value must be",
        "spec.worker.replicas",
        "spec.master.autoquit.timeout",
        // No object is made of them, so none could tell.
        "spec.thresholds",
        "spec.desiredState",
        "spec.activeDeadlineSeconds",
        "spec.startDeadlineSeconds",
        "spec.startPolicy",
        "spec.results",
        "spec.cleanup",
        "spec.imagePullPolicy",
        "spec.observability.openTelemetry.protocol",
        "spec.observability.metricsExporter",
        "].target",
        "spec.scheduling.runtimeClassName",
        // An empty quantity is 0 to Kubernetes, and none to its own pattern.
        "Invalid value: \"\": spec.volumes[0].emptyDir.sizeLimit",
    ]
    .iter()
    .any(|words| said.contains(words))
}

/// Whether a field is of a volume that is mounted nowhere: it is in no pod.
fn is_of_unmounted_volume(object: &Value, field: &str) -> bool {
    let index = field
        .strip_prefix("spec.volumes[")
        .and_then(|rest| rest.split_once(']')?.0.parse::<usize>().ok());
    let name = index.and_then(|index| object.pointer(&format!("/spec/volumes/{index}/name")));
    let mounts = object
        .pointer("/spec/volumeMounts")
        .and_then(Value::as_array);
    name.is_some_and(|name| {
        let mut mounts = mounts.into_iter().flatten();
        !mounts.any(|mount| mount.get("name") == Some(name))
    })
}

/// Problems that Kubernetes does not see before a pod is made or started, or
/// never.
fn is_not_of_kubernetes(problem: &Problem) -> bool {
    problem.reason == Reason::InvalidCommand
        // It is the sidecar that uses them.
        || problem.reason == Reason::InvalidResults
        || problem.message.contains("lies inside")
        // Pods get a selector of these keys, and are refused if it is there twice.
        || problem.message.contains("is also in labelSelector")
        || problem.message.contains("something else is mounted")
}

/// Asks the API server.
struct Judge {
    client: Client,
    namespace: String,
    /// Services that were found to be good: few differ.
    services: Mutex<BTreeSet<String>>,
}

impl Judge {
    async fn judge(&self, candidate: Candidate) -> Result<(Candidate, Fate)> {
        let namespace = &self.namespace;
        let path = format!("/apis/locust.io/v2/namespaces/{namespace}/locusttests?dryRun=All");
        let settings = Settings {
            affinity_injection: true,
            tolerations_injection: true,
            ..Settings::default()
        };
        let fate = match self.post(&path, &candidate.object).await? {
            Err(status) => {
                let causes = status.details.map(|details| details.causes);
                let fields = causes.into_iter().flatten().map(|cause| cause.field);
                let named = |field: &String| !field.is_empty() && field != "<nil>";
                let fields: Vec<String> = fields.filter(named).collect();
                let is_in_no_pod = fields
                    .iter()
                    .all(|field| is_of_unmounted_volume(&candidate.object, field));
                Fate::Refused {
                    works: (fields.is_empty() || !is_in_no_pod)
                        && !is_of_the_types(&status.message)
                        && Box::pin(self.works(&candidate.object, &settings)).await?,
                    said: status.message,
                    fields,
                }
            }
            Ok(stored) => match serde_json::from_value::<LocustTest>(stored) {
                Err(error) => Fate::Stuck(format!("cannot be read: {error}")),
                Ok(test) => {
                    let problems = problems(&test, &settings);
                    let refusal = self.refusal(&test, &settings).await?;
                    match (problems.is_empty(), refusal) {
                        (true, None) => Fate::Runs,
                        (true, Some(said)) => Fate::Stuck(said),
                        (false, refusal) => Fate::Told {
                            problems,
                            works: refusal.is_none(),
                        },
                    }
                }
            },
        };
        Ok((candidate, fate))
    }

    /// Whether a test that was refused could be run.
    async fn works(&self, object: &Value, settings: &Settings) -> Result<bool> {
        let mut object = object.clone();
        locust_api::schema::drop_nulls(&mut object);
        match serde_json::from_value::<LocustTest>(object) {
            Ok(test) => Ok(self.refusal(&test, settings).await?.is_none()),
            Err(_) => Ok(false),
        }
    }

    /// What the API server says against an object of the test, if anything.
    async fn refusal(&self, test: &LocustTest, settings: &Settings) -> Result<Option<String>> {
        let mut test = test.clone();
        test.metadata.namespace = Some(self.namespace.clone());
        test.metadata.uid = Some("0-0".to_owned());
        let resolved = resolve(&test, settings);
        let service = serde_json::to_value(build::master_service(&resolved))?;
        if !self.is_known(&service) {
            if let Some(said) = self.against("/api/v1", "services", &service).await? {
                return Ok(Some(said));
            }
            let mut services = self.services.lock().expect("no test panics with it");
            services.insert(service.to_string());
        }
        for job in [build::master_job(&resolved), build::worker_job(&resolved)] {
            let job = serde_json::to_value(job)?;
            if let Some(said) = self.against("/apis/batch/v1", "jobs", &job).await? {
                return Ok(Some(said));
            }
        }
        Ok(None)
    }

    fn is_known(&self, service: &Value) -> bool {
        let services = self.services.lock().expect("no test panics with it");
        services.contains(&service.to_string())
    }

    async fn against(&self, api: &str, plural: &str, object: &Value) -> Result<Option<String>> {
        let namespace = &self.namespace;
        let path = format!("{api}/namespaces/{namespace}/{plural}?dryRun=All");
        let answer = self.post(&path, object).await?;
        Ok(answer.err().map(|status| status.message))
    }

    /// The API server's answer; an error if it gave none.
    async fn post(&self, path: &str, object: &Value) -> Result<Result<Value, Status>> {
        let request = hyper::Request::post(path)
            .header("Content-Type", "application/json")
            .body(serde_json::to_vec(object)?)?;
        match self.client.request(request).await {
            Ok(answer) => Ok(Ok(answer)),
            Err(kube::Error::Api(status)) if status.code < 500 => Ok(Err(*status)),
            Err(error) => Err(error).with_context(|| format!("POST {path}")),
        }
    }
}
