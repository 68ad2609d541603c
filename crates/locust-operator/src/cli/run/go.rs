//! Flags as Go programs take them, so that the arguments of a Deployment of
//! the Go operator mean the same here.

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use jiff::SignedDuration;

/// Arguments as clap takes them: flags after `run` may have one dash, and
/// flags without a subcommand are those of `run`.
pub fn arguments(given: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = given.into_iter().collect();
    let first = arguments.get(1).and_then(|first| first.to_str());
    match first {
        Some("run") => {}
        Some("-h" | "-help" | "--help" | "-V" | "-version" | "--version") | None => {
            return arguments;
        }
        Some(flag) if flag.starts_with('-') => arguments.insert(1, "run".into()),
        Some(_) => return arguments,
    }
    let mut ended = false;
    for argument in arguments.iter_mut().skip(2) {
        ended = ended || argument == "--";
        match argument.to_str() {
            Some(text) if !ended && is_long_with_one_dash(text) => {
                *argument = format!("-{text}").into();
            }
            _ => {}
        }
    }
    arguments
}

/// `-h` stays what it is.
fn is_long_with_one_dash(text: &str) -> bool {
    text.strip_prefix('-')
        .is_some_and(|name| name.len() > 1 && name.starts_with(|c: char| c.is_ascii_lowercase()))
}

/// What Go's flag package says where clap refuses arguments.
pub fn words(error: &clap::Error) -> Option<String> {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let argument = text(ContextKind::InvalidArg)?;
    let name = argument
        .strip_prefix("--")?
        .split([' ', '=', '['])
        .next()
        .unwrap_or_default();
    let is_unknown = error.kind() == ErrorKind::UnknownArgument;
    let lacks_value = error.kind() == ErrorKind::InvalidValue
        && text(ContextKind::InvalidValue).is_none_or(str::is_empty);
    if is_unknown {
        Some(format!("flag provided but not defined: -{name}"))
    } else if lacks_value {
        Some(format!("flag needs an argument: -{name}"))
    } else {
        None
    }
}

/// A boolean in Go's words.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// An address to listen on: without a host it means all addresses.
pub(in crate::cli) fn address(text: &str) -> Option<SocketAddr> {
    let with_port = |host, port: &str| Some(SocketAddr::new(host, port.parse().ok()?));
    match text.rsplit_once(':') {
        Some(("", port)) => with_port(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port),
        Some(("localhost", port)) => with_port(IpAddr::V4(Ipv4Addr::LOCALHOST), port),
        _ => text.parse().ok(),
    }
}

/// A duration as Go writes it: `2m`, `1h30m`, `1.5s`, `0`.
pub(in crate::cli) fn duration(text: &str) -> Option<SignedDuration> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(SignedDuration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, unit_on) = rest.split_at(end);
        let unit_end = unit_on
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(unit_on.len());
        let (unit, after) = unit_on.split_at(unit_end);
        if !number.contains(|c: char| c.is_ascii_digit()) {
            return None;
        }
        seconds += number.parse::<f64>().ok()? * seconds_of(unit)?;
        rest = after;
    }
    SignedDuration::try_from_secs_f64(sign * seconds).ok()
}

fn seconds_of(unit: &str) -> Option<f64> {
    Some(match unit {
        "ns" => 1e-9,
        "us" | "µs" | "μs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return None,
    })
}
