//! `summary.html`: a run on one page, to be attached to a ticket.
//!
//! One file that asks for nothing: no script, no picture, no address. Its own
//! policy forbids them, in case that something ever got past [`html::Html`].
//!
//! | file | does |
//! |---|---|
//! | `html.rs` | keeps text from becoming markup |
//! | `tables.rs` | thresholds, endpoints, errors, values over time |
//! | `chart.rs` | lines over time |
//! | `words.rs` | numbers as people read them |

mod chart;
mod html;
mod tables;
#[cfg(test)]
mod tests;
mod words;

use locust_core::locust::history::Point;

use super::Document;
use chart::{Chart, Line};
use html::Html;
use locust_core::report::document::Numbers;
use words::{count, dash, failures, milliseconds, optional, rate};

const STYLE: &str = include_str!("style.css");

/// The page of a run, and of its numbers over time.
pub(super) fn page(document: &Document, points: &[Point]) -> String {
    let mut html = Html::default();
    html.raw("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    html.raw("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n");
    html.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    html.raw("<meta name=\"color-scheme\" content=\"light dark\">\n");
    html.wrap("<title>", &document.test, ": ");
    html.text(document.verdict).raw("</title>\n<style>\n");
    html.raw(STYLE).raw("</style>\n</head>\n<body>\n");
    html.piece(&header(document));
    html.raw("<main>\n");
    html.piece(&tables::thresholds(document));
    html.piece(&totals(document));
    html.piece(&over_time(points));
    html.piece(&tables::endpoints(document));
    html.piece(&tables::errors(document));
    html.raw("</main>\n");
    html.piece(&footer(document));
    html.raw("</body>\n</html>\n");
    html.into_string()
}

fn header(document: &Document) -> Html {
    let mut html = Html::default();
    let class = match document.verdict {
        "passed" => "passed",
        "failed" => "failed",
        _ => "open",
    };
    html.raw("<header>\n<h1>").text(&document.test);
    html.wrap(" <span class=\"verdict ", class, "\">");
    html.text(document.verdict.to_uppercase())
        .raw("</span></h1>\n<p class=\"reason\">");
    if let Some(failure) = document.failure {
        html.wrap("<strong>", failure, "</strong>: ");
    }
    html.text(&document.reason).raw("</p>\n");
    named(&mut html, "facts", facts(document));
    for warning in &document.warnings {
        html.wrap(
            "<p class=\"warning\"><strong>Warning:</strong> ",
            warning,
            "</p>\n",
        );
    }
    html.raw("</header>\n");
    html
}

fn facts(document: &Document) -> Vec<(&'static str, String)> {
    let workers = document.workers;
    let lost = match workers.lost {
        0 => String::new(),
        lost => format!(", {lost} lost"),
    };
    let most = match workers.most_connected == workers.expected {
        true => workers.expected.to_string(),
        false => format!("{} of {}", workers.most_connected, workers.expected),
    };
    let began = document
        .load_began_at
        .map(|at| ("Load began", words::moment(at)));
    let span = |seconds: f64| ("Load lasted", words::clock(seconds));
    let mut facts: Vec<_> = began.into_iter().collect();
    facts.extend(document.load_seconds.map(span));
    facts.push(("Workers", format!("{most}{lost}")));
    let version = document.locust_version.clone();
    facts.extend(version.map(|version| ("Locust", version)));
    facts
}

fn totals(document: &Document) -> Html {
    let mut html = Html::default();
    html.raw("<section>\n<h2>All requests</h2>\n");
    let Some(totals) = &document.totals else {
        html.raw("<p>No number could be read.</p>\n</section>\n");
        return html;
    };
    let Numbers {
        requests,
        failures: failed,
        fail_ratio,
        requests_per_second,
        average_ms,
        min_ms: _,
        median_ms,
        p95_ms,
        p99_ms,
        max_ms,
        average_response_bytes: _,
    } = totals;
    let in_ms = |text: String| match text == dash() {
        true => text,
        false => format!("{text} ms"),
    };
    let tiles = [
        ("Requests", count(*requests)),
        ("Failed", failures(*failed, *fail_ratio)),
        ("Requests/s", rate(*requests_per_second)),
        ("Mean", in_ms(milliseconds(*average_ms))),
        ("Median", in_ms(milliseconds(*median_ms))),
        ("p95", in_ms(optional(*p95_ms))),
        ("p99", in_ms(optional(*p99_ms))),
        ("Slowest", in_ms(milliseconds(*max_ms))),
    ];
    named(&mut html, "tiles", tiles);
    html.raw("</section>\n");
    html
}

/// Values with their names.
fn named(
    html: &mut Html,
    class: &'static str,
    values: impl IntoIterator<Item = (&'static str, String)>,
) {
    html.wrap("<dl class=\"", class, "\">\n");
    for (name, value) in values {
        html.wrap("<div><dt>", name, "</dt>")
            .wrap("<dd>", value, "</dd></div>\n");
    }
    html.raw("</dl>\n");
}

fn over_time(points: &[Point]) -> Html {
    let mut html = Html::default();
    html.raw("<section>\n<h2>Over time</h2>\n");
    if points.is_empty() {
        html.raw("<p>There was no load to be seen.</p>\n</section>\n");
        return html;
    }
    html.raw("<div class=\"charts\">\n");
    for chart in charts(points) {
        html.piece(&chart.figure());
    }
    html.raw("</div>\n");
    html.piece(&tables::over_time(points));
    html.raw("</section>\n");
    html
}

fn charts(points: &[Point]) -> [Chart; 4] {
    let line = |name, class, value: fn(&Point) -> Option<f64>| Line {
        name,
        class,
        values: points
            .iter()
            .map(|point| (point.at.as_secs_f64(), value(point)))
            .collect(),
    };
    // No test has more users than four thousand million.
    let users = |point: &Point| Some(f64::from(u32::try_from(point.users).unwrap_or(u32::MAX)));
    [
        Chart {
            title: "Requests per second",
            id: "requests",
            least_step: 0.0,
            lines: vec![line("requests/s", "a", |point| {
                Some(point.requests_per_second)
            })],
        },
        Chart {
            title: "Response times in ms",
            id: "times",
            least_step: 0.0,
            lines: vec![
                line("p95", "b", |point| point.p95_ms),
                line("median", "c", |point| point.p50_ms),
            ],
        },
        Chart {
            title: "Failures per second",
            id: "failures",
            least_step: 0.0,
            lines: vec![line("failures/s", "d", |point| {
                Some(point.failures_per_second)
            })],
        },
        Chart {
            title: "Users",
            id: "users",
            least_step: 1.0,
            lines: vec![line("users", "c", users)],
        },
    ]
}

fn footer(document: &Document) -> Html {
    let mut html = Html::default();
    html.raw("<footer><p>Rates over time are means of six seconds; response times over time are of the last ten seconds, as Locust says them. ");
    html.raw("All numbers are in results.json and in Locust's own report.html, beside this file.");
    if let Some(at) = document.load_ended_at {
        html.wrap(" The load ended at ", words::moment(at), ".");
    }
    html.raw("</p></footer>\n");
    html
}
