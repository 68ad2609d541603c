//! A run as it goes on: a live view on a terminal, plain lines elsewhere.
//!
//! On stderr, so that what the command says at the end can be piped on.

mod frame;
#[cfg(test)]
mod tests;

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

pub use frame::Frame;

/// Between two plain lines of a phase that goes on.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// The spinner turns so often while nothing else changes.
const TICK: Duration = Duration::from_millis(250);

/// The view of one run.
#[derive(Debug)]
pub struct View(Kind);

#[derive(Debug)]
enum Kind {
    Live(ProgressBar),
    Lines {
        phase: Option<&'static str>,
        next: Duration,
    },
}

impl View {
    /// Live when stderr is a terminal.
    pub fn on_stderr() -> Self {
        if !std::io::stderr().is_terminal() {
            return Self(Kind::Lines {
                phase: None,
                next: Duration::ZERO,
            });
        }
        let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr_with_hz(4));
        bar.set_style(live_style(false));
        bar.enable_steady_tick(TICK);
        Self(Kind::Live(bar))
    }

    /// Shows where the run stands.
    pub fn show(&mut self, frame: &Frame) {
        match &mut self.0 {
            Kind::Live(bar) => {
                bar.set_style(live_style(frame.part_done().is_some()));
                bar.set_prefix(frame.headline());
                bar.set_message(message(frame));
                if let Some((done, whole)) = frame.part_done() {
                    bar.set_length(whole);
                    bar.set_position(done);
                }
            }
            Kind::Lines { phase, next } => {
                if *phase != Some(frame.phase_name()) || frame.elapsed >= *next {
                    eprintln!("{}", frame.plain_line());
                    *phase = Some(frame.phase_name());
                    *next = frame.elapsed + LINE_EVERY;
                }
            }
        }
    }

    /// Says something once, above the live view.
    pub fn say(&self, line: &str) {
        self.voice().say(line);
    }

    /// Somebody who can say something above this view while it is shown.
    pub fn voice(&self) -> Voice {
        Voice(match &self.0 {
            Kind::Live(bar) => Some(bar.clone()),
            Kind::Lines { .. } => None,
        })
    }

    /// Takes the live view away.
    pub fn close(self) {}
}

/// Speaks above a view without holding it.
#[derive(Clone, Debug)]
pub struct Voice(Option<ProgressBar>);

impl Voice {
    /// Says something once.
    pub fn say(&self, line: &str) {
        match &self.0 {
            Some(bar) => bar.suspend(|| eprintln!("{line}")),
            None => eprintln!("{line}"),
        }
    }
}

impl Drop for View {
    fn drop(&mut self) {
        if let Kind::Live(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// The numbers, then the thresholds below each other.
fn message(frame: &Frame) -> String {
    let mut lines = vec![frame.numbers()];
    lines.extend(frame.margins());
    lines.join("\n  ")
}

fn live_style(has_planned_end: bool) -> ProgressStyle {
    let template = if has_planned_end {
        "{spinner} {prefix}  [{wide_bar}]\n  {msg}"
    } else {
        "{spinner} {prefix}\n  {msg}"
    };
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}
