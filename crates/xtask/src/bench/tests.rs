//! What the table says.

use super::table::{Figure, markdown, median};

fn figure(value: f64) -> Figure {
    Figure {
        what: "idle memory",
        value,
        unit: "MB",
        limit: Some(16.0),
        upstream: "47 MiB",
        how: "RSS",
    }
}

#[test]
fn a_value_over_its_limit_is_marked() {
    let table = markdown(&[figure(15.96), figure(16.04), figure(16.0), figure(123.4)]);
    let rows: Vec<&str> = table.lines().skip(2).collect();
    assert_eq!(
        rows,
        [
            "| idle memory | 16.0 MB | 16 | 47 MiB | RSS |",
            "| idle memory | 16.0 MB **over** | 16 | 47 MiB | RSS |",
            "| idle memory | 16 MB | 16 | 47 MiB | RSS |",
            "| idle memory | 123 MB **over** | 16 | 47 MiB | RSS |",
        ]
    );
}

#[test]
fn the_median_is_not_moved_by_an_outlier() {
    assert_eq!(median(vec![3.0, 100.0, 1.0, 2.0, 2.5]), Some(2.5));
    assert_eq!(median(Vec::new()), None);
}
