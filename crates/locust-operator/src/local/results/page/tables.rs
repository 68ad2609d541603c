//! The tables of the page.

use locust_core::locust::history::Point;

use Column::{Number, Text};

use super::html::Html;
use super::words::{clock, count, dash, failures, milliseconds, optional, rate};
use crate::local::results::Document;
use locust_core::report::document::Numbers;

/// Endpoints that are shown: as many as an answer of Locust has at most.
const MAX_ENDPOINTS: usize = 500;
/// Kinds of errors that are shown.
const MAX_ERRORS: usize = 100;

enum Column {
    Text(&'static str),
    Number(&'static str),
}

/// A table within a region that can be scrolled, also by keyboard.
fn begin(html: &mut Html, name: &'static str, columns: &[Column]) {
    html.wrap(
        "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"",
        name,
        "\">\n",
    );
    html.wrap("<table>\n<caption>", name, "</caption>\n<thead><tr>");
    for column in columns {
        match column {
            Text(title) => html.wrap("<th scope=\"col\">", title, "</th>"),
            Number(title) => html.wrap("<th scope=\"col\" class=\"number\">", title, "</th>"),
        };
    }
    html.raw("</tr></thead>\n<tbody>\n");
}

fn end(html: &mut Html) {
    html.raw("</tbody>\n</table>\n</div>\n");
}

fn more(html: &mut Html, all: usize, shown: usize, of_what: &'static str) {
    if let Some(hidden @ 1..) = all.checked_sub(shown) {
        html.wrap("<p>And ", hidden, " more ")
            .text(of_what)
            .raw(", all in results.json.</p>\n");
    }
}

pub(super) fn thresholds(document: &Document) -> Html {
    let mut html = Html::default();
    if document.thresholds.is_empty() {
        return html;
    }
    html.raw("<section>\n<h2>Thresholds</h2>\n");
    begin(
        &mut html,
        "What the run had to keep to",
        &[
            Text("Threshold"),
            Text("State"),
            Number("Value"),
            Text("Limit"),
            Text("Margin"),
        ],
    );
    for row in &document.thresholds {
        let class = match row.state {
            "met" => "good",
            "breached" | "not met" => "bad",
            _ => "open",
        };
        html.wrap("<tr><th scope=\"row\">", &row.name, "</th>");
        html.wrap("<td class=\"", class, "\">");
        html.text(row.state).raw("</td><td class=\"number\">");
        match &row.value {
            Some(value) => html.text(value),
            None => html.text(dash()),
        };
        html.wrap("</td><td>", &row.limit, "</td>");
        html.wrap("<td>", &row.margin, "</td></tr>\n");
    }
    end(&mut html);
    html.raw("</section>\n");
    html
}

pub(super) fn endpoints(document: &Document) -> Html {
    let mut html = Html::default();
    let Some(totals) = document.totals.filter(|totals| totals.requests > 0) else {
        return html;
    };
    html.raw("<section>\n<h2>Endpoints</h2>\n");
    begin(
        &mut html,
        "Requests by method and name, times in ms",
        &[
            Text("Method"),
            Text("Name"),
            Number("Requests"),
            Number("Failed"),
            Number("Mean"),
            Number("Min"),
            Number("Median"),
            Number("p95"),
            Number("p99"),
            Number("Max"),
            Number("Requests/s"),
            Number("Bytes"),
        ],
    );
    for row in document.endpoints.iter().take(MAX_ENDPOINTS) {
        html.wrap("<tr><td>", &row.method, "</td>");
        html.wrap("<th scope=\"row\">", &row.name, "</th>");
        numbers(&mut html, &row.numbers);
    }
    html.raw("</tbody>\n<tbody class=\"all\">\n<tr><td></td><th scope=\"row\">All</th>");
    numbers(&mut html, &totals);
    end(&mut html);
    more(
        &mut html,
        document.endpoints.len(),
        MAX_ENDPOINTS,
        "endpoints",
    );
    html.raw("</section>\n");
    html
}

fn numbers(html: &mut Html, numbers: &Numbers) {
    let Numbers {
        requests,
        failures: failed,
        fail_ratio,
        requests_per_second,
        average_ms,
        min_ms,
        median_ms,
        p95_ms,
        p99_ms,
        max_ms,
        average_response_bytes,
    } = *numbers;
    html.wrap("<td class=\"number\">", count(requests), "</td>");
    match failed {
        0 => html.raw("<td class=\"number\">"),
        _ => html.raw("<td class=\"number bad\">"),
    };
    html.text(failures(failed, fail_ratio)).raw("</td>");
    for cell in [
        milliseconds(average_ms),
        milliseconds(min_ms),
        milliseconds(median_ms),
        optional(p95_ms),
        optional(p99_ms),
        milliseconds(max_ms),
        rate(requests_per_second),
        format!("{average_response_bytes:.0}"),
    ] {
        html.wrap("<td class=\"number\">", cell, "</td>");
    }
    html.raw("</tr>\n");
}

pub(super) fn errors(document: &Document) -> Html {
    let mut html = Html::default();
    html.raw("<section>\n<h2>Errors</h2>\n");
    if document.errors.is_empty() {
        html.raw("<p>None.</p>\n</section>\n");
        return html;
    }
    begin(
        &mut html,
        "Failed requests by kind of error, the most frequent first",
        &[
            Number("Failures"),
            Text("Method"),
            Text("Name"),
            Text("Error"),
        ],
    );
    let mut rows: Vec<_> = document.errors.iter().collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.occurrences));
    for row in rows.into_iter().take(MAX_ERRORS) {
        html.wrap("<tr><td class=\"number\">", count(row.occurrences), "</td>");
        html.wrap("<td>", &row.method, "</td>");
        html.wrap("<th scope=\"row\">", &row.name, "</th>");
        html.wrap("<td class=\"said\">", &row.error, "</td></tr>\n");
    }
    end(&mut html);
    more(
        &mut html,
        document.errors.len(),
        MAX_ERRORS,
        "kinds of errors",
    );
    html.raw("</section>\n");
    html
}

/// What the charts show, for those who cannot see them or want the numbers.
pub(super) fn over_time(points: &[Point]) -> Html {
    let mut html = Html::default();
    html.raw("<details>\n<summary>The values of the charts</summary>\n");
    begin(
        &mut html,
        "Values over time",
        &[
            Text("Time"),
            Number("Users"),
            Number("Requests/s"),
            Number("Failures/s"),
            Number("Median ms"),
            Number("p95 ms"),
        ],
    );
    for point in points {
        let Point {
            at,
            users,
            requests_per_second,
            failures_per_second,
            p50_ms,
            p95_ms,
        } = *point;
        html.wrap("<tr><th scope=\"row\">", clock(at.as_secs_f64()), "</th>");
        for cell in [
            count(users),
            rate(Some(requests_per_second)),
            rate(Some(failures_per_second)),
            optional(p50_ms),
            optional(p95_ms),
        ] {
            html.wrap("<td class=\"number\">", cell, "</td>");
        }
        html.raw("</tr>\n");
    }
    end(&mut html);
    html.raw("</details>\n");
    html
}
