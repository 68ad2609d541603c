//! How logs look, in our own words and in those of controller-runtime. Where
//! both are given, our own count.

use super::super::args::RunArgs;
use super::Flags;
use crate::telemetry::{LogFormat, Logs, TimeEncoding};

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

pub(super) fn check(args: &RunArgs, flags: &mut Flags) -> Logs {
    let devel = flags.boolean("zap-devel", &args.zap_devel);
    let encoder = args
        .zap_encoder
        .as_deref()
        .map(|value| encoder(value, flags));
    let format = args.log_format.as_deref().map(|value| format(value, flags));
    let zap_level = args
        .zap_log_level
        .as_deref()
        .map(|value| zap_level(value, flags));
    let level = args.log_level.as_deref().map(|value| level(value, flags));
    if let Some(value) = args.zap_stacktrace_level.as_deref() {
        stacktrace_level(value, flags);
    }
    Logs {
        format: format.or(encoder).unwrap_or(LogFormat::Text),
        filter: level
            .or(zap_level)
            .unwrap_or(if devel { "debug" } else { "info" })
            .to_owned(),
        time: args
            .zap_time_encoding
            .as_deref()
            .map(|value| time_encoding(value, flags))
            .unwrap_or_default(),
    }
}

fn format(value: &str, flags: &mut Flags) -> LogFormat {
    let read = match value {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("give text or json".to_owned()),
    };
    flags.or("log-format", value, read, LogFormat::Text)
}

fn encoder(value: &str, flags: &mut Flags) -> LogFormat {
    let read = match value.to_lowercase().as_str() {
        "console" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err(format!("invalid encoder value {value:?}")),
    };
    flags.or("zap-encoder", value, read, LogFormat::Text)
}

/// A level, or a filter of tracing such as `info,kube=debug`.
fn level<'a>(value: &'a str, flags: &mut Flags) -> &'a str {
    let is_filter = value.contains(['=', ',', '['])
        && tracing_subscriber::filter::EnvFilter::try_new(value).is_ok();
    let read = match LEVELS.contains(&value.to_lowercase().as_str()) || is_filter {
        true => Ok(value),
        false => Err(format!("give one of {}", LEVELS.join(", "))),
    };
    flags.or("log-level", value, read, "info")
}

fn zap_level(value: &str, flags: &mut Flags) -> &'static str {
    let read = match (value.to_lowercase().as_str(), value.parse::<i8>()) {
        ("debug", _) | (_, Ok(1)) => Ok("debug"),
        ("info", _) => Ok("info"),
        ("error" | "panic", _) => Ok("error"),
        (_, Ok(2..)) => Ok("trace"),
        _ => Err(format!("invalid log level {value:?}")),
    };
    flags.or("zap-log-level", value, read, "info")
}

fn stacktrace_level(value: &str, flags: &mut Flags) {
    let read = match value.to_lowercase().as_str() {
        "info" | "error" | "panic" => Ok(()),
        _ => Err(format!("invalid stacktrace level {value:?}")),
    };
    flags.or("zap-stacktrace-level", value, read, ());
}

fn time_encoding(value: &str, flags: &mut Flags) -> TimeEncoding {
    let read = match value.to_lowercase().as_str() {
        "epoch" => Ok(TimeEncoding::Epoch),
        "millis" => Ok(TimeEncoding::Millis),
        // The Go library's help says nano, its code takes nanos.
        "nano" | "nanos" => Ok(TimeEncoding::Nanos),
        "iso8601" => Ok(TimeEncoding::Iso8601),
        "rfc3339" => Ok(TimeEncoding::Rfc3339),
        "rfc3339nano" => Ok(TimeEncoding::Rfc3339Nano),
        _ => Err(format!("invalid time-encoding value {value:?}")),
    };
    flags.or("zap-time-encoding", value, read, TimeEncoding::default())
}
