//! The master's table of requests, `GET /stats/requests/csv`.
//!
//! At the end of a run it is the better source: never cached, not cut at 500
//! rows, and with the same columns in every version, where the JSON of Locust
//! 2.20 has no 95th percentile. Columns are found by their names.

use super::sample::Rarer;
use super::{Endpoint, ErrorRow};

/// Reads the table: one row per endpoint, the totals (`Aggregated`) last.
/// `None` when it is no such table.
pub fn parse_stats_csv(text: &str) -> Option<Vec<Endpoint>> {
    let mut records = records(text).into_iter();
    let header = records.next()?;
    let column = |name: &str| header.iter().position(|title| title == name);
    let (method, name) = (column("Type")?, column("Name")?);
    let (requests, failures) = (column("Request Count")?, column("Failure Count")?);
    let optional = |record: &[String], title: &str| -> Option<f64> {
        let field = record.get(column(title)?)?;
        field.parse().ok().filter(|number: &f64| number.is_finite())
    };
    records
        .map(|record| {
            let number = |title: &str| optional(&record, title);
            Some(Endpoint {
                method: record.get(method)?.clone(),
                name: record.get(name)?.clone(),
                requests: record.get(requests)?.parse().ok()?,
                failures: record.get(failures)?.parse().ok()?,
                median_ms: number("Median Response Time").unwrap_or_default(),
                p95_ms: number("95%"),
                p99_ms: number("99%"),
                rarer: Rarer {
                    p66_ms: number("66%"),
                    p75_ms: number("75%"),
                    p80_ms: number("80%"),
                    p90_ms: number("90%"),
                    p98_ms: number("98%"),
                },
                average_ms: number("Average Response Time").unwrap_or_default(),
                min_ms: number("Min Response Time").unwrap_or_default(),
                max_ms: number("Max Response Time").unwrap_or_default(),
                current_rps: 0.0,
                current_failures_per_second: 0.0,
                mean_rps: number("Requests/s"),
                average_bytes: number("Average Content Size").unwrap_or_default(),
            })
        })
        .collect()
}

/// Reads the table of failures: one row per kind of error. `None` when it is no
/// such table.
pub fn parse_failures_csv(text: &str) -> Option<Vec<ErrorRow>> {
    let mut records = records(text).into_iter();
    let header = records.next()?;
    let column = |name: &str| header.iter().position(|title| title == name);
    let (method, name) = (column("Method")?, column("Name")?);
    let (error, occurrences) = (column("Error")?, column("Occurrences")?);
    records
        .map(|record| {
            Some(ErrorRow {
                method: record.get(method)?.clone(),
                name: record.get(name)?.clone(),
                error: record.get(error)?.clone(),
                occurrences: record.get(occurrences)?.parse().ok()?,
            })
        })
        .collect()
}

/// How many rows a table has below its header.
pub fn count_rows(text: &str) -> usize {
    records(text).len().saturating_sub(1)
}

/// Splits into records and fields: fields may be quoted, and then hold commas,
/// line breaks and doubled quotes.
fn records(text: &str) -> Vec<Vec<String>> {
    let mut records = Vec::new();
    let mut record = Vec::new();
    let mut field = String::new();
    let mut is_quoted = false;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if is_quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => record.push(std::mem::take(&mut field)),
            '\r' if !is_quoted => {}
            '\n' if !is_quoted => {
                record.push(std::mem::take(&mut field));
                records.push(std::mem::take(&mut record));
            }
            _ => field.push(character),
        }
    }
    if !field.is_empty() || !record.is_empty() {
        record.push(field);
        records.push(record);
    }
    records
}
