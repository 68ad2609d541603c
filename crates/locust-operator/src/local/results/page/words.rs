//! Numbers as people read them.

/// A number of a scale: `0.25`, `12`, `1.5k`, `20M`.
pub(super) fn short(number: f64) -> String {
    let (number, unit) = match number {
        millions if millions >= 1_000_000.0 => (millions / 1_000_000.0, "M"),
        thousands if thousands >= 10_000.0 => (thousands / 1_000.0, "k"),
        plain => (plain, ""),
    };
    let decimals = match number {
        0.0 => 0,
        small if small < 1.0 => 2,
        small if small < 100.0 => 1,
        _ => 0,
    };
    let text = format!("{number:.decimals$}");
    let text = match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => &text,
    };
    format!("{text}{unit}")
}

/// A span of time: `45s`, `2:05`, `1:00:00`.
pub(super) fn clock(seconds: f64) -> String {
    let span = std::time::Duration::try_from_secs_f64(seconds.round()).unwrap_or_default();
    let seconds = span.as_secs();
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}:{seconds:02}"),
        (hours, minutes, seconds) => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

/// A count, its thousands set apart.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Milliseconds, with decimals where they say something.
pub(super) fn milliseconds(number: f64) -> String {
    match number {
        small if small > 0.0 && small < 10.0 => format!("{small:.1}"),
        large => format!("{large:.0}"),
    }
}

/// The same, or a dash.
pub(super) fn optional(number: Option<f64>) -> String {
    number.map_or_else(dash, milliseconds)
}

/// A rate, or a dash.
pub(super) fn rate(number: Option<f64>) -> String {
    number.map_or_else(dash, |number| format!("{number:.1}"))
}

/// What stands where there is no number.
pub(super) fn dash() -> String {
    "–".to_owned()
}

/// How many failed, and what part that is.
pub(super) fn failures(failures: u64, ratio: f64) -> String {
    match failures {
        0 => "0".to_owned(),
        some => format!("{} ({:.1} %)", count(some), ratio * 100.0),
    }
}

/// A moment on the calendar.
pub(super) fn moment(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}
