//! The texts of a view, as a person reads them.

use locust_core::locust::{RunPhase, Sample};

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
        is_interrupted: false,
    }
}

#[test]
fn plain_lines_say_what_the_live_view_says() {
    let mut interrupted = frame(RunPhase::Running);
    interrupted.is_interrupted = true;
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
fn the_live_styles_are_valid() {
    for template_has_bar in [false, true] {
        let bar = ProgressBar::hidden();
        bar.set_style(live_style(template_has_bar));
    }
}
