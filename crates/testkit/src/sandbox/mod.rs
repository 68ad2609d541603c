//! A sandbox: its own network, mounts, processes, host name and (for nodes)
//! cgroups, with no way to the outside. Three short scripts make it:
//! `keeper.sh` (outside, cleans up), `init.sh` (PID 1 inside) and `launch.sh`
//! (starts one component inside).
//!
//! A sandbox lives exactly as long as the process that started it: the owner
//! holds the only write end of a pipe that init reads, so that nothing
//! survives even a `kill -9`. Other processes may [`Sandbox::attach`] by the
//! state directory.

mod cgroups;
mod components;
mod sweep;

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::fcntl::{Flock, FlockArg};

/// Variables that would send programs of the sandbox to a proxy which they
/// cannot reach.
const PROXY_VARIABLES: [&str; 8] = [
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
];

/// The search path of components: Debian's, whatever the caller's is.
const SYSTEM_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Tells programs in Go to collect garbage a quarter as often. It is a tenth to
/// a fifth of what they compute in a life of seconds; an API server takes a
/// hundred megabytes more.
const RARE_COLLECTIONS: (&str, &str) = ("GOGC", "400");

/// How long a sandbox may take to end after its owner let go of it.
const END_DEADLINE: Duration = Duration::from_secs(10);

/// What a sandbox is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A few servers that talk over loopback.
    ControlPlane,
    /// A kubelet and containers: with cgroups of its own and private
    /// directories where those keep their state.
    Node,
}

impl Purpose {
    fn prefix(self) -> &'static str {
        match self {
            Self::ControlPlane => "control-plane-",
            Self::Node => "node-",
        }
    }
}

/// A set of namespaces and the directory that describes it.
#[derive(Debug)]
pub struct Sandbox {
    dir: PathBuf,
    init: u32,
    owner: Option<Owner>,
}

/// What only the process that started the sandbox has.
#[derive(Debug)]
struct Owner {
    keeper: Child,
    /// Closing this ends the sandbox.
    lifeline: Option<ChildStdin>,
    _lock: Flock<File>,
}

impl Sandbox {
    /// Makes the namespaces and waits until their network and mounts are set
    /// up.
    ///
    /// # Errors
    /// When a step fails; the message holds the end of the script's output.
    pub fn start(purpose: Purpose) -> Result<Self> {
        let base = sweep::base_directory()?;
        sweep::remove_dead_sandboxes(&base);
        let dir = new_state_directory(&base, purpose)?;
        let lock = take_owner_lock(&dir)?;
        let mut keeper = spawn_keeper(&dir)?;
        let lifeline = keeper.stdin.take();
        let said = keeper.stdout.take().map(read_line);
        let mut sandbox = Self {
            init: 0,
            owner: Some(Owner {
                keeper,
                lifeline,
                _lock: lock,
            }),
            dir,
        };
        if said.as_deref() != Some("ready") {
            bail!(
                "making the sandbox's namespaces failed: {}",
                tail(&sandbox.log_file("sandbox"), 5)
            );
        }
        sandbox.init = sandbox.find_init()?;
        sandbox.write("init", &sandbox.init.to_string())?;
        Ok(sandbox)
    }

    /// Uses a sandbox that another process started and keeps.
    ///
    /// # Errors
    /// When there is no living sandbox in `dir`.
    pub fn attach(dir: &Path) -> Result<Self> {
        let missing = || format!("no test cluster runs in {}", dir.display());
        let init = fs::read_to_string(dir.join("init")).with_context(missing)?;
        let init = init.trim().parse().with_context(missing)?;
        let sandbox = Self {
            dir: dir.to_owned(),
            init,
            owner: None,
        };
        if !sandbox.is_alive() {
            bail!(missing());
        }
        Ok(sandbox)
    }

    /// The state directory: configuration, certificates, logs.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The PID of the sandbox's init, as seen from outside.
    #[must_use]
    pub fn init_pid(&self) -> u32 {
        self.init
    }

    /// Whether the sandbox's init still runs this sandbox.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        let marker = self.dir.join("init.sh");
        fs::read(format!("/proc/{}/cmdline", self.init)).is_ok_and(|line| {
            line.split(|byte| *byte == 0)
                .any(|argument| argument == marker.as_os_str().as_encoded_bytes())
        })
    }

    /// The network namespace, for sockets that are opened inside it.
    ///
    /// # Errors
    /// When the sandbox has ended.
    pub fn network(&self) -> Result<File> {
        File::open(format!("/proc/{}/ns/net", self.init))
            .with_context(|| format!("the test cluster in {} has ended", self.dir.display()))
    }

    /// A command that runs `program` inside all namespaces, in the current
    /// directory, with the caller's environment less proxies. The child that
    /// it gives is `nsenter`, which waits: killing it does not kill `program`.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        // nsenter leaves the working directory for "/".
        let directory = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
        let mut command = self.enter(&["--net", "--mount", "--pid", "--uts", "--ipc", "--cgroup"]);
        command.args(["env", "--chdir"]).arg(directory).arg(program);
        command.env(RARE_COLLECTIONS.0, RARE_COLLECTIONS.1);
        command
    }

    /// A command that runs `program` in the sandbox's network but otherwise
    /// outside: the child that it gives is `program` itself, to be signalled
    /// and killed by its PID, and dies with the thread that started it. It
    /// knows no names of the cluster's DNS.
    #[must_use]
    pub fn network_command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = self.enter(&["--net"]);
        command
            .args(["setpriv", "--pdeathsig", "KILL", "--"])
            .arg(program);
        command
    }

    fn enter(&self, namespaces: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        command.arg("--target").arg(self.init.to_string());
        command.args(namespaces).arg("--");
        for variable in PROXY_VARIABLES {
            command.env_remove(variable);
        }
        command
    }

    /// Writes a file of the state directory.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, name: &str, content: &str) -> Result<()> {
        let path = self.dir.join(name);
        fs::write(&path, content).with_context(|| format!("write {}", path.display()))
    }

    /// Follows keeper → unshare → init.
    fn find_init(&self) -> Result<u32> {
        let keeper = self.owner.as_ref().map(|owner| owner.keeper.id());
        keeper
            .and_then(only_child)
            .and_then(only_child)
            .context("find the first process of the test cluster")
    }

    fn end(owner: &mut Owner) {
        drop(owner.lifeline.take());
        let deadline = Instant::now() + END_DEADLINE;
        while Instant::now() < deadline {
            if !matches!(owner.keeper.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if let Some(owner) = &mut self.owner {
            Self::end(owner);
        }
    }
}

/// The last `lines` lines of a log, for error messages.
#[must_use]
pub fn tail(log: &Path, lines: usize) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let all: Vec<&str> = text.lines().collect();
    let shown = all.get(all.len().saturating_sub(lines)..).unwrap_or(&all);
    format!("{}:\n{}", log.display(), shown.join("\n"))
}

/// Runs a command to its end and returns its standard output; its standard
/// error becomes the error.
///
/// # Errors
/// When it cannot be started or fails.
pub fn run(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("run {}", command.get_program().display()))?;
    if !output.status.success() {
        bail!(
            "{} ({})",
            String::from_utf8_lossy(&output.stderr).trim(),
            output.status
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn new_state_directory(base: &Path, purpose: Purpose) -> Result<PathBuf> {
    let dir = tempfile::Builder::new()
        .prefix(purpose.prefix())
        .tempdir_in(base)
        .with_context(|| format!("make a directory in {}", base.display()))?
        .keep();
    for part in ["log", "components", "bin", "pki"] {
        fs::create_dir(dir.join(part))?;
    }
    if std::env::var_os("TESTKIT_KEEP").is_some() {
        fs::write(dir.join("keep"), "")?;
    }
    let groups = match purpose {
        Purpose::ControlPlane => String::new(),
        Purpose::Node => cgroups::paths(&dir)?,
    };
    fs::write(dir.join("cgroups"), groups)?;
    fs::write(dir.join("keeper.sh"), include_str!("keeper.sh"))?;
    fs::write(dir.join("init.sh"), include_str!("init.sh"))?;
    fs::write(dir.join("launch.sh"), include_str!("launch.sh"))?;
    Ok(dir)
}

/// Held until the owner's end; [`sweep`] takes a sandbox whose lock is free
/// for dead.
fn take_owner_lock(dir: &Path) -> Result<Flock<File>> {
    let file = File::create(dir.join("owner.lock"))?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock)
        .map_err(|(_, error)| error)
        .with_context(|| format!("lock {}", dir.display()))
}

fn spawn_keeper(dir: &Path) -> Result<Child> {
    let log = File::create(dir.join("log/sandbox.log"))?;
    // A session of its own: Ctrl-C and a killed process group end the owner,
    // while the keeper still has to clean up after it.
    let mut command = Command::new("setsid");
    command.arg("/bin/bash").arg(dir.join("keeper.sh")).arg(dir);
    command.env_clear().env("PATH", SYSTEM_PATH);
    command.current_dir("/");
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command.stderr(log);
    command.spawn().context("start the sandbox's keeper")
}

fn read_line(stdout: impl std::io::Read) -> String {
    let mut line = String::new();
    match BufReader::new(stdout).read_line(&mut line) {
        Ok(_) => line.trim().to_owned(),
        Err(error) => error.to_string(),
    }
}

fn only_child(pid: u32) -> Option<u32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    children.split_whitespace().next()?.parse().ok()
}
