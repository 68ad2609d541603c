//! The page as it is written, and as a browser sees it.

mod browser;

use std::time::Duration;

use locust_core::locust::{Exit, History, Sample};

use super::html::Html;
use super::{page, words};
use crate::local::results::tests::{held_to_thresholds, info, recorded};
use crate::local::results::{Document, conclude};

/// A run of 40 seconds with all that a page can hold.
fn run() -> (Document, History) {
    let run = held_to_thresholds();
    let mut info = info(Exit::Code(1));
    info.expected_workers = 3;
    let (_, document) = conclude(&info, &run);
    (document, history())
}

/// Ten users more every five seconds, told every three; a gap in the times.
fn history() -> History {
    let mut history = History::default();
    let mut sample = Sample::parse(recorded("2.47.0-running.json").as_bytes()).unwrap();
    for second in 0_u32..40 {
        let told = u64::from(second / 3 * 3);
        sample.users = u64::from(second / 5 * 10);
        sample.totals.requests = told * told;
        sample.totals.failures = told * 2;
        let is_silent = (10..14).contains(&second);
        let times = f64::from(second);
        sample.current_p50_ms = (!is_silent).then_some(times + 5.0);
        sample.current_p95_ms = (!is_silent).then_some(times * 3.0 + 20.0);
        history.observe(Duration::from_secs(second.into()), &sample);
    }
    history
}

/// What is not ours, wherever it may stand.
const HOSTILE: &str = "</title></style><script>alert(1)</script><img src=x onerror='alert(2)'>\"' onload=\"&lt;\u{0}\u{202e}";

/// The same run with all that a user supplies being hostile.
fn hostile() -> Document {
    let (mut document, _) = run();
    document.test = HOSTILE.to_owned();
    document.reason = HOSTILE.to_owned();
    document.locust_version = Some(HOSTILE.to_owned());
    document.warnings.push(HOSTILE.to_owned());
    for row in &mut document.thresholds {
        row.name = HOSTILE.to_owned();
        row.limit = HOSTILE.to_owned();
        row.value = Some(HOSTILE.to_owned());
    }
    for row in &mut document.endpoints {
        row.method = HOSTILE.to_owned();
        row.name = HOSTILE.to_owned();
    }
    for row in &mut document.errors {
        row.method = HOSTILE.to_owned();
        row.name = HOSTILE.to_owned();
        row.error = HOSTILE.to_owned();
    }
    document
}

#[test]
fn a_run_is_on_one_page() {
    let (document, history) = run();
    insta::assert_snapshot!("page", page(&document, &history.points()));
}

#[test]
fn text_cannot_become_markup() {
    let mut html = Html::default();
    html.wrap("<p title=\"", "<a href='x'>\"&\u{7}\n", "\">");
    let written = "<p title=\"&lt;a href=&#39;x&#39;&gt;&quot;&amp;\u{fffd}\n\">";
    assert_eq!(html.into_string(), written);
    let text = page(&hostile(), &[]);
    assert!(!text.contains("<script"), "{text}");
    assert!(!text.contains("<img"), "{text}");
}

#[test]
fn numbers_are_written_for_people() {
    let counts = [0, 999, 1_000, 12_345_678].map(words::count);
    assert_eq!(counts, ["0", "999", "1,000", "12,345,678"]);
    let spans = [0.4, 59.0, 125.0, 3_600.0].map(words::clock);
    assert_eq!(spans, ["0s", "59s", "2:05", "1:00:00"]);
    let scale = [0.0, 0.25, 1.5, 20.0, 1_500.0, 12_500.0, 2_500_000.0].map(words::short);
    assert_eq!(scale, ["0", "0.25", "1.5", "20", "1500", "12.5k", "2.5M"]);
    let times = [0.0, 4.25, 12.6].map(words::milliseconds);
    assert_eq!(times, ["0", "4.2", "13"]);
}
