//! The operator as a process, and waiting for it.

use std::fs;
use std::process::Child;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

const PATIENCE: Duration = Duration::from_secs(600);
/// The least wait between two looks.
const POLL: Duration = Duration::from_millis(2);
/// The waits grow to this part of what has passed: what is measured is not
/// kept busy by questions, and still known to half a percent.
const PART: u32 = 200;

/// A running operator; it ends when this is dropped.
pub(super) struct Operator {
    pub(super) process: Child,
}

impl Operator {
    /// What it holds in memory now.
    pub(super) fn resident_megabytes(&self) -> Result<f64> {
        self.megabytes("VmRSS:")
    }

    /// The most that it ever held in memory.
    pub(super) fn peak_megabytes(&self) -> Result<f64> {
        self.megabytes("VmHWM:")
    }

    /// The processor time that it has used so far.
    pub(super) fn cpu_seconds(&self) -> Result<f64> {
        let stat = format!("/proc/{}/stat", self.process.id());
        let text = fs::read_to_string(&stat).with_context(|| format!("reading {stat}"))?;
        // After the name, which may hold anything, the 12th and 13th field.
        let (_, fields) = text.rsplit_once(')').context("a name in brackets")?;
        let ticks = fields.split_whitespace().skip(11).take(2);
        let ticks: Vec<f64> = ticks.map(str::parse).collect::<Result<_, _>>()?;
        // The kernel counts in hundredths for everybody.
        Ok(ticks.iter().sum::<f64>() / 100.0)
    }

    fn megabytes(&self, field: &str) -> Result<f64> {
        let status = format!("/proc/{}/status", self.process.id());
        let text = fs::read_to_string(&status).with_context(|| format!("reading {status}"))?;
        let kilobytes: f64 = text
            .lines()
            .find_map(|line| line.strip_prefix(field))
            .and_then(|rest| rest.split_whitespace().next())
            .with_context(|| format!("{status} has no {field}"))?
            .parse()?;
        Ok(kilobytes * 1024.0 / 1_000_000.0)
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Polls until a condition holds.
pub(super) async fn until(what: &str, condition: impl AsyncFn() -> Result<bool>) -> Result<()> {
    let began = Instant::now();
    while !condition().await? {
        let waited = began.elapsed();
        if waited > PATIENCE {
            bail!("waited {} s for {what}", PATIENCE.as_secs());
        }
        tokio::time::sleep(POLL.max(waited / PART)).await;
    }
    Ok(())
}
