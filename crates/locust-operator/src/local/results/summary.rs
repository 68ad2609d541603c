//! The verdict and the tables for people.

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table};

use super::Document;
use locust_core::report::document::Numbers;

/// Kinds of errors that are shown; the files hold all.
const MAX_ERRORS: usize = 10;
/// Endpoints that are shown; the files hold all.
const MAX_ENDPOINTS: usize = 40;

/// The tables, then the verdict, where the eye is when a command has ended.
/// `width` is that of the terminal, if there is one.
pub fn summary(document: &Document, width: Option<u16>) -> String {
    let mut text = String::new();
    if let Some(totals) = document.totals.filter(|totals| totals.requests > 0) {
        text.push_str(&requests(document, &totals, width));
        text.push('\n');
    }
    if !document.errors.is_empty() {
        text.push_str(&errors(document, width));
        text.push('\n');
    }
    if !document.thresholds.is_empty() {
        text.push_str(&thresholds(document, width));
        text.push('\n');
    }
    for warning in &document.warnings {
        text.push_str(&format!("warning: {warning}\n"));
    }
    text.push_str(&verdict(document));
    text.push('\n');
    text
}

fn verdict(document: &Document) -> String {
    let (verdict, test) = (document.verdict.to_uppercase(), &document.test);
    let said = match &document.totals {
        Some(totals) if document.verdict == "passed" => {
            let Numbers {
                requests, failures, ..
            } = totals;
            let rate = optional(totals.requests_per_second, 1);
            let p95 = optional(totals.p95_ms, 0);
            format!("{requests} requests, {failures} failed, {rate} req/s, p95 {p95} ms")
        }
        Some(_) | None => document.reason.clone(),
    };
    let cause = document
        .failure
        .map_or_else(String::new, |cause| format!("{cause}: "));
    let load = document
        .load_seconds
        .map(|span| format!(" ({span:.0} s of load)"));
    format!(
        "{verdict}  {test}: {cause}{said}{}",
        load.unwrap_or_default()
    )
}

fn thresholds(document: &Document, width: Option<u16>) -> String {
    let mut table = table(width);
    table.set_header(["Threshold", "Value", "Limit", "Margin", ""]);
    for row in &document.thresholds {
        table.add_row([
            &*row.name,
            row.value.as_deref().unwrap_or("-"),
            &*row.limit,
            &*row.margin,
            row.state,
        ]);
    }
    lines(&table, 0, "thresholds")
}

fn requests(document: &Document, totals: &Numbers, width: Option<u16>) -> String {
    let mut table = table(width);
    table.set_header([
        "Method", "Name", "Requests", "Failures", "Median", "p95", "p99", "Max ms", "req/s",
    ]);
    for row in document.endpoints.iter().take(MAX_ENDPOINTS) {
        table.add_row(cells(&row.method, &row.name, &row.numbers));
    }
    table.add_row(cells("", "Aggregated", totals));
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let hidden = document.endpoints.len().saturating_sub(MAX_ENDPOINTS);
    lines(&table, hidden, "endpoints")
}

fn cells(method: &str, name: &str, numbers: &Numbers) -> Vec<Cell> {
    let failures = match numbers.failures {
        0 => "0".to_owned(),
        failures => format!("{failures} ({:.1} %)", numbers.fail_ratio * 100.0),
    };
    [
        method.to_owned(),
        name.to_owned(),
        numbers.requests.to_string(),
        failures,
        format!("{:.0}", numbers.median_ms),
        optional(numbers.p95_ms, 0),
        optional(numbers.p99_ms, 0),
        format!("{:.0}", numbers.max_ms),
        optional(numbers.requests_per_second, 1),
    ]
    .map(Cell::new)
    .into()
}

fn errors(document: &Document, width: Option<u16>) -> String {
    let mut table = table(width);
    table.set_header(["Failures", "Method", "Name", "Error"]);
    for row in document.errors.iter().take(MAX_ERRORS) {
        table.add_row([
            row.occurrences.to_string(),
            row.method.clone(),
            row.name.clone(),
            row.error.clone(),
        ]);
    }
    if let Some(column) = table.column_mut(0) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let hidden = document.errors.len().saturating_sub(MAX_ERRORS);
    lines(&table, hidden, "kinds of errors")
}

fn table(width: Option<u16>) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    if let Some(width) = width {
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(width);
    }
    table
}

fn lines(table: &Table, hidden: usize, of_what: &str) -> String {
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    if hidden > 0 {
        text.push_str(&format!(" and {hidden} more {of_what}, all in the files\n"));
    }
    text
}

fn optional(number: Option<f64>, decimals: usize) -> String {
    number.map_or_else(|| "-".to_owned(), |number| format!("{number:.decimals$}"))
}
