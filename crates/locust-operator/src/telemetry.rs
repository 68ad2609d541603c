//! Logs of the operator: one line each on standard error, as text for people or
//! JSON for machines.

use jiff::Timestamp;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;

/// How to log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Logs {
    /// How lines look.
    pub(crate) format: LogFormat,
    /// A level (`info`) or a filter of tracing (`info,kube=debug`).
    pub(crate) filter: String,
    /// How their time is written.
    pub(crate) time: TimeEncoding,
}

impl Logs {
    /// Of a sidecar, which nobody configures.
    pub(crate) fn of_a_sidecar() -> Self {
        Self {
            format: LogFormat::Text,
            filter: "info".to_owned(),
            time: TimeEncoding::default(),
        }
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// How the time of a log line is written, always in UTC. The names are those of
/// zap, whose flags choose between them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum TimeEncoding {
    /// RFC 3339 with microseconds.
    #[default]
    Micros,
    /// Seconds since 1970 with a fraction.
    Epoch,
    /// Milliseconds since 1970 with a fraction.
    Millis,
    /// Nanoseconds since 1970.
    Nanos,
    /// Date and time with milliseconds.
    Iso8601,
    /// Date and time in whole seconds.
    Rfc3339,
    /// Date and time with as many digits as there are.
    Rfc3339Nano,
}

impl TimeEncoding {
    fn written(self, time: Timestamp) -> String {
        let whole = |nanos: i128, unit: i128| {
            let digits = unit.ilog10().try_into().unwrap_or_default();
            let (whole, rest) = (nanos.div_euclid(unit), nanos.rem_euclid(unit));
            let fraction = format!("{rest:0width$}", width = digits);
            format!("{whole}.{fraction}")
        };
        let nanos = time.as_nanosecond();
        match self {
            Self::Micros => format!("{time:.6}"),
            Self::Epoch => whole(nanos, 1_000_000_000),
            Self::Millis => whole(nanos, 1_000_000),
            Self::Nanos => nanos.to_string(),
            Self::Iso8601 => format!("{time:.3}"),
            Self::Rfc3339 => format!("{time:.0}"),
            Self::Rfc3339Nano => time.to_string(),
        }
    }
}

impl FormatTime for TimeEncoding {
    fn format_time(&self, writer: &mut Writer<'_>) -> std::fmt::Result {
        writer.write_str(&self.written(Timestamp::now()))
    }
}

/// Starts logging.
pub(crate) fn start(logs: &Logs) {
    let Logs {
        format,
        filter,
        time,
    } = logs;
    let is_own_choice = filter.contains("kube_runtime");
    let filter = EnvFilter::new(filter);
    // kube's own span around a reconcile says less than ours, at length.
    let filter = match "kube_runtime=warn".parse() {
        Ok(quieter) if !is_own_choice => filter.add_directive(quieter),
        _ => filter,
    };
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_timer(*time)
        .with_writer(std::io::stderr);
    match format {
        LogFormat::Text => subscriber
            .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
            .init(),
        LogFormat::Json => subscriber.json().flatten_event(true).init(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_zap_would() {
        let time: Timestamp = "2026-01-02T03:04:05.067Z".parse().unwrap();
        let expected = [
            (TimeEncoding::Micros, "2026-01-02T03:04:05.067000Z"),
            (TimeEncoding::Epoch, "1767323045.067000000"),
            (TimeEncoding::Millis, "1767323045067.000000"),
            (TimeEncoding::Nanos, "1767323045067000000"),
            (TimeEncoding::Iso8601, "2026-01-02T03:04:05.067Z"),
            (TimeEncoding::Rfc3339, "2026-01-02T03:04:05Z"),
            (TimeEncoding::Rfc3339Nano, "2026-01-02T03:04:05.067Z"),
        ];
        for (encoding, text) in expected {
            assert_eq!(encoding.written(time), text);
        }
    }
}
