//! A stage for the local runner: a directory with manifests, a program in place
//! of Locust, and the runner itself as a process.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

pub(super) const RUNNER: &str = env!("CARGO_BIN_EXE_locust-operator");
const STAND_IN: &str = include_str!("stand_in.py");
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);

/// Preludes: the kernel gives the runner no mounts of its own, or no PID
/// namespace. What a user namespace may have is counted in it.
pub(super) const NO_NAMESPACES: &str = "exec unshare -Ur sh -c 'echo 0 > /proc/sys/user/max_mnt_namespaces; exec \"$0\" \"$@\"' \"$0\" \"$@\";";
pub(super) const NO_PID_NAMESPACES: &str = "exec unshare -Ur sh -c 'echo 0 > /proc/sys/user/max_pid_namespaces; exec \"$0\" \"$@\"' \"$0\" \"$@\";";

pub(super) struct Stage {
    directory: tempfile::TempDir,
    variables: Vec<(&'static str, String)>,
    /// Run before the runner, in the shell that becomes it.
    pub(super) prelude: &'static str,
}

impl Stage {
    pub(super) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        for name in ["records", "cache", "out"] {
            fs::create_dir(directory.path().join(name)).unwrap();
        }
        let stand_in = directory.path().join("locust");
        fs::write(&stand_in, STAND_IN).unwrap();
        fs::set_permissions(&stand_in, fs::Permissions::from_mode(0o755)).unwrap();
        let records = directory.path().join("records");
        Self {
            variables: vec![("STAND_IN_DIR", records.display().to_string())],
            directory,
            prelude: "",
        }
    }

    /// A variable of the test, for the stand-in.
    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, value.to_owned()));
        self
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// A whole LocustTest of two workers that loads for `seconds`.
    pub(super) fn manifest(&self, name: &str, seconds: &str) -> String {
        let variables: String = self
            .variables
            .iter()
            .map(|(name, value)| format!("    - {{name: {name}, value: {value:?}}}\n"))
            .collect();
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: scripts}}\n\
             data: {{locustfile.py: 'nothing = 1'}}\n---\n\
             apiVersion: locust.io/v2\nkind: LocustTest\nmetadata: {{name: {name}}}\nspec:\n  \
               image: locustio/locust:2.47.0\n  \
               testFiles: {{configMapRef: scripts}}\n  \
               master: {{command: -f /lotest/src/locustfile.py --run-time {seconds}s}}\n  \
               worker: {{command: -f /lotest/src/locustfile.py, replicas: 2}}\n  \
               env:\n    variables:\n    \
                 - {{name: POD, valueFrom: {{fieldRef: {{fieldPath: metadata.name}}}}}}\n{variables}"
        )
    }

    pub(super) fn start(&self, args: &[&str]) -> Runner {
        let script = format!("{} exec \"$0\" \"$@\"", self.prelude);
        let child = Command::new("sh")
            .args(["-c", &script, RUNNER, "local"])
            .args(args)
            .arg("--locust")
            .arg(self.path("locust"))
            .arg("--output")
            .arg(self.path("out"))
            .current_dir(self.directory.path())
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("LOCUST_USERS", "666")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Runner(child)
    }

    pub(super) fn run(&self, args: &[&str]) -> Said {
        self.start(args).end()
    }

    /// What a process was started with, as soon as it has told.
    pub(super) fn record(&self, pod: &str) -> Value {
        let path = self.path("records").join(format!("{pod}.json"));
        until(&format!("{pod} runs"), || path.exists());
        serde_json::from_slice(&fs::read(&path).unwrap()).unwrap()
    }

    /// How many processes were started.
    pub(super) fn records(&self) -> usize {
        let entries = fs::read_dir(self.path("records")).unwrap();
        let is_record = |path: PathBuf| path.extension().is_some_and(|end| end == "json");
        entries
            .filter(|entry| is_record(entry.as_ref().unwrap().path()))
            .count()
    }

    pub(super) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Processes that have anything of this stage in their command lines.
    pub(super) fn processes(&self) -> Vec<String> {
        processes_with(&self.directory.path().display().to_string())
    }
}

pub(super) fn processes_with(mark: &str) -> Vec<String> {
    fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(mark))
        .collect()
}

/// Polls until `is_so`.
pub(super) fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::sleep(POLL);
    }
}

/// Waits for a process, but not for ever, and leaves its pipes open.
pub(super) fn end_of(child: &mut Child) -> ExitStatus {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if begun.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("the process does not end");
        }
        std::thread::sleep(POLL);
    }
}

pub(super) struct Runner(Child);

impl Runner {
    pub(super) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.0.id().try_into().unwrap());
        kill(pid, signal).unwrap();
    }

    pub(super) fn end(mut self) -> Said {
        let status = end_of(&mut self.0);
        let Output { stdout, stderr, .. } = self.0.wait_with_output().unwrap();
        Said {
            code: status.code(),
            stdout: String::from_utf8(stdout).unwrap(),
            stderr: String::from_utf8(stderr).unwrap(),
        }
    }
}

#[derive(Debug)]
pub(super) struct Said {
    pub(super) code: Option<i32>,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Said {
    #[track_caller]
    pub(super) fn expect(&self, code: i32, in_stderr: &[&str]) {
        assert_eq!(self.code, Some(code), "{}\n{}", self.stdout, self.stderr);
        for text in in_stderr {
            assert!(
                self.stderr.contains(text),
                "no {text:?} in\n{}",
                self.stderr
            );
        }
    }
}

/// Also of a link that leads nowhere.
pub(super) fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}
