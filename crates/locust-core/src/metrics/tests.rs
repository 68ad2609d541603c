//! The metrics of a run, held against those of the exporter that they stand in
//! for.

mod operator;

use super::*;
use crate::locust::Sample;

/// The names that locust_exporter 0.5.0 gives to Prometheus, by its `main.go`,
/// and their labels.
const EXPORTER: [(&str, &[&str]); 21] = [
    ("locust_up", &[]),
    ("locust_running", &[]),
    ("locust_users", &[]),
    ("locust_workers_count", &[]),
    ("locust_workers_running_count", &[]),
    ("locust_workers_hatching_count", &[]),
    ("locust_workers_missing_count", &[]),
    ("locust_requests_fail_ratio", &[]),
    ("locust_requests_current_response_time_percentile_50", &[]),
    ("locust_requests_current_response_time_percentile_95", &[]),
    ("locust_requests_num_requests", &["method", "name"]),
    ("locust_requests_num_failures", &["method", "name"]),
    ("locust_requests_avg_response_time", &["method", "name"]),
    ("locust_requests_min_response_time", &["method", "name"]),
    ("locust_requests_max_response_time", &["method", "name"]),
    ("locust_requests_median_response_time", &["method", "name"]),
    ("locust_requests_current_rps", &["method", "name"]),
    ("locust_requests_current_fail_per_sec", &["method", "name"]),
    ("locust_requests_avg_content_length", &["method", "name"]),
    ("locust_errors", &["method", "name", "error"]),
    ("locust_worker_detail", &["id", "state"]),
];

fn sample(state: &str, users: u64) -> Sample {
    let body = serde_json::json!({
        "state": state,
        "user_count": users,
        "current_response_time_percentiles": {
            "response_time_percentile_0.5": 12,
            "response_time_percentile_0.95": 34,
        },
        "stats": [
            { "method": "GET", "name": "/a", "num_requests": 6, "num_failures": 1,
              "avg_response_time": 2.5, "min_response_time": 1, "max_response_time": 9,
              "median_response_time": 3, "current_rps": 0.5, "current_fail_per_sec": 0.25,
              "avg_content_length": 77 },
            { "method": "", "name": "Aggregated", "num_requests": 8, "num_failures": 2,
              "current_rps": 1.5, "current_fail_per_sec": 0.75 },
        ],
        "errors": [{ "method": "GET", "name": "/a", "error": "code=404", "occurrences": 2 }],
        "workers": [
            { "id": "w-1", "state": "running", "user_count": 4 },
            { "id": "w-2", "state": "spawning", "user_count": 3 },
            { "id": "w-3", "state": "running", "user_count": 2 },
            { "id": "w-4", "state": "missing", "user_count": 0 },
        ],
    });
    Sample::parse(body.to_string().as_bytes()).unwrap()
}

fn all(sample: &Sample) -> Vec<Family> {
    let labels = Labels::new();
    let run = Run::of(sample, Detail::All);
    let told = Told {
        labels: &labels,
        run: Some(&run),
    };
    families("locust", &[told])
}

/// The lines of the text, without those that explain.
fn lines(families: &[Family]) -> Vec<String> {
    let text = written(families);
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(str::to_owned).collect()
}

fn value(sample: &Sample, series: &str) -> Option<f64> {
    let lines = lines(&all(sample));
    let mut values = lines.iter().filter_map(|line| line.strip_prefix(series));
    values.next()?.trim().parse().ok()
}

#[test]
fn names_types_and_labels_are_those_of_the_exporter() {
    let families = all(&sample("running", 9));
    let ours: Vec<(&str, Vec<&str>)> = families
        .iter()
        .map(|family| {
            let labels = family.series[0].labels.iter().map(|(name, _)| *name);
            (family.name.as_str(), labels.collect())
        })
        .collect();
    assert_eq!(ours, EXPORTER.map(|(name, labels)| (name, labels.to_vec())));
    assert!(families.iter().all(|family| family.kind == Kind::Gauge));
    let described: Vec<(String, Vec<&str>)> = described()
        .iter()
        .map(|one| (format!("locust_{}", one.name), one.labels.to_vec()))
        .collect();
    let exporters = EXPORTER.map(|(name, labels)| (name.to_owned(), labels.to_vec()));
    assert_eq!(described, exporters);
}

#[test]
fn each_value_is_where_its_name_says() {
    let text = lines(&all(&sample("running", 9))).join("\n");
    assert_eq!(
        text,
        r#"locust_up 1
locust_running 2
locust_users 9
locust_workers_count 3
locust_workers_running_count 2
locust_workers_hatching_count 1
locust_workers_missing_count 1
locust_requests_fail_ratio 0.25
locust_requests_current_response_time_percentile_50 12
locust_requests_current_response_time_percentile_95 34
locust_requests_num_requests{method="",name="Aggregated"} 8
locust_requests_num_requests{method="GET",name="/a"} 6
locust_requests_num_failures{method="",name="Aggregated"} 2
locust_requests_num_failures{method="GET",name="/a"} 1
locust_requests_avg_response_time{method="",name="Aggregated"} 0
locust_requests_avg_response_time{method="GET",name="/a"} 2.5
locust_requests_min_response_time{method="",name="Aggregated"} 0
locust_requests_min_response_time{method="GET",name="/a"} 1
locust_requests_max_response_time{method="",name="Aggregated"} 0
locust_requests_max_response_time{method="GET",name="/a"} 9
locust_requests_median_response_time{method="",name="Aggregated"} 0
locust_requests_median_response_time{method="GET",name="/a"} 3
locust_requests_current_rps{method="",name="Aggregated"} 1.5
locust_requests_current_rps{method="GET",name="/a"} 0.5
locust_requests_current_fail_per_sec{method="",name="Aggregated"} 0.75
locust_requests_current_fail_per_sec{method="GET",name="/a"} 0.25
locust_requests_avg_content_length{method="",name="Aggregated"} 0
locust_requests_avg_content_length{method="GET",name="/a"} 77
locust_errors{method="GET",name="/a",error="code=404"} 2
locust_worker_detail{id="w-1",state="running"} 4
locust_worker_detail{id="w-2",state="spawning"} 3
locust_worker_detail{id="w-3",state="running"} 2
locust_worker_detail{id="w-4",state="missing"} 0"#
    );
}

#[test]
fn a_load_that_starts_its_users_is_1_and_one_that_is_over_has_no_rates() {
    let spawning = sample("spawning", 3);
    assert_eq!(value(&spawning, "locust_running"), Some(1.0));
    let over = sample("stopped", 0);
    assert_eq!(value(&over, "locust_running"), Some(0.0));
    let total = r#"{method="",name="Aggregated"}"#;
    for name in ["current_rps", "current_fail_per_sec"] {
        let series = format!("locust_requests_{name}{total}");
        assert_eq!(value(&over, &series), Some(0.0), "{name}");
    }
    let requests = format!("locust_requests_num_requests{total}");
    assert_eq!(value(&over, &requests), Some(8.0));
}

#[test]
fn a_locust_that_does_not_answer_is_down_and_has_no_other_series() {
    let labels = vec![("test", "a".to_owned())];
    let told = Told {
        labels: &labels,
        run: None,
    };
    let families = families("other", &[told]);
    assert_eq!(lines(&families), [r#"other_up{test="a"} 0"#]);
}

#[test]
fn where_there_are_many_runs_each_has_its_labels_and_its_top_endpoints() {
    let mut first = sample("running", 1);
    let row = first.endpoints[0].clone();
    first.endpoints = (0..300)
        .map(|number| crate::locust::Endpoint {
            name: format!("/{number}"),
            requests: number,
            ..row.clone()
        })
        .collect();
    let runs = [first, sample("running", 2)].map(|sample| Run::of(&sample, Detail::Top));
    let labels = ["a", "b"].map(|name| vec![("test", name.to_owned())]);
    let told: Vec<Told<'_>> = runs
        .iter()
        .zip(&labels)
        .map(|(run, labels)| Told {
            labels,
            run: Some(run),
        })
        .collect();
    let text = lines(&families("locust", &told));
    let users: Vec<_> = text.iter().filter(|line| line.contains("_users")).collect();
    assert_eq!(
        users,
        [r#"locust_users{test="a"} 1"#, r#"locust_users{test="b"} 2"#]
    );
    let requests = "locust_requests_num_requests{test=\"a\"";
    let of_first = text.iter().filter(|line| line.starts_with(requests));
    assert_eq!(of_first.count(), 11, "ten, and all together");
    let most = r#"locust_requests_num_requests{test="a",method="GET",name="/299"} 299"#;
    assert!(text.iter().any(|line| line == most));
    assert!(!text.iter().any(|line| line.contains("name=\"/0\"")));
    let user_text = |line: &&String| line.contains("_errors") || line.contains("worker_detail");
    assert_eq!(text.iter().find(user_text), None);
}

#[test]
fn labels_stay_in_their_line_and_within_their_bound() {
    let mut sample = sample("running", 1);
    let row = sample.endpoints[0].clone();
    let named = |name: String, requests| crate::locust::Endpoint {
        name,
        requests,
        ..row.clone()
    };
    let evil = "a\"} 1\nlocust_up 0\r\u{1b}[31m\\";
    sample.endpoints = vec![
        named(evil.to_owned(), 3),
        named(format!("{}1", "é".repeat(200)), 1),
        named(format!("{}2", "é".repeat(200)), 2),
    ];
    let text = written(&all(&sample));
    let expected =
        r#"locust_requests_num_requests{method="GET",name="a\"} 1 locust_up 0  [31m\\"} 3"#;
    assert!(text.lines().any(|line| line == expected), "{text}");
    assert_eq!(text.matches("\nlocust_up ").count(), 1);
    // Both become the same, and the one with more requests is told of.
    let cut = format!(
        "locust_requests_num_requests{{method=\"GET\",name=\"{}\"}}",
        "é".repeat(128)
    );
    let cut: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix(&cut))
        .collect();
    assert_eq!(cut, [" 2"]);
}

#[test]
fn no_series_is_there_twice() {
    let mut sample = sample("running", 1);
    for _ in 0..2 {
        let (row, error) = (sample.endpoints[0].clone(), sample.errors[0].clone());
        sample.endpoints.push(row);
        sample.errors.push(error);
        let worker = sample.workers.each[0].clone();
        sample.workers.each.push(worker);
        let totals = crate::locust::Endpoint {
            requests: 1,
            ..sample.totals.clone()
        };
        sample.endpoints.push(totals);
    }
    let lines = lines(&all(&sample));
    let mut series: Vec<&str> = lines
        .iter()
        .map(|line| line.rsplit_once(' ').unwrap().0)
        .collect();
    series.sort_unstable();
    let before = series.len();
    series.dedup();
    assert_eq!(series.len(), before);
    let total = "locust_requests_num_requests{method=\"\",name=\"Aggregated\"}";
    assert_eq!(value(&sample, total), Some(8.0));
}

#[test]
fn a_prefix_is_one_that_prometheus_takes() {
    for good in ["locust", "_a", "my:load_1"] {
        assert!(is_prefix(good), "{good}");
    }
    for bad in ["", "1a", "a-b", "a b", "ä"] {
        assert!(!is_prefix(bad), "{bad}");
    }
}
