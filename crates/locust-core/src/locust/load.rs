//! The load that Locust's arguments ask for, as far as they say it.
//!
//! Only for showing how long a run still takes and for recognising its planned
//! end: a locustfile with a `LoadTestShape` decides by itself, and what Locust
//! does is decided by Locust.

use std::time::Duration;

/// The load that the arguments ask for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Load {
    /// `--users`.
    pub users: Option<u64>,
    /// `--run-time`.
    pub run_time: Option<Duration>,
    /// `--stop-timeout`.
    pub stop_timeout: Option<Duration>,
}

impl Load {
    /// Reads the arguments of a master. As in Locust, the last one wins.
    pub fn from_args<S: AsRef<str>>(args: &[S]) -> Self {
        let span = |short, long| values(args, short, long).last().and_then(parse_run_time);
        Self {
            users: values(args, "-u", "--users")
                .last()
                .and_then(|value| value.parse().ok()),
            run_time: span("-t", "--run-time"),
            stop_timeout: span("-s", "--stop-timeout"),
        }
    }
}

/// The value of an option that counts: the last one given.
pub(crate) fn last_value<'a, S: AsRef<str>>(
    args: &'a [S],
    short: &'a str,
    long: &'a str,
) -> Option<&'a str> {
    values(args, short, long).last()
}

/// Every value given for one option, in the spellings that argparse takes:
/// `-u 5`, `-u5`, `--users 5`, `--users=5`.
fn values<'a, S: AsRef<str>>(
    args: &'a [S],
    short: &'a str,
    long: &'a str,
) -> impl Iterator<Item = &'a str> {
    args.iter().enumerate().filter_map(move |(index, arg)| {
        let arg = arg.as_ref();
        if arg == short || arg == long {
            return args.get(index + 1).map(AsRef::as_ref);
        }
        if let Some(value) = arg.strip_prefix(long) {
            return value.strip_prefix('=');
        }
        arg.strip_prefix(short)
    })
}

/// A time span as Locust writes it: `20`, `20s`, `3m`, `1h30m`. `None` when it
/// is none, which Locust refuses by itself.
pub fn parse_run_time(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let mut seconds: u64 = 0;
    let mut digits = String::new();
    for character in text.chars() {
        let unit = match character {
            '0'..='9' => {
                digits.push(character);
                continue;
            }
            'h' => 3600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        let amount: u64 = digits.parse().ok()?;
        digits.clear();
        seconds = seconds.checked_add(amount.checked_mul(unit)?)?;
    }
    (digits.is_empty() && seconds > 0).then(|| Duration::from_secs(seconds))
}
