//! `locust-operator demo`: `local` with the built-in quickstart against the
//! built-in target.
//!
//! It composes the command that a person would type, says so, and runs it: the
//! only thing that differs from the cluster is `--host`, since nothing here is
//! called `target`.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;

use anyhow::Context;
use clap::Parser;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::{Cli, Command};
use crate::target::{Behaviour, Latency, Target, serve};

/// The manifest, the same that runs on a cluster.
const QUICKSTART: &str = include_str!("../../../../examples/quickstart.yaml");

/// Where that is in the repository.
const PLACE: &str = "examples/quickstart.yaml";

/// How long the target takes to answer, as in the manifest's Deployment.
const LATENCY: &str = "5ms";

/// Arguments of `locust-operator demo`.
#[derive(Debug, clap::Args)]
pub struct DemoArgs {
    /// Locust to use, in place of one on PATH or one that is installed from
    /// PyPI into your cache.
    #[arg(long, value_name = "PATH")]
    pub locust: Option<PathBuf>,
    /// Directory for the results [default: locust-results/quickstart-TIME].
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
}

/// Options that are handed on to `local`.
type Options = [(&'static str, Option<PathBuf>)];

/// Watch a small load test.
pub fn main(args: DemoArgs) -> ExitCode {
    let DemoArgs { locust, output } = args;
    let options = [("--locust", locust), ("--output", output)];
    match demo(&options) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn demo(options: &Options) -> anyhow::Result<ExitCode> {
    let directory = tempfile::tempdir().context("making a directory for the manifest")?;
    let here = Path::new(PLACE);
    let manifest = manifest(here, directory.path())?;
    let target = BackgroundTarget::start()?;
    let host = format!("http://{}", target.address);
    let typed = command(here, &host, options);
    eprintln!("demo: a target answers on {host}; this is\n  {typed}");
    let Command::Local(local) = Cli::try_parse_from(words(&manifest, &host, options))
        .context("composing the command")?
        .command
    else {
        anyhow::bail!("composing the command: it is not `local`");
    };
    let code = super::local::main(local);
    let stats = target.stop();
    println!("the target itself counted {} requests", stats.answered);
    println!("on a cluster with the operator the same test is: kubectl apply -f {PLACE}");
    Ok(code)
}

/// The file to run: the one that is told of if it is there, else a copy, which
/// messages then name.
fn manifest(here: &Path, directory: &Path) -> anyhow::Result<PathBuf> {
    if std::fs::read_to_string(here).is_ok_and(|text| text == QUICKSTART) {
        return Ok(here.to_owned());
    }
    let copy = directory.join("quickstart.yaml");
    std::fs::write(&copy, QUICKSTART).with_context(|| format!("writing {}", copy.display()))?;
    Ok(copy)
}

/// The command line of `local` for this demo.
fn words(manifest: &Path, host: &str, options: &Options) -> Vec<OsString> {
    let mut words: Vec<OsString> = vec!["locust-operator".into(), "local".into()];
    words.push(manifest.into());
    words.extend(["--host".into(), host.into(), "--yes".into()]);
    for (option, value) in options {
        words.extend(value.iter().flat_map(|value| [option.into(), value.into()]));
    }
    words
}

fn command(manifest: &Path, host: &str, options: &Options) -> String {
    let words = words(manifest, host, options);
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

/// A target on a thread of its own: `local` has the main one, from which the
/// kernel wants the processes of a run to be started.
struct BackgroundTarget {
    address: SocketAddr,
    target: Target,
    stop: oneshot::Sender<()>,
    thread: thread::JoinHandle<()>,
}

impl BackgroundTarget {
    fn start() -> anyhow::Result<Self> {
        let latency: Latency = LATENCY.parse().context("reading the target's latency")?;
        let behaviour = Behaviour::new(latency, Vec::new()).context("making the target")?;
        let target = Target::new(behaviour);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("starting the target")?;
        let listener = runtime
            .block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
            .context("opening a port for the target")?;
        let address = listener.local_addr().context("asking for the own port")?;
        let (stop, stopped) = oneshot::channel();
        let served = target.clone();
        let thread = thread::Builder::new()
            .name("target".to_owned())
            .spawn(move || {
                runtime.block_on(serve(listener, served, async {
                    let _ended = stopped.await;
                }));
            })
            .context("starting the target")?;
        Ok(Self {
            address,
            target,
            stop,
            thread,
        })
    }

    fn stop(self) -> crate::target::Stats {
        let _gone = self.stop.send(());
        let _panicked = self.thread.join();
        self.target.stats()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quickstart_is_a_whole_test() {
        let documents: Vec<serde_json::Value> = serde_saphyr::from_multiple(QUICKSTART).unwrap();
        let kinds: Vec<_> = documents.iter().map(|d| d["kind"].as_str()).collect();
        assert_eq!(
            kinds,
            ["Deployment", "Service", "ConfigMap", "LocustTest"].map(Some)
        );
        let [deployment, service, config_map, test] = documents.as_slice() else {
            panic!("four documents");
        };
        let test: locust_api::latest::LocustTest = serde_json::from_value(test.clone()).unwrap();
        assert_eq!(test.spec.image, "locustio/locust:2.47.0");
        let files = test.spec.test_files.unwrap();
        assert_eq!(
            files.config_map_ref.as_deref(),
            config_map["metadata"]["name"].as_str()
        );
        // The address in the arguments is the Service's.
        let name = service["metadata"]["name"].as_str().unwrap();
        let port = service["spec"]["ports"][0]["port"].as_u64().unwrap();
        let host = format!("--host http://{name}:{port} ");
        assert!(test.spec.master.command.contains(&host));
        let container = &deployment["spec"]["template"]["spec"]["containers"][0];
        assert_eq!(container["args"][0], "target");
        assert_eq!(container["args"][2], format!("--latency={LATENCY}"));
        assert_eq!(container["ports"][0]["containerPort"], port);
    }

    #[test]
    fn the_file_that_is_told_of_is_run_if_it_is_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let here = directory.path().join("here.yaml");
        let copy = directory.path().join("quickstart.yaml");
        assert_eq!(manifest(&here, directory.path()).unwrap(), copy);
        assert_eq!(std::fs::read_to_string(&copy).unwrap(), QUICKSTART);
        std::fs::write(&here, "kind: Other").unwrap();
        assert_eq!(manifest(&here, directory.path()).unwrap(), copy);
        std::fs::write(&here, QUICKSTART).unwrap();
        assert_eq!(manifest(&here, directory.path()).unwrap(), here);
    }

    #[test]
    fn the_demo_is_a_command_that_a_person_could_type() {
        let options = [("--locust", Some("/opt/locust".into())), ("--output", None)];
        assert_eq!(
            command(Path::new("q.yaml"), "http://127.0.0.1:1", &options),
            "locust-operator local q.yaml --host http://127.0.0.1:1 --yes --locust /opt/locust"
        );
    }
}
