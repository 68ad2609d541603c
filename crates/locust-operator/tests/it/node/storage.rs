//! Results of real runs in a volume and in a bucket, by the sidecar of the
//! master.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim, Pod, Secret};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt};
use locust_api::latest::{LocustTest, Phase, Verdict};
use serde_json::{Value, json};

use super::World;
use super::target::Target;
use crate::tests_of::{RESULT_FILES, condition, load_test, locustfile, until};

/// The node's own address, which pods reach.
const NODE: &str = "10.10.0.1";

/// Files by name.
type Files = Vec<(String, Vec<u8>)>;

/// A PersistentVolumeClaim `archive` whose volume is a directory, and the bucket
/// `archive` of an S3 server on the node, whose objects are files.
struct Places {
    volume: PathBuf,
    bucket: PathBuf,
    address: String,
    server: Child,
}

impl Drop for Places {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Places {
    /// `port`: of the server; each test has its own.
    async fn new(world: &World, port: u16) -> Result<Self> {
        let namespace = world.namespace.name();
        let directory = world.node.dir().join(namespace);
        let (volume, buckets) = (directory.join("volume"), directory.join("buckets"));
        fs::create_dir_all(&volume)?;
        fs::create_dir_all(buckets.join("archive"))?;
        // As a provisioner makes them for pods of any user.
        fs::set_permissions(&volume, fs::Permissions::from_mode(0o777))?;
        let address = format!("{NODE}:{port}");
        let server = world
            .node
            .sandbox()
            .network_command("rclone")
            .args(["serve", "s3", "--auth-key", "the-key,the-secret"])
            .args(["--config", "/dev/null"])
            .args(["--addr", &address])
            .arg(&buckets)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("rclone is not on PATH: `cargo xtask test node` puts it there")?;
        let places = Self {
            volume,
            bucket: buckets.join("archive"),
            address,
            server,
        };
        places.claim(world).await?;
        secret(world, "keys", "the-secret").await?;
        secret(world, "wrong-keys", "another").await?;
        Ok(places)
    }

    async fn claim(&self, world: &World) -> Result<()> {
        let namespace = world.namespace.name();
        let size = json!({ "storage": "1Gi" });
        let volume: PersistentVolume = serde_json::from_value(json!({
            "metadata": { "name": namespace },
            "spec": {
                "capacity": size, "accessModes": ["ReadWriteMany"],
                "hostPath": { "path": self.volume },
                "claimRef": { "namespace": namespace, "name": "archive" },
            },
        }))?;
        let claim: PersistentVolumeClaim = serde_json::from_value(json!({
            "metadata": { "name": "archive" },
            "spec": {
                "storageClassName": "", "volumeName": namespace, "accessModes": ["ReadWriteMany"],
                "resources": { "requests": size },
            },
        }))?;
        let new = PostParams::default();
        let client = &world.client;
        Api::all(client.clone()).create(&new, &volume).await?;
        let claims = Api::namespaced(client.clone(), namespace);
        claims.create(&new, &claim).await?;
        Ok(())
    }

    /// The files of the one run of a test, by name, in the volume and in the
    /// bucket.
    fn files(&self, world: &World, test: &str) -> Result<[Files; 2]> {
        let below = |place: &Path| -> Result<_> {
            let runs = place.join(world.namespace.name()).join(test);
            let Ok(mut folders) = fs::read_dir(&runs) else {
                return Ok(Vec::new());
            };
            let run = folders.next().context("no run")??.path();
            ensure!(folders.next().is_none(), "two runs in {}", runs.display());
            let mut files = Vec::new();
            for file in fs::read_dir(&run)? {
                let path = file?.path();
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                files.push((name.into_owned(), fs::read(&path)?));
            }
            files.sort();
            Ok(files)
        };
        Ok([
            below(&self.volume.join("load"))?,
            below(&self.bucket.join("load"))?,
        ])
    }
}

async fn secret(world: &World, name: &str, secret: &str) -> Result<()> {
    let keys: Secret = serde_json::from_value(json!({
        "metadata": { "name": name },
        "stringData": { "AWS_ACCESS_KEY_ID": "the-key", "AWS_SECRET_ACCESS_KEY": secret },
    }))?;
    Api::namespaced(world.client.clone(), world.namespace.name())
        .create(&PostParams::default(), &keys)
        .await?;
    Ok(())
}

/// A real load whose results are to be in both places.
async fn create(
    world: &World,
    places: &Places,
    (name, keys): (&str, &str),
    seconds: u32,
) -> Result<()> {
    world.locustfile(name, &locustfile(&["/"])).await?;
    let mut test = load_test(name, 1, seconds);
    // On a busy machine ten seconds are short for the operator's own copy.
    test["spec"]["master"]["autoquit"]["timeout"] = json!(20);
    test["spec"]["results"] = json!({
        "persistentVolumeClaim": { "claimName": "archive", "directory": "load" },
        "s3": {
            "bucket": "archive",
            "prefix": "load",
            "endpoint": format!("http://{}", places.address),
            "credentialsSecret": keys,
        },
    });
    world.tests.create(test).await?;
    Ok(())
}

async fn over(world: &World, name: &str) -> Result<LocustTest> {
    let phases = [Phase::Succeeded, Phase::Failed];
    world.tests.wait_for(name, &phases).await
}

async fn under_load(world: &World, name: &str) -> Result<()> {
    let loads = |test: &LocustTest| {
        let stats = test
            .status
            .as_ref()
            .and_then(|status| status.locust.as_ref());
        stats.is_some_and(|stats| stats.requests > 50)
    };
    world.tests.wait_until(name, "load", loads).await?;
    Ok(())
}

fn verdict(test: &LocustTest) -> Option<Verdict> {
    test.status.as_ref()?.verdict
}

fn names(files: &[(String, Vec<u8>)]) -> Vec<&str> {
    files.iter().map(|(name, _)| name.as_str()).collect()
}

fn requests(files: &[(String, Vec<u8>)]) -> Result<u64> {
    let (_, json) = files
        .iter()
        .find(|(name, _)| name == "results.json")
        .context("results.json")?;
    let results: Value = serde_json::from_slice(json)?;
    results["totals"]["requests"].as_u64().context("requests")
}

#[tokio::test]
async fn results_are_in_the_volume_and_the_bucket_and_a_refusal_is_no_verdict() -> Result<()> {
    let world = World::new("storage", 1).await?;
    let target = Target::start(&world, &[]).await?;
    let places = Places::new(&world, 9000).await?;
    create(&world, &places, ("kept", "keys"), 5).await?;
    create(&world, &places, ("refused", "wrong-keys"), 5).await?;
    let kept = over(&world, "kept").await?;
    assert_eq!(verdict(&kept), Some(Verdict::Passed));
    let said = condition(&kept, "ResultsStored");
    ensure!(
        said.starts_with("True/Stored: ConfigMap kept-results holds results.json, ")
            && said.contains("; PersistentVolumeClaim archive, directory load/")
            && said.contains("; s3://archive/load/"),
        "{said}"
    );
    let [volume, bucket] = places.files(&world, "kept")?;
    assert_eq!(names(&volume), RESULT_FILES);
    assert!(volume == bucket, "the same files");
    let of_kept = requests(&volume)?;

    let refused = over(&world, "refused").await?;
    assert_eq!(verdict(&refused), Some(Verdict::Passed));
    let said = condition(&refused, "ResultsStored");
    ensure!(
        said.starts_with("False/Refused: ConfigMap refused-results holds ")
            && said.contains("10.10.0.1 answered 403 Forbidden: SignatureDoesNotMatch, "),
        "{said}"
    );
    let [volume, bucket] = places.files(&world, "refused")?;
    assert_eq!(names(&bucket), [""; 0]);
    let answered = target.counts(&world).await?.answered;
    assert_eq!(of_kept + requests(&volume)?, answered);
    Ok(())
}

#[tokio::test]
async fn however_a_run_ends_its_results_are_stored_before_its_pod_is_gone() -> Result<()> {
    let world = World::new("ended", 1).await?;
    let _target = Target::start(&world, &[]).await?;
    let places = Places::new(&world, 9001).await?;
    create(&world, &places, ("stopped", "keys"), 300).await?;
    create(&world, &places, ("deleted", "keys"), 300).await?;
    under_load(&world, "stopped").await?;
    let stop = Patch::Merge(json!({ "spec": { "desiredState": "Stopped" } }));
    let api = &world.tests.api;
    api.patch("stopped", &PatchParams::default(), &stop).await?;
    let stopped = over(&world, "stopped").await?;
    let said = condition(&stopped, "ResultsStored");
    ensure!(said.starts_with("True/Stored: "), "{said}");
    let status = stopped.status.context("a status")?;
    let results = status.results.context("results")?;
    let [volume, bucket] = places.files(&world, "stopped")?;
    assert_eq!(names(&volume), RESULT_FILES);
    assert!(volume == bucket, "the same files");
    assert_eq!(requests(&volume)?, u64::try_from(results.total.requests)?);

    under_load(&world, "deleted").await?;
    api.delete("deleted", &DeleteParams::default()).await?;
    let pods: Api<Pod> = Api::namespaced(world.client.clone(), world.namespace.name());
    until("the pods to be gone", async || {
        let pods = pods.list(&ListParams::default()).await?.items;
        let is_its = |pod: &Pod| pod.name_any().starts_with("deleted-");
        Ok((!pods.iter().any(is_its)).then_some(()))
    })
    .await?;
    let [volume, bucket] = places.files(&world, "deleted")?;
    assert_eq!(names(&volume), RESULT_FILES);
    assert!(volume == bucket, "the same files");
    ensure!(requests(&volume)? > 50);
    Ok(())
}
