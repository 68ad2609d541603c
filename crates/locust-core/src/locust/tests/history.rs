//! Numbers over time.

use super::*;

/// A steady 10 requests a second, told every three seconds; one of ten fails.
fn at(mut sample: Sample, second: u64) -> Sample {
    let told = second / 3 * 30;
    sample.users = second.min(20);
    sample.totals.requests = told;
    sample.totals.failures = told / 10;
    sample.current_p95_ms = Some(if second == 777 { 900.0 } else { 20.0 });
    sample
}

fn history(seconds: u64) -> History {
    let running = recorded("2.47.0-running.json");
    let mut history = History::default();
    for second in 0..seconds {
        history.observe(Duration::from_secs(second), &at(running.clone(), second));
    }
    history
}

#[test]
fn a_steady_load_is_a_steady_line() {
    let points = history(60).points();
    assert_eq!(points.len(), 60);
    for point in &points {
        assert!((point.requests_per_second - 10.0).abs() < 1e-9, "{point:?}");
        assert!((point.failures_per_second - 1.0).abs() < 1e-9, "{point:?}");
    }
    assert_eq!(points[7].users, 7);
}

/// The last reports come when the load is over: without them its last seconds
/// would look idle.
#[test]
fn the_last_seconds_count_what_is_told_later() {
    let running = recorded("2.47.0-running.json");
    let mut history = history(10);
    for second in 10..14 {
        history.observe(Duration::from_secs(second), &at(running.clone(), 9));
    }
    for late in [9, 12, 15] {
        history.observe_end(Duration::from_secs(15), &at(running.clone(), late));
    }
    let points = history.points();
    assert_eq!(points.len(), 14);
    for point in &points[12..] {
        assert!((point.requests_per_second - 10.0).abs() < 1e-9, "{point:?}");
    }
}

#[test]
fn a_day_takes_no_more_points_and_hides_no_peak() {
    let points = history(86_400).points();
    assert!((120..=240).contains(&points.len()), "{}", points.len());
    let is_ordered = points.windows(2).all(|pair| pair[0].at < pair[1].at);
    assert!(is_ordered);
    let last = points.last().unwrap();
    assert!(last.at > Duration::from_secs(86_400 - 1_000), "{last:?}");
    let peaks = points.iter().filter(|point| point.p95_ms == Some(900.0));
    assert_eq!(peaks.count(), 1);
    for point in &points {
        assert!((point.requests_per_second - 10.0).abs() < 0.5, "{point:?}");
    }
}

#[test]
fn a_count_that_begins_anew_begins_the_history_anew() {
    let mut history = history(60);
    let anew = at(recorded("2.47.0-running.json"), 3);
    history.observe(Duration::from_secs(60), &anew);
    let points = history.points();
    assert_eq!(points.len(), 1);
    assert_eq!(points[0].requests_per_second, 0.0);
}
