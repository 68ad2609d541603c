//! The programs of a sandbox: described, started, killed and started again.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::{END_DEADLINE, RARE_COLLECTIONS, SYSTEM_PATH, Sandbox, run};

impl Sandbox {
    /// Starts components that were described by [`Sandbox::describe`].
    ///
    /// # Errors
    /// When the launcher fails; a component that starts and then ends is
    /// found by [`Sandbox::runs`].
    pub fn launch(&self, names: &[&str]) -> Result<()> {
        let mut command = self.command("/bin/bash");
        command.arg(self.dir.join("launch.sh")).arg(&self.dir);
        command.args(names).env_clear();
        command.env("PATH", SYSTEM_PATH).env("HOME", "/root");
        command.env(RARE_COLLECTIONS.0, RARE_COLLECTIONS.1);
        run(&mut command).with_context(|| format!("start {}", names.join(", ")))?;
        Ok(())
    }

    /// Notes how a component is started: its program and arguments.
    ///
    /// # Errors
    /// When the description cannot be written.
    pub fn describe(&self, name: &str, argv: &[String]) -> Result<()> {
        self.write(&format!("components/{name}.args"), &argv.join("\n"))
    }

    /// Whether a component belongs to the sandbox, running or not.
    #[must_use]
    pub fn is_described(&self, name: &str) -> bool {
        self.dir.join(format!("components/{name}.args")).exists()
    }

    /// Kills a component with SIGKILL and waits until it is gone.
    ///
    /// # Errors
    /// When it does not run or does not go.
    pub fn kill(&self, name: &str) -> Result<()> {
        let pid = self.component_pid(name)?;
        // The shell's own `kill`: the program is not installed everywhere.
        run(self
            .command("/bin/bash")
            .args(["-c", "kill -KILL \"$0\"", &pid]))
        .with_context(|| format!("kill {name} of the test cluster"))?;
        let deadline = Instant::now() + END_DEADLINE;
        // A process is a zombie while its other threads still hold its ports.
        let threads = self.proc_of(&pid).join("task");
        while fs::read_dir(&threads).is_ok_and(|threads| threads.count() > 1) || self.runs(name) {
            if Instant::now() > deadline {
                bail!("{name} of the test cluster survives SIGKILL");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Whether a component was started and has not ended.
    #[must_use]
    pub fn runs(&self, name: &str) -> bool {
        let Ok(pid) = self.component_pid(name) else {
            return false;
        };
        let stat = fs::read_to_string(self.proc_of(&pid).join("stat"));
        stat.is_ok_and(|stat| {
            let rest = stat.rsplit_once(") ").map(|(_, rest)| rest);
            rest.is_some_and(|rest| !rest.starts_with('Z'))
        })
    }

    /// A process in the sandbox's own view of /proc.
    fn proc_of(&self, pid: &str) -> PathBuf {
        let root = Path::new("/proc").join(format!("{}/root", self.init));
        root.join(format!("proc/{pid}"))
    }

    /// Where a component's output goes.
    #[must_use]
    pub fn log_file(&self, name: &str) -> PathBuf {
        self.dir.join(format!("log/{name}.log"))
    }

    fn component_pid(&self, name: &str) -> Result<String> {
        let path = self.dir.join(format!("components/{name}.pid"));
        let pid = fs::read_to_string(path)
            .with_context(|| format!("the test cluster runs no component {name}"))?;
        Ok(pid.trim().to_owned())
    }
}
