//! The full results of a run, as files: what the status has no room for.

pub mod document;
#[cfg(test)]
mod tests;

pub use document::Document;

use std::time::Duration;

use crate::locust::csv::parse_failures_csv;
use crate::locust::{Endpoint, ErrorRow, parse_stats_csv};
use crate::polling::Heard;
use crate::thresholds::Reading;
use document::{Error, Numbers, Row, SCHEMA_VERSION, Threshold, Workers, thousandths};

/// The room of a ConfigMap, in bytes; Kubernetes takes 1 MiB of values, and there are
/// names beside them.
pub const MOST_BYTES: usize = 900 * 1024;

/// What a master was asked for once its numbers were final.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gathered {
    /// The table of requests.
    pub stats_csv: Option<String>,
    /// The table of failures.
    pub failures_csv: Option<String>,
    /// The table of exceptions.
    pub exceptions_csv: Option<String>,
    /// Locust's HTML report.
    pub page: Option<Page>,
}

/// Locust's HTML report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    /// As it is.
    Plain(Vec<u8>),
    /// Packed by gzip.
    Packed(Vec<u8>),
}

/// The full results of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    room: usize,
    files: Vec<File>,
    unread: Vec<&'static str>,
    too_large: Vec<&'static str>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub content: Content,
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Text.
    Text(String),
    /// Anything else.
    Bytes(Vec<u8>),
}

/// What became of an attempt to store the full results of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Storing {
    /// They are stored.
    Done,
    /// They are not.
    Failed {
        /// Why.
        why: NotStored,
        /// How long ago.
        ago: Duration,
    },
}

/// Why results are not stored, in the words of whoever said so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotStored {
    /// Another object has the name.
    NameTaken(String),
    /// The API server does not take them, or does not answer.
    Refused(String),
}

impl Content {
    const fn len(&self) -> usize {
        self.bytes().len()
    }

    /// The same as bytes.
    pub const fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes.as_slice(),
        }
    }
}

impl Report {
    /// Everything there is, as far as there is room for it, in bytes: the
    /// smaller files before Locust's own page.
    pub fn of(document: &Document, gathered: Gathered, room: usize) -> Self {
        let Gathered {
            stats_csv,
            failures_csv,
            exceptions_csv,
            page,
        } = gathered;
        let page = match page {
            Some(Page::Plain(page)) => ("report.html", Some(Content::Bytes(page))),
            Some(Page::Packed(page)) => ("report.html.gz", Some(Content::Bytes(page))),
            None => ("report.html", None),
        };
        let json = serde_json::to_string_pretty(document).ok();
        let files = [
            ("results.json", json.map(Content::Text)),
            ("stats.csv", stats_csv.map(Content::Text)),
            ("failures.csv", failures_csv.map(Content::Text)),
            ("exceptions.csv", exceptions_csv.map(Content::Text)),
            page,
        ];
        let mut report = Self {
            room,
            ..Self::default()
        };
        let mut left = room;
        for (name, content) in files {
            let Some(content) = content else {
                report.unread.push(name);
                continue;
            };
            match left.checked_sub(content.len()) {
                Some(rest) => {
                    left = rest;
                    report.files.push(File { name, content });
                }
                None => report.too_large.push(name),
            }
        }
        report
    }

    /// Its files.
    pub fn files(&self) -> &[File] {
        &self.files
    }

    /// Which files are in `place`, and which are not, in one line.
    pub fn words(&self, place: &str) -> String {
        let names: Vec<&str> = self.files.iter().map(|file| file.name).collect();
        let mut words = format!("{place} holds {}", names.join(", "));
        if !self.unread.is_empty() {
            words += &format!("; not read from the master: {}", self.unread.join(", "));
        }
        if !self.too_large.is_empty() {
            let most = self.room / 1024;
            let names = self.too_large.join(", ");
            words += &format!("; beyond its {most} KiB: {names}");
        }
        words
    }
}

/// What is known of a run whose numbers are final, for machines. Its verdict is
/// yet to come.
pub fn document(test: &str, heard: &Heard, readings: &[Reading], gathered: &Gathered) -> Document {
    let numbers = heard.numbers.as_ref();
    let table = gathered.stats_csv.as_deref().and_then(parse_stats_csv);
    let mut rows = table.unwrap_or_default();
    let totals: Option<Endpoint> = rows
        .pop()
        .or_else(|| numbers.map(|numbers| numbers.totals.clone()));
    let errors = gathered
        .failures_csv
        .as_deref()
        .and_then(parse_failures_csv);
    let errors: Vec<ErrorRow> = errors.unwrap_or_default();
    let load = totals.as_ref().and_then(Endpoint::load_seconds);
    let seen = numbers.and_then(|numbers| numbers.elapsed);
    Document {
        schema_version: SCHEMA_VERSION,
        test: test.to_owned(),
        verdict: "not judged",
        reason:
            "stored when the numbers were final; status.verdict of the LocustTest has the verdict"
                .to_owned(),
        failure: None,
        thresholds: readings.iter().map(Threshold::from).collect(),
        warnings: heard
            .making
            .unhealthy(heard.phase)
            .map(|(_, message)| message)
            .into_iter()
            .collect(),
        locust_version: heard.version.clone(),
        load_began_at: numbers.and_then(|numbers| numbers.load_began),
        load_ended_at: heard.load_ended,
        load_seconds: load
            .or_else(|| seen.map(|seen| seen.as_secs_f64()))
            .map(thousandths),
        workers: Workers {
            expected: heard.making.wanted_workers.unwrap_or(heard.making.workers),
            most_connected: heard.making.workers,
            lost: heard.making.lost_workers,
        },
        master_exit_code: None,
        master_signal: None,
        totals: totals.as_ref().map(Numbers::from),
        endpoints: rows.iter().map(Row::from).collect(),
        errors: errors.iter().map(Error::from).collect(),
    }
}
