//! What a real browser makes of the page: `judge.js` looks through its DOM, its
//! layout and its colours.
//!
//! The page itself allows no script, so it is shown in a frame of another one.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{HOSTILE, Html, hostile, page, run};

const JUDGE: &str = include_str!("judge.js");
const CHROMIUM: &str = "/usr/bin/chromium";
const MISSING: &str = "this test needs the browser Chromium; run `cargo xtask setup`, or as root `apt-get install --yes --no-install-recommends chromium`";

/// What the judge says of `page` in a window that is so wide.
fn judged(page: &str, width: u32, is_dark: bool) -> Value {
    assert!(Path::new(CHROMIUM).exists(), "{MISSING}");
    let directory = tempfile::tempdir().unwrap();
    let mut outer = Html::default();
    outer.raw("<!DOCTYPE html><meta charset=\"utf-8\"><iframe style=\"height: 900px; width: ");
    outer.text(width).raw("px\" srcdoc=\"").text(page);
    outer
        .raw("\"></iframe><pre id=\"said\"></pre><script>")
        .raw(JUDGE);
    outer.raw("</script>");
    let file = directory.path().join("outer.html");
    std::fs::write(&file, outer.into_string()).unwrap();
    let scheme = if is_dark { 0 } else { 1 };
    let output = Command::new(CHROMIUM)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
        ])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
        ])
        .arg("--host-resolver-rules=MAP * ~NOTFOUND")
        .arg(format!("--blink-settings=preferredColorScheme={scheme}"))
        .arg(format!(
            "--user-data-dir={}",
            directory.path().join("profile").display()
        ))
        .args(["--virtual-time-budget=5000", "--dump-dom"])
        .arg(format!("file://{}", file.display()))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let dom = String::from_utf8_lossy(&output.stdout);
    let said = dom
        .split_once("<pre id=\"said\">")
        .and_then(|(_, rest)| rest.split_once("</pre>"));
    let (said, _) = said.unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    // A script's text in an element comes back escaped.
    let said = said
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&nbsp;", "\u{a0}");
    serde_json::from_str(&said.replace("&amp;", "&"))
        .unwrap_or_else(|error| panic!("{error}: {said}"))
}

#[test]
fn a_browser_finds_the_page_whole_at_every_width_and_in_both_schemes() {
    let (document, history) = run();
    let page = page(&document, &history.points());
    for (width, is_dark) in [(1_200, false), (1_200, true), (360, false)] {
        let said = judged(&page, width, is_dark);
        assert_eq!(said["problems"], serde_json::json!([]), "{width} {is_dark}");
        assert_eq!(said["isDark"], is_dark);
        assert_eq!(said["verdict"], "FAILED");
        assert_eq!(
            said["headings"],
            serde_json::json!([
                "quickstart FAILED",
                "Thresholds",
                "All requests",
                "Over time",
                "Requests per second",
                "Response times in ms",
                "Failures per second",
                "Users",
                "Endpoints",
                "Errors",
            ])
        );
        let tables = said["tables"].as_object().unwrap();
        let rows = |caption: &str| tables[caption].as_u64();
        assert_eq!(rows("What the run had to keep to"), Some(3));
        let endpoints = u64::try_from(document.endpoints.len()).unwrap();
        assert_eq!(
            rows("Requests by method and name, times in ms"),
            Some(endpoints + 1)
        );
        assert_eq!(rows("Values over time"), Some(40));
        // Both lines of the response times have the gap.
        assert_eq!(said["strokes"], serde_json::json!([1, 2, 2, 1, 1]));
    }
}

#[test]
fn a_browser_finds_no_markup_in_what_users_wrote() {
    let said = judged(&page(&hostile(), &[]), 360, false);
    assert_eq!(said["problems"], serde_json::json!([]));
    let shown = HOSTILE.replace('\u{0}', "\u{fffd}");
    let title = said["title"].as_str().unwrap();
    assert_eq!(title, format!("{shown}: failed"));
    assert!(said["text"].as_str().unwrap().contains(&shown));
}
