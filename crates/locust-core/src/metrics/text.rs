//! Families of metrics, and the text format 0.0.4 of Prometheus.

use std::fmt::Write as _;

use crate::locust::sample::float;

/// The type of the text, for who asks by HTTP.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What tells a series from the others of its family.
pub type Labels = Vec<(&'static str, String)>;

/// All metrics of one name.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// The name.
    pub name: String,
    /// What it means, in one line.
    pub help: &'static str,
    /// How its values behave.
    pub kind: Kind,
    /// One for each set of labels.
    pub series: Vec<Series>,
}

/// How values behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// They go up and down.
    Gauge,
    /// They only grow.
    Counter,
    /// How often what was measured was at most so much.
    Histogram,
}

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// What follows the family's name: nothing, but in a histogram.
    pub suffix: &'static str,
    /// What tells it from the others.
    pub labels: Labels,
    /// The value.
    pub value: f64,
}

impl Series {
    /// A value of a family that is no histogram.
    pub const fn new(labels: Labels, value: f64) -> Self {
        Self {
            suffix: "",
            labels,
            value,
        }
    }
}

impl Family {
    /// A count without labels.
    pub fn count(name: String, help: &'static str, count: u64) -> Self {
        Self {
            name,
            help,
            kind: Kind::Counter,
            series: vec![Series::new(Labels::new(), float(count))],
        }
    }
}

impl Kind {
    /// As the text format spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
            Self::Histogram => "histogram",
        }
    }
}

/// The families as text. One without series is left out.
pub fn written(families: &[Family]) -> String {
    let mut text = String::new();
    for family in families.iter().filter(|family| !family.series.is_empty()) {
        let Family {
            name,
            help,
            kind,
            series,
        } = family;
        // Writing to a String does not fail.
        let _ = writeln!(text, "# HELP {name} {help}");
        let _ = writeln!(text, "# TYPE {name} {}", kind.as_str());
        for Series {
            suffix,
            labels,
            value,
        } in series
        {
            text.push_str(name);
            text.push_str(suffix);
            write_labels(&mut text, labels);
            let _ = writeln!(text, " {value}");
        }
    }
    text
}

fn write_labels(text: &mut String, labels: &Labels) {
    let mut before = '{';
    for (name, value) in labels {
        text.push(before);
        let _ = write!(text, "{name}=\"");
        for character in value.chars() {
            match character {
                '\\' => text.push_str("\\\\"),
                '"' => text.push_str("\\\""),
                '\n' => text.push_str("\\n"),
                other => text.push(other),
            }
        }
        text.push('"');
        before = ',';
    }
    if before == ',' {
        text.push('}');
    }
}
