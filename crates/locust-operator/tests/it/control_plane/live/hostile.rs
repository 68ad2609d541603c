//! Masters that say what no Locust would say.

use anyhow::{Result, ensure};
use futures::future::try_join_all;
use locust_api::latest::LocustState;
use serde_json::{Value, json};

use super::{Run, Stage, is_at};
use crate::master::{Answer, Master, statistics};
use crate::tests_of::{condition, until};

/// What the whole status may be.
const STATUS_BYTES: usize = 8 * 1024;
/// What the operator may grow by.
const GROWTH_KB: u64 = 2 * 1024;

/// What it is, the answer, and the beginning of what is told.
type Evil = (&'static str, Answer, &'static str);

/// Answers that are no statistics, and what the condition says of them.
fn evil(other: &Master) -> Vec<Evil> {
    let to = |location: &str| Answer::with("302 Found", &format!("location: {location}\r\n"), "");
    let elsewhere = format!("http://{}:8089/stats/requests", other.address());
    let megabyte = "x".repeat(1 << 20);
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    vec![
        ("a login", to("/login?next=stats"), "False/AuthRequired"),
        (
            "a login without a session",
            Answer::text("Locust auth exception: The session is unavailable"),
            "False/AuthRequired",
        ),
        ("a redirect", to(&elsewhere), "False/NotJSON"),
        (
            "an error",
            Answer::with("500 Oh", "", "{}"),
            "False/NotJSON",
        ),
        ("a page", Answer::text("<!doctype html>"), "False/NotJSON"),
        (
            "ten gigabytes",
            Answer::of_length("HTTP/1.1 200 OK\r\ncontent-length: 10000000000\r\n\r\n"),
            "False/NotJSON",
        ),
        (
            "no end",
            Answer::Endless("HTTP/1.1 200 OK\r\n\r\n", b"[[[[[[[[[[[[[[[["),
            "False/NotJSON",
        ),
        (
            "a megabyte of depth",
            Answer::text(&"[".repeat(1 << 20)),
            "False/NotJSON",
        ),
        (
            "not a number",
            Answer::text(r#"{"state": "running", "user_count": NaN, "stats": []}"#),
            "False/NotJSON",
        ),
        (
            "a head without end",
            Answer::Endless("HTTP/1.1 200 OK\r\n", b"x-header: of no use\r\n"),
            "False/Unreachable",
        ),
        (
            "a bomb",
            Answer::with("200 OK", "content-encoding: gzip\r\n", &megabyte),
            "False/NotJSON",
        ),
        (
            "less than declared",
            Answer::Bytes(format!("{head}content-length: 99\r\n\r\n{{").into_bytes()),
            "False/Unreachable",
        ),
        ("a byte a second", Answer::Slow, "False/Unreachable"),
        (
            "no HTTP",
            Answer::Bytes(b"5557\0\0".to_vec()),
            "False/Unreachable",
        ),
    ]
}

/// Statistics as they must be, in which all else is as it must not be.
fn evil_numbers() -> Value {
    let mut answer = statistics("odd", "running", [7, 70, 3]);
    let name = "\u{1b}[31m\u{0}\u{202e}<script>".repeat(5_000);
    let row =
        json!({ "name": name, "method": name, "num_requests": 5, "avg_response_time": 1e300 });
    answer["stats"] = json!([row, row, answer["stats"][0]]);
    answer["errors"] = json!([{ "name": name, "error": name, "occurrences": 1e300 }]);
    answer["current_rps"] = json!("NaN");
    answer["stats"][2]["max_response_time"] = json!(1e308);
    answer["stats"][2]["current_rps"] = json!(-5);
    answer["total"] = json!(name);
    answer
}

async fn harmless_case(stage: &Stage, name: &str, evil: Evil) -> Result<()> {
    let (what, answer, expected) = evil;
    let run = stage.run(name).await?;
    run.says("running", [5, 50, 0]);
    let is_told = |test: &_| is_at(test, LocustState::Running, 50);
    run.until("its numbers", is_told).await?;
    run.master.says(answer);
    let told = run
        .until(&format!("{expected} of {what}"), |test| {
            condition(test, "StatsAvailable").starts_with(expected)
        })
        .await?;
    println!("{what}: {}", condition(&told, "StatsAvailable"));
    ensure!(is_told(&told), "{what}: {told:#?}");
    Ok(())
}

#[tokio::test]
async fn what_no_locust_says_harms_neither_the_test_nor_the_operator() -> Result<()> {
    let stage = Stage::set("hostile", "hostile").await?;
    let other = Master::listen(&stage.world.control_plane)?;
    let odd = stage.run("odd").await?;
    odd.says("running", [5, 50, 0]);
    odd.until("its numbers", |test| is_at(test, LocustState::Running, 50))
        .await?;
    let cases = evil(&other);
    let names: Vec<String> = (0..cases.len())
        .map(|case| format!("evil-{case}"))
        .collect();
    let harmless = names.iter().zip(cases);
    try_join_all(harmless.map(|(name, evil)| harmless_case(&stage, name, evil))).await?;

    odd.master.says(Answer::json(&evil_numbers()));
    let told = odd
        .until("the numbers of it", |test| {
            is_at(test, LocustState::Running, 70)
        })
        .await?;
    let status = serde_json::to_string(&told.status)?;
    ensure!(status.len() <= STATUS_BYTES, "{} bytes", status.len());
    ensure!(!status.contains("script"), "{status}");
    assert_eq!(other.asked(), Vec::<String>::new(), "nobody else is asked");

    // All of them go on as they are.
    let before = stage.operator.resident_kb()?;
    let asked = |run: &Run<'_>| run.master.asked().len();
    let polls = asked(&odd) + 4;
    until("further polls", async || {
        Ok((asked(&odd) >= polls).then_some(()))
    })
    .await?;
    let after = stage.operator.resident_kb()?;
    println!("{before} kB, then {after} kB");
    ensure!(after <= before + GROWTH_KB, "{before} kB, then {after} kB");
    Ok(())
}
