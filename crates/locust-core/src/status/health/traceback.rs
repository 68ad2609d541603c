//! Why Locust did not start, from the end of its log: the place and the
//! exception of a traceback, or a sentence of Locust or its argument parser.

use super::words::shortened;

/// The longest cause, in characters.
const LONGEST: usize = 400;

/// The cause in one line. A log that ends like that of a run, with tables or
/// log lines, holds none: tracebacks in it are of tasks.
pub(super) fn cause(log: &str) -> Option<String> {
    let lines: Vec<&str> = log.lines().filter(|line| !line.trim().is_empty()).collect();
    if lines.iter().any(|line| line.contains("--|--")) {
        return None;
    }
    let words = exception(&lines).or_else(|| sentence(&lines))?;
    Some(shortened(&words, LONGEST))
}

/// `File "x.py", line 3, in f: the line: Error: why`, of the last traceback.
fn exception(lines: &[&str]) -> Option<String> {
    let last_frame = lines.iter().rposition(|line| place(line).is_some())?;
    let rest = lines.get(last_frame..)?;
    let length = rest.iter().position(|line| !line.starts_with(' '))?;
    let exception = rest.get(length)?.trim();
    if rest.iter().skip(length).any(|line| is_log(line)) {
        return None;
    }
    let start = lines
        .get(..last_frame)?
        .iter()
        .rposition(|line| !line.starts_with(' '))
        .map_or(0, |header| header + 1);
    let frames = frames(lines.get(start..last_frame + length)?);
    let (place, source) = frames
        .iter()
        .rfind(|(place, _)| is_users(place))
        .or_else(|| frames.last())?;
    Some(match source {
        Some(source) => format!("{place}: {source}: {exception}"),
        None => format!("{place}: {exception}"),
    })
}

/// Each frame's place and the line of code below it.
fn frames<'a>(lines: &[&'a str]) -> Vec<(&'a str, Option<&'a str>)> {
    let mut frames: Vec<(&str, Option<&str>)> = Vec::new();
    for line in lines {
        match (place(line), frames.last_mut()) {
            (Some(place), _) => frames.push((place, None)),
            (None, Some((_, source @ None))) => *source = Some(line.trim()),
            (None, _) => {}
        }
    }
    frames
}

fn place(line: &str) -> Option<&str> {
    let place = line.trim();
    let is_place = line.starts_with(' ') && place.starts_with("File \"");
    (is_place && place.contains("\", line ")).then_some(place)
}

/// Not Python's or an installed package's.
fn is_users(place: &str) -> bool {
    const OTHERS: [&str; 4] = [
        "/site-packages/",
        "/dist-packages/",
        "\"<frozen ",
        "/lib/python3",
    ];
    !OTHERS.iter().any(|other| place.contains(other)) && !place.contains("/bin/locust\"")
}

/// What Locust says before it exits: of its arguments on the last line, or a
/// line before if it makes a guess at what was meant, of the locustfile as an
/// error in its log.
fn sentence(lines: &[&str]) -> Option<String> {
    let last = lines.last()?.trim();
    if !is_log(last) {
        let error = lines.iter().rfind(|line| line.contains(": error: "));
        return Some(error.map_or(last, |error| error.trim()).to_owned());
    }
    let error = lines
        .iter()
        .rfind(|line| is_log(line) && line.contains("/ERROR/"))?;
    let (_, words) = error.split_once("/ERROR/")?;
    words
        .split_once(": ")
        .map(|(_, words)| words.trim().to_owned())
}

/// `[2026-01-02 03:04:05,678] host/LEVEL/logger: …`
fn is_log(line: &str) -> bool {
    let stamp = line.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    stamp.is_some_and(|(stamp, _)| stamp.starts_with(|digit: char| digit.is_ascii_digit()))
}
