//! The texts of a view, as a person reads them.

use locust_core::locust::{RunPhase, Sample};
use locust_core::thresholds::{Judge, RunTime};

use super::*;

fn sample() -> Sample {
    let body = r#"{"state": "running", "user_count": 18,
        "current_response_time_percentiles": {"response_time_percentile_0.95": 47},
        "workers": [{"state": "running"}, {"state": "missing"}],
        "stats": [{"name": "Aggregated", "num_requests": 12345, "num_failures": 64,
            "current_rps": 110.46, "current_fail_per_sec": 10.5}]}"#;
    Sample::parse(body.as_bytes()).unwrap()
}

fn frame(phase: RunPhase) -> Frame {
    Frame {
        phase,
        sample: Some(sample()),
        rate: Some(110.46),
        elapsed: Duration::from_secs(12),
        load: Some((Duration::from_millis(9_900), Duration::from_secs(90))),
        wanted_users: Some(20),
        expected_workers: 2,
        is_stopping: false,
        thresholds: Vec::new(),
    }
}

#[test]
fn plain_lines_say_what_the_live_view_says() {
    let mut interrupted = frame(RunPhase::Running);
    interrupted.is_stopping = true;
    interrupted.load = None;
    let mut nothing_yet = frame(RunPhase::Starting);
    nothing_yet.sample = None;
    let mut no_rate_yet = frame(RunPhase::Running);
    no_rate_yet.rate = None;
    let mut long = frame(RunPhase::Running);
    long.elapsed = Duration::from_secs(3_725);
    long.load = Some((Duration::from_secs(3_720), Duration::from_secs(7_200)));
    long.wanted_users = None;
    let frames = [
        nothing_yet,
        frame(RunPhase::Starting),
        no_rate_yet,
        frame(RunPhase::Running),
        long,
        interrupted,
        frame(RunPhase::Ending),
        frame(RunPhase::AllWorkersLost),
    ];
    let plain: Vec<String> = frames.iter().map(Frame::plain_line).collect();
    insta::assert_snapshot!("plain", plain.join("\n"));
    let live: Vec<String> = frames
        .iter()
        .map(|frame| format!("{}\n  {}", frame.headline(), frame.numbers()))
        .collect();
    insta::assert_snapshot!("live", live.join("\n"));
}

#[test]
fn thresholds_are_shown_with_their_margins_once_there_is_load() {
    let thresholds: Vec<locust_api::latest::Threshold> =
        serde_json::from_value(serde_json::json!([
            { "metric": "failRatio", "max": "1%" },
            { "metric": "failRatio", "max": "0.1%" },
            { "metric": "requests", "max": "100", "abort": true },
            { "metric": "p95", "endpoint": "GET /cart", "max": "500ms" },
        ]))
        .unwrap();
    let mut judge = Judge::new(&thresholds);
    let time = RunTime {
        phase: RunPhase::Running,
        load: Duration::from_secs(9),
        lately: 110.0,
    };
    judge.observe(time, &sample());
    let mut running = frame(RunPhase::Running);
    running.thresholds = judge.readings(false);
    insta::assert_snapshot!("margins-live", message(&running));
    insta::assert_snapshot!("margins-plain", running.plain_line());
    running.phase = RunPhase::Starting;
    assert_eq!(running.margins(), [""; 0]);
}

#[test]
fn the_live_styles_are_valid() {
    for template_has_bar in [false, true] {
        let bar = ProgressBar::hidden();
        bar.set_style(live_style(template_has_bar));
    }
}
