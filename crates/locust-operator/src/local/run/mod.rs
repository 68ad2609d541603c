//! Runs the LocustTests of some files, one after the other.
//!
//! | file | does |
//! |---|---|
//! | `one.rs` | one test: files, processes, results |
//! | `drive.rs` | its processes, from the first to the last |

mod drive;
mod one;

use std::path::PathBuf;

use locust_core::local::Bundle;
use locust_core::locust::worse;
use locust_core::processes::Endpoint;

use super::locust::{Consent, LocustError};
use super::manifests::{self, Fault, Loaded, Manifests};
use super::prepare::{Changes, prepare};
use super::results::FilesError;
use super::signals::Signals;
use super::supervise::{Died, FleetError};

/// Exit code: a test could not be run.
pub const COULD_NOT_RUN: u8 = 2;
/// Exit code: a person ended it.
pub const INTERRUPTED: u8 = 130;

/// What a person asks for.
#[derive(Clone, Debug)]
pub struct Options {
    /// The files; `-` is standard input.
    pub files: Vec<PathBuf>,
    /// Names of the tests to run. Empty: all of them.
    pub names: Vec<String>,
    /// What is different on this machine.
    pub changes: Changes,
    /// Locust to use.
    pub locust: Option<PathBuf>,
    /// Whether Locust may be installed.
    pub consent: Consent,
    /// Where the results go.
    pub output: Option<PathBuf>,
    /// Port of the web UI.
    pub web_port: Option<u16>,
}

/// Why a test could not be run, or not to its end.
#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error("{}", lines(.0))]
    Faults(Vec<Fault>),
    #[error("{what}")]
    Asked { what: String },
    #[error("port {port} of 127.0.0.1 is in use; name another one with --web-port, or none")]
    PortInUse { port: u16 },
    #[error("cannot {doing}")]
    Io {
        doing: String,
        source: std::io::Error,
    },
    #[error(transparent)]
    Locust(#[from] LocustError),
    #[error(transparent)]
    Fleet(#[from] FleetError),
    #[error("{test} could not be run: {died}")]
    Died { test: String, died: Died },
    #[error(transparent)]
    Files(#[from] FilesError),
    #[error("interrupted")]
    Interrupted,
}

fn lines(faults: &[Fault]) -> String {
    let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    lines.join("\nerror: ")
}

impl RunError {
    fn io(doing: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }
}

/// Runs what `options` ask for. Returns the exit code: the worst of all tests.
pub async fn run(options: &Options) -> u8 {
    match try_run(options).await {
        Ok(code) => code,
        Err(error) => report(&error),
    }
}

async fn try_run(options: &Options) -> Result<u8, RunError> {
    let manifests = manifests::load(&options.files).map_err(RunError::Faults)?;
    let tests = chosen(&manifests, &options.names)?;
    for note in &manifests.notes {
        eprintln!("note: {note}");
    }
    check(&tests, &manifests.bundle, &options.changes)?;
    let mut signals = Signals::listen().map_err(RunError::io("listen to signals"))?;
    let mut worst = 0;
    for test in &tests {
        let run = one::Run {
            loaded: test,
            bundle: &manifests.bundle,
            options,
            is_alone: tests.len() == 1,
        };
        let code = match run.play(&mut signals).await {
            Ok(code) => code,
            Err(error) => report(&error),
        };
        if code == INTERRUPTED {
            return Ok(code);
        }
        worst = worse(worst, code);
    }
    Ok(worst)
}

/// Says why; returns the exit code.
fn report(error: &RunError) -> u8 {
    if matches!(error, RunError::Interrupted) {
        eprintln!("interrupted");
        return INTERRUPTED;
    }
    let mut text = format!("error: {error}");
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let said = cause.to_string();
        if !text.ends_with(&said) {
            text.push_str(&format!(": {said}"));
        }
        source = cause.source();
    }
    eprintln!("{text}");
    COULD_NOT_RUN
}

fn chosen<'a>(manifests: &'a Manifests, names: &[String]) -> Result<Vec<&'a Loaded>, RunError> {
    let known: Vec<&str> = manifests.tests.iter().map(Loaded::name).collect();
    if known.is_empty() {
        let what = "the files hold no LocustTest".to_owned();
        return Err(RunError::Asked { what });
    }
    if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
        let known = known.join(", ");
        let what = format!("the files hold no LocustTest {name:?}; they hold {known}");
        return Err(RunError::Asked { what });
    }
    let is_chosen =
        |test: &&Loaded| names.is_empty() || names.iter().any(|name| name == test.name());
    Ok(manifests.tests.iter().filter(is_chosen).collect())
}

/// All tests are looked through before the first one is started. Which ports
/// they get does not matter for that.
fn check(tests: &[&Loaded], bundle: &Bundle, changes: &Changes) -> Result<(), RunError> {
    let endpoint = Endpoint {
        master_port: 0,
        web_port: 0,
    };
    let faults: Vec<Fault> = tests
        .iter()
        .filter_map(|test| prepare(test, bundle, changes, endpoint).err())
        .flatten()
        .collect();
    if faults.is_empty() {
        Ok(())
    } else {
        Err(RunError::Faults(faults))
    }
}
