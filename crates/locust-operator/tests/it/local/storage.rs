//! The sidecar that stores results, beside a real Locust: in a directory, and in
//! a bucket of rclone's S3 server.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use locust_core::storage::Outcome;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::follow::{free_port, start, target};
use super::stage::RUNNER;
use crate::sidecar::ask;
use crate::tests_of::RESULT_FILES;

const FOLDER: &str = "n/demo/2026-02-03T04-05-06Z-0a1b2c3d";
const POLL: Duration = Duration::from_millis(100);

/// An S3 server with the bucket `archive`, by HTTPS. The objects are files.
struct S3 {
    directory: PathBuf,
    address: String,
    certificate: String,
    process: Option<Child>,
}

impl S3 {
    /// One that is yet to be started.
    fn new(directory: &Path) -> Result<Self> {
        let key = KeyPair::generate()?;
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()])?;
        let certificate = params.self_signed(&key)?.pem();
        fs::write(directory.join("cert.pem"), &certificate)?;
        fs::write(directory.join("key.pem"), key.serialize_pem())?;
        fs::create_dir_all(directory.join("buckets/archive"))?;
        Ok(Self {
            directory: directory.to_owned(),
            address: format!("127.0.0.1:{}", free_port()),
            certificate,
            process: None,
        })
    }

    fn start(&mut self) -> Result<()> {
        let process = Command::new("rclone")
            .args(["serve", "s3", "--auth-key", "the-key,the-secret"])
            .args(["--config", "/dev/null", "--addr", &self.address])
            .args(["--cert", "cert.pem", "--key", "key.pem", "buckets"])
            .current_dir(&self.directory)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("rclone is not on PATH: `cargo xtask test unit` puts it there")?;
        self.process = Some(process);
        Ok(())
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// The sidecar.
struct Sidecar {
    process: Child,
    address: String,
    last_word: PathBuf,
}

impl Sidecar {
    fn start(directory: &Path, web_ui: &str, s3: &S3, secret: &str) -> Result<Self> {
        let plan = json!({
            "test": "demo",
            "port": web_ui.rsplit(':').next().context("a port")?.parse::<u16>()?,
            "basePath": "",
            // Those of this Locust are called after the machine.
            "workers": "",
            "thresholds": [{ "metric": "failRatio", "max": "0%" }],
            "folder": FOLDER,
            "volume": { "claimName": "archive", "directory": "v" },
            "bucket": {
                "bucket": "archive",
                "prefix": "p",
                "endpoint": format!("https://{}", s3.address),
                "credentialsSecret": "keys",
                "caBundle": s3.certificate,
            },
        });
        let address = format!("127.0.0.1:{}", free_port());
        let last_word = directory.join("last-word");
        let process = Command::new(RUNNER)
            .args(["store-results", "--listen", &address])
            .arg("--directory")
            .arg(directory)
            .arg("--last-word")
            .arg(&last_word)
            .env("LOCUST_RESULTS", plan.to_string())
            .env("AWS_ACCESS_KEY_ID", "the-key")
            .env("AWS_SECRET_ACCESS_KEY", secret)
            .stdin(Stdio::null())
            .spawn()?;
        Ok(Self {
            process,
            address,
            last_word,
        })
    }

    async fn ask(&self, path: &str) -> Result<Outcome> {
        let (address, path) = (self.address.clone(), path.to_owned());
        let said = tokio::task::spawn_blocking(move || ask(&address, &path)).await??;
        let body = said.split_once("\r\n\r\n").map(|(_, body)| body);
        Outcome::parse(body.unwrap_or_default().as_bytes()).context(said)
    }

    /// Waits until it says so.
    async fn says(&self, what: impl Fn(&Outcome) -> bool) -> Result<Outcome> {
        let mut last = None;
        for _ in 0..300 {
            last = self.ask("/").await.ok();
            if let Some(outcome) = last.clone().filter(&what) {
                return Ok(outcome);
            }
            sleep(POLL).await;
        }
        anyhow::bail!("it says {last:?}")
    }

    /// Tells it to end. Its last word.
    fn end(mut self) -> Result<Outcome> {
        kill(
            Pid::from_raw(self.process.id().try_into()?),
            Signal::SIGTERM,
        )?;
        let status = self.process.wait()?;
        ensure!(status.success(), "{status}");
        let said = fs::read(&self.last_word)?;
        Outcome::parse(&said).context("a last word")
    }
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn results(folder: &Path) -> Result<Value> {
    let json = fs::read(folder.join("results.json"))?;
    Ok(serde_json::from_slice(&json)?)
}

fn names(folder: &Path) -> Result<Vec<String>> {
    let files = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let names = files.map(|file| Ok(file?.file_name().to_string_lossy().into_owned()));
    let mut names: Vec<String> = names.collect::<Result<_>>()?;
    names.sort();
    Ok(names)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_reach_a_volume_and_a_bucket_once_it_takes_them() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let (host, asked) = target(false).await;
    let run = start(directory.path(), &host, "3s").await;
    let mut s3 = S3::new(directory.path())?;
    let sidecar = Sidecar::start(directory.path(), run.api.web_ui(), &s3, "the-secret")?;
    let refused = sidecar
        .says(|outcome| matches!(outcome, Outcome::NotStored(_)))
        .await?;
    let Outcome::NotStored(words) = refused else {
        anyhow::bail!("{refused:?}");
    };
    ensure!(
        words.contains("PersistentVolumeClaim archive, directory v/n/demo/")
            && words.contains("s3://archive/p/n/demo/")
            && words.contains(": asking 127.0.0.1: ")
            && words.ends_with("Connection refused (os error 111)"),
        "{words}"
    );
    s3.start()?;
    let stored = sidecar
        .says(|outcome| matches!(outcome, Outcome::Stored(_)))
        .await?;
    let (volume, bucket) = (
        directory.path().join("v").join(FOLDER),
        directory.path().join("buckets/archive/p").join(FOLDER),
    );
    let asked = asked.load(Ordering::SeqCst);
    for folder in [&volume, &bucket] {
        assert_eq!(names(folder)?, RESULT_FILES);
        let results = results(folder)?;
        assert_eq!(results["totals"]["requests"], asked);
        assert_eq!(results["thresholds"][0]["state"], "met");
        let report = fs::read_to_string(folder.join("report.html"))?;
        ensure!(report.contains("<html"), "{} bytes", report.len());
    }
    assert_eq!(sidecar.end()?, stored);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_ends_a_master_under_load_has_what_it_knew_stored() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let (host, _asked) = target(true).await;
    let run = start(directory.path(), &host, "10m").await;
    let mut s3 = S3::new(directory.path())?;
    s3.start()?;
    let sidecar = Sidecar::start(directory.path(), run.api.web_ui(), &s3, "another")?;
    for _ in 0..300 {
        let sample = run.api.sample().await;
        if sample.is_ok_and(|sample| sample.totals.failures > 0) {
            break;
        }
        sleep(POLL).await;
    }
    // It asks every two seconds, and has to have seen the load.
    sleep(Duration::from_secs(3)).await;
    let outcome = sidecar.ask("/gather").await?;
    let Outcome::NotStored(words) = outcome else {
        anyhow::bail!("{outcome:?}");
    };
    ensure!(
        words.contains("403 Forbidden: SignatureDoesNotMatch, "),
        "{words}"
    );
    let volume = directory.path().join("v").join(FOLDER);
    assert_eq!(names(&volume)?, RESULT_FILES);
    let results = results(&volume)?;
    ensure!(
        results["totals"]["failures"].as_u64() > Some(0),
        "{results}"
    );
    assert_eq!(results["load_ended_at"], Value::Null);
    Ok(())
}
