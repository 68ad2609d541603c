//! The progress of the one long build: a bar that stays on its line on a
//! terminal, a line now and then elsewhere.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

const BAR_WIDTH: usize = 30;
const LINE_INTERVAL: Duration = Duration::from_secs(20);

/// Counts compiled packages. Packages that Go finds in its own cache are
/// never reported, so the count may end before the total.
pub(super) struct Progress {
    total: usize,
    compiled: usize,
    started: Instant,
    shown: Option<Instant>,
    terminal: bool,
}

impl Progress {
    pub(super) fn start(total: usize) -> Self {
        eprintln!(
            "building the test cluster's Kubernetes {} from Go modules (once): {total} packages, about 8 minutes on 2 cores",
            super::KUBERNETES_VERSION
        );
        Self {
            total,
            compiled: 0,
            started: Instant::now(),
            shown: None,
            terminal: std::io::stderr().is_terminal(),
        }
    }

    pub(super) fn package_compiled(&mut self) {
        self.compiled += 1;
        let interval = if self.terminal {
            Duration::from_millis(100)
        } else {
            LINE_INTERVAL
        };
        let last = self.shown.unwrap_or(self.started);
        if last.elapsed() >= interval {
            self.shown = Some(Instant::now());
            self.show();
        }
    }

    pub(super) fn finish(&self) {
        let ending = if self.terminal { "\r\x1b[K" } else { "" };
        eprintln!(
            "{ending}built Kubernetes {} in {} s",
            super::KUBERNETES_VERSION,
            self.started.elapsed().as_secs()
        );
    }

    fn show(&self) {
        let seconds = self.started.elapsed().as_secs();
        let line = line(self.compiled, self.total, seconds);
        if self.terminal {
            eprint!("\r{} {line}\x1b[K", bar(self.compiled, self.total));
            let _ = std::io::stderr().flush();
        } else {
            eprintln!("  {line}");
        }
    }
}

fn line(compiled: usize, total: usize, seconds: u64) -> String {
    let linking = if compiled >= total { ", linking" } else { "" };
    format!("{compiled} of {total} packages, {seconds} s{linking}")
}

fn bar(compiled: usize, total: usize) -> String {
    let filled = (compiled * BAR_WIDTH)
        .checked_div(total)
        .unwrap_or(0)
        .min(BAR_WIDTH);
    format!("[{}{}]", "#".repeat(filled), " ".repeat(BAR_WIDTH - filled))
}

#[cfg(test)]
mod tests {
    use super::{bar, line};

    #[test]
    fn the_bar_never_overflows() {
        assert_eq!(bar(0, 0), format!("[{}]", " ".repeat(30)));
        assert_eq!(bar(1, 2), format!("[{}{}]", "#".repeat(15), " ".repeat(15)));
        assert_eq!(bar(9, 2), format!("[{}]", "#".repeat(30)));
    }

    #[test]
    fn the_line_says_when_only_linking_is_left() {
        assert_eq!(line(3, 7, 12), "3 of 7 packages, 12 s");
        assert_eq!(line(7, 7, 99), "7 of 7 packages, 99 s, linking");
    }
}
