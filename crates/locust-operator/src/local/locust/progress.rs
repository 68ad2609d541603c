//! Shows an installation: a bar on a terminal, some lines elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::pip::Pip;

const TICK: Duration = Duration::from_millis(250);

/// A running installation on stderr.
pub(super) struct Progress {
    title: String,
    begun: Instant,
    last_line: String,
    /// `None` when stderr is no terminal.
    bar: Option<ProgressBar>,
}

impl Progress {
    pub(super) fn begin(title: &str) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(4));
            bar.set_style(searching());
            bar.set_prefix(title.to_owned());
            bar.enable_steady_tick(TICK);
            bar
        });
        Self {
            title: title.to_owned(),
            begun: Instant::now(),
            last_line: String::new(),
            bar,
        }
    }

    /// Another step, which has no numbers.
    pub(super) fn step(&mut self, step: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(step.to_owned()),
            None => self.line(step),
        }
    }

    /// The packages so far; `installed` of them are in place.
    pub(super) fn packages(&mut self, pip: &Pip, installed: usize) {
        let Some(bar) = &self.bar else {
            // One line a phase: these are for logs.
            if let Some(count) = pip.to_install() {
                self.line(&format!("installing {count} packages"));
            } else if pip.found() > 0 {
                self.line("downloading packages");
            } else {
                self.line("asking the package index");
            }
            return;
        };
        match pip.to_install() {
            Some(count) => {
                if bar.length().is_none() {
                    bar.set_style(installing());
                    bar.set_length(u64::try_from(count).unwrap_or(u64::MAX));
                }
                bar.set_message("installing");
                bar.set_position(u64::try_from(installed.min(count)).unwrap_or(u64::MAX));
            }
            None if pip.found() == 0 => bar.set_message("asking the package index"),
            None => bar.set_message(format!(
                "{} packages needed, {} downloaded",
                pip.found(),
                pip.downloaded()
            )),
        }
    }

    /// The installation is in place.
    pub(super) fn done(self, place: &str) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        eprintln!(
            "{}: done in {} s, in {place}",
            self.title,
            self.begun.elapsed().as_secs().max(1)
        );
    }

    fn line(&mut self, line: &str) {
        if self.last_line != line {
            eprintln!("{}: {line}", self.title);
            line.clone_into(&mut self.last_line);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn searching() -> ProgressStyle {
    style("{spinner} {prefix}: {msg} ({elapsed})")
}

fn installing() -> ProgressStyle {
    style("{spinner} {prefix}: {msg} [{bar:30}] {pos}/{len} packages ({elapsed})")
        .progress_chars("=> ")
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
