//! What pip's output says about its progress, line by line.

use std::collections::BTreeSet;

/// How far an installation has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pip {
    found: BTreeSet<String>,
    downloaded: usize,
    to_install: Option<usize>,
}

impl Pip {
    /// Takes in a line of output.
    pub(super) fn read(&mut self, line: &str) {
        let line = line.trim();
        if let Some(requirement) = line.strip_prefix("Collecting ") {
            // A package may be asked for again with another bound.
            let name = requirement
                .split(|c: char| !c.is_alphanumeric() && !matches!(c, '-' | '_' | '.'))
                .next()
                .unwrap_or_default();
            self.found.insert(name.to_lowercase());
        } else if is_fetched(line) {
            self.downloaded += 1;
        } else if let Some(list) = line.strip_prefix("Installing collected packages: ") {
            self.to_install = Some(list.split(", ").count());
        }
    }

    /// Packages that Locust turned out to need, itself included.
    pub(super) fn found(&self) -> usize {
        self.found.len()
    }

    /// Packages that are there to be installed.
    pub(super) fn downloaded(&self) -> usize {
        self.downloaded
    }

    /// How many packages are being installed, once all are there.
    pub(super) fn to_install(&self) -> Option<usize> {
        self.to_install
    }
}

/// `Downloading x.whl (1.5 MB)`, `Using cached x.whl`, `Processing /x.whl`,
/// but not the separate metadata that pip may fetch before.
fn is_fetched(line: &str) -> bool {
    let file = ["Downloading ", "Using cached ", "Processing "]
        .into_iter()
        .find_map(|start| line.strip_prefix(start))
        .and_then(|rest| rest.split_whitespace().next());
    file.is_some_and(|file| !file.ends_with(".metadata"))
}

/// The end of a log that ended badly, in one line: pip's errors, or else its
/// last words.
pub(super) fn complaint(log: &str) -> String {
    let lines = || log.lines().map(str::trim).filter(|line| !line.is_empty());
    let errors: Vec<&str> = lines()
        .filter_map(|line| line.strip_prefix("ERROR: "))
        .collect();
    let last: Vec<&str> = if errors.is_empty() {
        let all: Vec<&str> = lines().collect();
        all.get(all.len().saturating_sub(2)..)
            .unwrap_or_default()
            .to_vec()
    } else {
        errors
            .get(errors.len().saturating_sub(2)..)
            .unwrap_or_default()
            .to_vec()
    };
    let is_offline = [
        "NewConnectionError",
        "NameResolutionError",
        "ConnectTimeoutError",
        "Temporary failure in name resolution",
        "Network is unreachable",
        "ProxyError",
    ]
    .iter()
    .any(|sign| log.contains(sign));
    let offline = if is_offline {
        "the package index cannot be reached; "
    } else {
        ""
    };
    format!("{offline}{}", last.join("; "))
}
