//! Finds Locust, or installs it.
//!
//! In this order: the program that the user names, the one on PATH, the one
//! that an earlier run installed, and at last an installation of the version of
//! the test's image from PyPI into the user's cache. That one is never silent:
//! a person is asked first, and without a person it takes `--yes`.
//!
//! | file | does |
//! |---|---|
//! | `version.rs` | the version that an image stands for |
//! | `install.rs` | the private environment in the cache |
//! | `pip.rs` | what pip's output says about its progress |
//! | `progress.rs` | shows it |

mod install;
mod pip;
mod progress;
#[cfg(test)]
mod tests;
mod version;

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

pub use version::{CURRENT, version_of_image};

/// Locust says its version in about a second; a busy machine takes longer.
const VERSION_DEADLINE: Duration = Duration::from_secs(30);

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// `--locust`: use this program and nothing else.
    pub program: Option<&'a Path>,
    /// The test's image, whose tag names the version.
    pub image: &'a str,
    /// Whether Locust may be installed.
    pub consent: Consent,
    /// Where to look, and where to install.
    pub machine: Machine,
}

/// What of this machine matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Directories with programs, as in `PATH`.
    pub path: OsString,
    /// The user's cache.
    pub cache: PathBuf,
}

impl Machine {
    /// This machine as the environment describes it. The cache is where the
    /// convention of freedesktop.org has it.
    pub fn of_environment() -> Self {
        let absolute = |name| {
            let path = PathBuf::from(std::env::var_os(name)?);
            path.is_absolute().then_some(path)
        };
        Self {
            path: std::env::var_os("PATH").unwrap_or_default(),
            cache: absolute("XDG_CACHE_HOME")
                .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
                .unwrap_or_else(std::env::temp_dir),
        }
    }

    /// The program of this name in the first directory that has one.
    fn program(&self, name: &str) -> Option<PathBuf> {
        std::env::split_paths(&self.path)
            .map(|directory| directory.join(name))
            .find(|program| is_executable(program))
    }
}

/// Whether Locust may be installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Consent {
    /// Yes.
    Given,
    /// A person on a terminal is asked. Where there is none, the error names
    /// this command, which would go on.
    Ask {
        /// The whole command with its `--yes`.
        retry: String,
    },
}

/// A Locust that works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locust {
    /// Program to start; all arguments are Locust's.
    pub program: PathBuf,
    /// Its version.
    pub version: String,
    /// Something a person should know about the choice, in one line.
    pub note: Option<String>,
}

/// Why there is no Locust.
#[derive(Debug, thiserror::Error)]
pub enum LocustError {
    /// `--locust` names something that does not work.
    #[error("{} is no working Locust: {complaint}", .program.display())]
    Unusable {
        /// The program.
        program: PathBuf,
        /// What it, or the system, said.
        complaint: String,
    },
    /// Nobody to ask.
    #[error(
        "Locust is not installed; to install Locust {version} from PyPI into {}, run: {retry} \
         (or name an installed one with --locust PATH)",
        .directory.display()
    )]
    NeedsConsent {
        /// Version that would be installed.
        version: String,
        /// Where to.
        directory: PathBuf,
        /// The command that goes on.
        retry: String,
    },
    /// The person said no.
    #[error("Locust was not installed; name an installed one with --locust PATH")]
    Declined,
    /// There is no Python.
    #[error(
        "installing Locust {version} needs Python: python3 was not found on PATH \
         (Debian, Ubuntu: apt install python3-venv)"
    )]
    NoPython {
        /// Version that was to be installed.
        version: String,
    },
    /// Python can neither make an environment nor install a package.
    #[error(
        "installing Locust {version} needs Python's venv or pip module, and this Python has \
         neither (Debian, Ubuntu: apt install python3-venv)"
    )]
    NoInstaller {
        /// Version that was to be installed.
        version: String,
    },
    /// pip failed.
    #[error("installing Locust {version}: pip failed: {complaint} (all of it: {})", .log.display())]
    Pip {
        /// Version that was to be installed.
        version: String,
        /// The end of pip's log in one line.
        complaint: String,
        /// Its whole log.
        log: PathBuf,
    },
    /// The cache or a child process could not be used.
    #[error("installing Locust: {doing}: {source}")]
    Io {
        /// What was being done to which file.
        doing: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

/// Finds or installs Locust. Talks to the user on stderr and stdin.
pub async fn find(wanted: &Wanted<'_>) -> Result<Locust, LocustError> {
    let version = version_of_image(wanted.image);
    if let Some(program) = wanted.program {
        let found = ask_version(program.as_os_str()).await;
        return match found {
            Ok(found) => Ok(existing(program, found, version)),
            Err(complaint) => Err(LocustError::Unusable {
                program: program.to_owned(),
                complaint,
            }),
        };
    }
    let mut broken = None;
    if let Some(program) = wanted.machine.program("locust") {
        match ask_version(program.as_os_str()).await {
            Ok(found) => return Ok(existing(&program, found, version)),
            // A version manager's stand-in, for example.
            Err(complaint) => {
                let program = program.display();
                broken = Some(format!("{program} does not work ({complaint})"));
            }
        }
    }
    let place = install::Place::of(&wanted.machine, version).await?;
    if let Some(program) = place.installed() {
        return Ok(Locust {
            program,
            version: version.to_owned(),
            note: broken,
        });
    }
    if let Some(note) = &broken {
        eprintln!("{note}");
    }
    consent(wanted, version, place.directory())?;
    let program = place.install().await?;
    Ok(Locust {
        program,
        version: version.to_owned(),
        note: None,
    })
}

fn existing(program: &Path, found: String, wanted: &str) -> Locust {
    let note = (found != wanted).then(|| {
        let program = program.display();
        format!("Locust {found} ({program}) is used; the test's image stands for {wanted}")
    });
    Locust {
        program: program.to_owned(),
        version: found,
        note,
    }
}

fn is_executable(path: &Path) -> bool {
    let is_file = path.metadata().is_ok_and(|metadata| metadata.is_file());
    is_file && nix::unistd::access(path, nix::unistd::AccessFlags::X_OK).is_ok()
}

/// The version of a program that should be Locust, or what is wrong with it.
async fn ask_version(program: &OsStr) -> Result<String, String> {
    let output = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = match tokio::time::timeout(VERSION_DEADLINE, output).await {
        Ok(Ok(output)) => output,
        Ok(Err(error)) => return Err(error.to_string()),
        Err(_elapsed) => return Err("it does not say its version".to_owned()),
    };
    let said = String::from_utf8_lossy(&output.stdout);
    version::version_in(&said)
        .map(str::to_owned)
        .ok_or_else(|| {
            let complaint = String::from_utf8_lossy(&output.stderr);
            let last = complaint
                .lines()
                .map(str::trim)
                .rfind(|line| !line.is_empty());
            last.unwrap_or("it does not say its version").to_owned()
        })
}

fn consent(wanted: &Wanted<'_>, version: &str, directory: &Path) -> Result<(), LocustError> {
    let retry = match &wanted.consent {
        Consent::Given => return Ok(()),
        Consent::Ask { retry } => retry,
    };
    let (stdin, mut stderr) = (std::io::stdin(), std::io::stderr());
    if !stdin.is_terminal() || !stderr.is_terminal() {
        return Err(LocustError::NeedsConsent {
            version: version.to_owned(),
            directory: directory.to_owned(),
            retry: retry.clone(),
        });
    }
    let question = format!(
        "Locust is not installed. Install Locust {version} from PyPI into {}? [Y/n] ",
        directory.display()
    );
    let asked = write!(stderr, "{question}").and_then(|()| stderr.flush());
    let mut answer = String::new();
    match asked.and_then(|()| stdin.lock().read_line(&mut answer)) {
        Ok(bytes) if bytes > 0 && is_yes(&answer) => Ok(()),
        Ok(_) | Err(_) => Err(LocustError::Declined),
    }
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_lowercase().as_str(), "" | "y" | "yes")
}
