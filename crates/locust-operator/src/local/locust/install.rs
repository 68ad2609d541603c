//! The private environment in the user's cache.
//!
//! A Python environment cannot be moved (its scripts name their interpreter by
//! its path), so it is made where it stays: under a lock, and a marker written
//! last says that it is whole. One without a marker is what a broken-off
//! installation left, and is made anew.

use std::fs::{File, OpenOptions, create_dir_all, read_dir, remove_dir_all};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use nix::fcntl::{Flock, FlockArg};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use super::pip::{Pip, complaint};
use super::progress::Progress;
use super::{LocustError, Machine, ask_version};

/// Written last, in the directory of a whole installation.
const MARKER: &str = "complete";
const LOCK_POLL: Duration = Duration::from_millis(200);
const INSTALLED_POLL: Duration = Duration::from_millis(250);

/// Where one version for one Python belongs.
#[derive(Clone, Debug)]
pub(super) struct Place {
    version: String,
    python: PathBuf,
    directory: PathBuf,
}

/// How the packages get into place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// `python3 -m venv`.
    Environment,
    /// `pip install --target`, for a Python without the venv module.
    Target,
}

impl Place {
    pub(super) async fn of(machine: &Machine, version: &str) -> Result<Self, LocustError> {
        let no_python = || LocustError::NoPython {
            version: version.to_owned(),
        };
        let python = machine.program("python3").ok_or_else(no_python)?;
        let script = "import sys; print('%d%d' % sys.version_info[:2])";
        let asked = quiet(&python, &["-c", script]).output().await;
        let output = asked.map_err(|_| no_python())?;
        let python_version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if !output.status.success() || python_version.is_empty() {
            return Err(no_python());
        }
        Ok(Self {
            version: version.to_owned(),
            python,
            directory: machine
                .cache
                .join("locust-operator/locust")
                .join(format!("{version}-py{python_version}")),
        })
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Locust in a whole installation.
    pub(super) fn installed(&self) -> Option<PathBuf> {
        let program = self.program();
        (self.directory.join(MARKER).is_file() && program.is_file()).then_some(program)
    }

    /// Installs, or waits for somebody who is just doing so.
    pub(super) async fn install(&self) -> Result<PathBuf, LocustError> {
        let parent = self.directory.parent().unwrap_or(&self.directory);
        create_dir_all(parent).map_err(|error| io("making", parent, error))?;
        let _lock = self.lock().await?;
        if let Some(program) = self.installed() {
            return Ok(program);
        }
        if self.directory.exists() {
            remove_dir_all(&self.directory)
                .map_err(|error| io("removing", &self.directory, error))?;
        }
        let mut progress = Progress::begin(&format!("Locust {} from PyPI", self.version));
        progress.step("making a Python environment");
        let way = self.prepare().await?;
        self.pip(way, &mut progress).await?;
        if way == Way::Target {
            self.write_launcher()?;
        }
        progress.step("trying it");
        let program = self.program();
        ask_version(program.as_os_str())
            .await
            .map_err(|complaint| LocustError::Unusable {
                program: program.clone(),
                complaint,
            })?;
        let marker = self.directory.join(MARKER);
        File::create(&marker).map_err(|error| io("writing", &marker, error))?;
        progress.done(&self.directory.display().to_string());
        Ok(program)
    }

    /// Held until it is dropped, or its process ends in whatever way.
    async fn lock(&self) -> Result<Flock<File>, LocustError> {
        let path = self.beside("lock");
        let open = || {
            let mut options = OpenOptions::new();
            options.create(true).write(true).truncate(false).open(&path)
        };
        let mut file = open().map_err(|error| io("opening", &path, error))?;
        let mut has_said = false;
        loop {
            match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(lock) => return Ok(lock),
                Err((back, nix::errno::Errno::EWOULDBLOCK)) => file = back,
                Err((_, errno)) => return Err(io("locking", &path, errno.into())),
            }
            if !has_said {
                eprintln!(
                    "waiting for another installation of Locust {}",
                    self.version
                );
                has_said = true;
            }
            tokio::time::sleep(LOCK_POLL).await;
        }
    }

    async fn prepare(&self) -> Result<Way, LocustError> {
        let directory = self.directory.as_os_str();
        let made = quiet(&self.python, &["-m", "venv"])
            .arg(directory)
            .output()
            .await;
        let made = made.map_err(|error| io("making", &self.directory, error))?;
        if made.status.success() {
            return Ok(Way::Environment);
        }
        // Debian and Ubuntu keep what venv needs in a package of its own, and
        // what it made until it noticed is of no use.
        if self.directory.exists() {
            remove_dir_all(&self.directory)
                .map_err(|error| io("removing", &self.directory, error))?;
        }
        let pip = quiet(&self.python, &["-m", "pip", "--version"])
            .output()
            .await;
        if !pip.is_ok_and(|output| output.status.success()) {
            return Err(LocustError::NoInstaller {
                version: self.version.clone(),
            });
        }
        create_dir_all(self.library()).map_err(|error| io("making", &self.directory, error))?;
        Ok(Way::Target)
    }

    async fn pip(&self, way: Way, progress: &mut Progress) -> Result<(), LocustError> {
        let log_path = self.beside("log");
        let mut log = File::create(&log_path).map_err(|error| io("writing", &log_path, error))?;
        let stderr = log
            .try_clone()
            .map_err(|error| io("writing", &log_path, error))?;
        let mut pip = self
            .pip_command(way)
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .map_err(|error| io("starting pip for", &self.directory, error))?;
        let mut state = Pip::default();
        if let Some(stdout) = pip.stdout.take() {
            let mut lines = BufReader::new(stdout).lines();
            let mut poll = tokio::time::interval(INSTALLED_POLL);
            loop {
                tokio::select! {
                    line = lines.next_line() => {
                        let Ok(Some(line)) = line else { break };
                        writeln!(log, "{line}").map_err(|error| io("writing", &log_path, error))?;
                        state.read(&line);
                    }
                    _ = poll.tick() => {}
                }
                let is_installing = state.to_install().is_some();
                let installed = if is_installing {
                    self.installed_packages(way)
                } else {
                    0
                };
                progress.packages(&state, installed);
            }
        }
        let ended = pip.wait().await;
        let ended = ended.map_err(|error| io("waiting for pip for", &self.directory, error))?;
        if ended.success() {
            return Ok(());
        }
        let said = std::fs::read_to_string(&log_path).unwrap_or_default();
        Err(LocustError::Pip {
            version: self.version.clone(),
            complaint: complaint(&said),
            log: log_path,
        })
    }

    fn pip_command(&self, way: Way) -> Command {
        let mut command = match way {
            Way::Environment => {
                let mut command = Command::new(self.directory.join("bin/python"));
                command.args(["-m", "pip", "install"]);
                command
            }
            Way::Target => {
                let mut command = quiet(&self.python, &["-m", "pip", "install", "--target"]);
                command.arg(self.library());
                command
            }
        };
        command
            .args(["--disable-pip-version-check", "--no-input"])
            .args(["--progress-bar", "off"])
            .arg(format!("locust=={}", self.version))
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// pip says nothing while it installs; each package it is done with leaves
    /// a `.dist-info`.
    fn installed_packages(&self, way: Way) -> usize {
        let packages = match way {
            Way::Environment => self.site_packages(),
            Way::Target => self.library(),
        };
        let entries = read_dir(packages).into_iter().flatten().flatten();
        entries
            .filter(|entry| {
                let name = entry.file_name();
                let name = name.to_string_lossy();
                // pip itself came with the environment.
                name.ends_with(".dist-info")
                    && !name.starts_with("pip-")
                    && !name.starts_with("setuptools-")
            })
            .count()
    }

    fn site_packages(&self) -> PathBuf {
        let lib = self.directory.join("lib");
        let python = read_dir(&lib).into_iter().flatten().flatten().next();
        python.map_or(lib, |python| python.path().join("site-packages"))
    }

    fn library(&self) -> PathBuf {
        self.directory.join("library")
    }

    /// A file beside the directory: it outlives a new beginning.
    fn beside(&self, extension: &str) -> PathBuf {
        let mut path = self.directory.clone().into_os_string();
        path.push(".");
        path.push(extension);
        path.into()
    }

    fn program(&self) -> PathBuf {
        self.directory.join("bin/locust")
    }

    /// With `--target` pip writes a script that does not find its packages.
    fn write_launcher(&self) -> Result<(), LocustError> {
        let program = self.program();
        let python = self.python.display();
        let script = format!(
            "#!{python}\n\
            import os, sys\n\
            here = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))\n\
            sys.path.insert(0, os.path.join(here, 'library'))\n\
            from locust.main import main\n\
            sys.exit(main())\n"
        );
        let write = || {
            create_dir_all(self.directory.join("bin"))?;
            let mut options = OpenOptions::new();
            options.create(true).write(true).truncate(true).mode(0o755);
            options.open(&program)?.write_all(script.as_bytes())
        };
        write().map_err(|error| io("writing", &program, error))
    }
}

fn quiet(program: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).kill_on_drop(true);
    command
}

fn io(doing: &str, path: &Path, source: std::io::Error) -> LocustError {
    LocustError::Io {
        doing: format!("{doing} {}", path.display()),
        source,
    }
}
