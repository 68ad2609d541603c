//! What Locust is known to do, replayed step by step: what the status says at
//! each. The sequences were seen with real masters of several versions.

use std::path::Path;

use locust_core::locust::Sample;
use serde_json::json;

use super::*;

/// The parts of a status that a sequence is about, in one line.
fn digest(test: &LocustTest) -> String {
    let status = test.status.clone().unwrap_or_default();
    let reason = |type_| {
        let said = condition(test, type_);
        let word = said.split([':', '/']).nth(1).unwrap_or("-");
        word.to_owned()
    };
    let numbers = status.locust.map_or_else(String::new, |stats| {
        format!(
            "{:?} {} users {}-{} requests {}+{} workers",
            stats.state,
            stats.users,
            stats.requests,
            stats.failures,
            stats.workers_connected,
            stats.workers_missing
        )
    });
    let phase = status
        .phase
        .map_or_else(String::new, |phase| format!("{phase:?}"));
    let failure = status.failure.map(|failure| failure.reason);
    format!(
        "{phase} | {numbers} | stats {} | generator {} | {}",
        reason("StatsAvailable"),
        reason("GeneratorHealthy"),
        failure.unwrap_or_default()
    )
}

/// One thing that a master says, and what the status then says.
struct Step(Value, &'static str);

/// Statistics with these workers: how many answer, and how many are missing.
fn says(test: &str, state: &str, numbers: [u32; 3], [connected, missing]: [u32; 2]) -> Value {
    let mut said = statistics(test, state, numbers);
    let worker = |id: u32| {
        let state = if id < connected { state } else { "missing" };
        json!({ "id": format!("{test}-worker-{id}_0f"), "state": state })
    };
    said["workers"] = (0..connected + missing).map(worker).collect();
    said
}

impl Run<'_> {
    async fn replays(&self, steps: &[Step]) -> Result<()> {
        for Step(said, expected) in steps {
            self.master.says(Answer::json(said));
            let seen = std::sync::Mutex::new(String::new());
            let shows = |test: &LocustTest| {
                let now = digest(test);
                let holds = now == *expected;
                if let Ok(mut seen) = seen.lock() {
                    *seen = now;
                }
                holds
            };
            let shown = self.until(expected, shows).await;
            shown.with_context(|| format!("{} last showed {seen:?}", self.name))?;
        }
        Ok(())
    }
}

/// The answers of a real master of one version, for the workers of a test.
fn recorded(version: &str, moment: &str, test: &str) -> Result<Value> {
    let file = format!("../locust-core/test_data/locust/{version}-{moment}.json");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    Ok(serde_json::from_str(
        &text.replace("\"vm_", &format!("\"{test}-worker-0_")),
    )?)
}

/// All versions say the same in different words.
async fn a_master_of(stage: &Stage, version: &str) -> Result<()> {
    let name = format!("v{}", version.replace('.', "-"));
    let run = stage.run(&name).await?;
    for moment in ["ready", "running", "stopped"] {
        let answer = recorded(version, moment, &name)?;
        let sample = Sample::parse(answer.to_string().as_bytes()).ok();
        let sample = sample.with_context(|| format!("{version} {moment}"))?;
        run.master.says(Answer::json(&answer));
        run.until(&format!("what {version} says when {moment}"), |test| {
            numbers(test).is_some_and(|stats| {
                stats.state == sample.state
                    && u64::try_from(stats.requests) == Ok(sample.totals.requests)
                    && u64::try_from(stats.failures) == Ok(sample.totals.failures)
                    && u64::try_from(stats.users) == Ok(sample.users)
                    && u64::try_from(stats.workers_connected) == Ok(sample.workers.connected)
            })
        })
        .await?;
    }
    Ok(())
}

#[tokio::test]
async fn masters_of_four_versions_say_the_same() -> Result<()> {
    let stage = Stage::set("dialects", "dialects").await?;
    let versions = ["2.20.1", "2.31.8", "2.43.4", "2.47.0"];
    let masters = versions.map(|version| a_master_of(&stage, version));
    futures::future::try_join_all(masters).await?;
    Ok(())
}

/// Somebody changes the number of users, pauses, and goes on: it is one run.
async fn users_come_and_go(stage: &Stage) -> Result<()> {
    let run = stage.run("users").await?;
    let at = |users, requests| says("users", "running", [users, requests, 0], [2, 0]);
    run.replays(&[
        Step(at(10, 100), "Running | Running 10 users 100-0 requests 2+0 workers | stats Answering | generator - | "),
        Step(at(30, 300), "Running | Running 30 users 300-0 requests 2+0 workers | stats Answering | generator - | "),
        Step(at(0, 300), "Running | Running 0 users 300-0 requests 2+0 workers | stats Answering | generator - | "),
        Step(at(20, 420), "Running | Running 20 users 420-0 requests 2+0 workers | stats Answering | generator - | "),
    ])
    .await
}

/// One worker is killed and replaced. The master stays in `stopping` because of
/// the one that is missing, and its numbers are final all the same.
async fn a_worker_is_replaced(stage: &Stage) -> Result<()> {
    let run = stage.run("replaced").await?;
    let at =
        |state, users, requests, workers| says("replaced", state, [users, requests, 0], workers);
    run.replays(&[
        Step(at("running", 10, 100, [2, 0]), "Running | Running 10 users 100-0 requests 2+0 workers | stats Answering | generator - | "),
        Step(at("running", 10, 150, [1, 1]), "Running | Running 10 users 150-0 requests 1+1 workers | stats Answering | generator WorkersLost | "),
        Step(at("running", 10, 250, [2, 1]), "Running | Running 10 users 250-0 requests 2+1 workers | stats Answering | generator WorkersLost | "),
        Step(at("stopping", 0, 300, [2, 1]), "Running | Stopping 0 users 300-0 requests 2+1 workers | stats Answering | generator WorkersLost | "),
    ])
    .await?;
    let over = run
        .until("its results", |test| {
            let status = test.status.as_ref();
            status.is_some_and(|status| status.results.is_some())
        })
        .await?;
    let results = over
        .status
        .and_then(|status| status.results)
        .context("results")?;
    assert_eq!(
        results.completeness,
        locust_api::latest::Completeness::Complete
    );
    assert_eq!((results.workers, results.workers_lost), (2, 1));
    Ok(())
}

/// All workers die. Locust itself idles, and would end with exit code 0.
async fn all_workers_die(stage: &Stage) -> Result<()> {
    let run = stage.run("dead").await?;
    let at = |state, users, workers| says("dead", state, [users, 100, 0], workers);
    run.replays(&[
        Step(at("running", 10, [2, 0]), "Running | Running 10 users 100-0 requests 2+0 workers | stats Answering | generator - | "),
        Step(at("stopped", 0, [0, 2]), "Failed | Stopped 0 users 100-0 requests 0+2 workers | stats Answering | generator AllWorkersLost | WorkersLost"),
    ])
    .await
}

/// Somebody stops the load in Locust's own UI: the master would stay for ever.
async fn a_person_stops_it(stage: &Stage) -> Result<()> {
    let mut test = locust_test("by-hand", 2);
    test["spec"]["master"]["autoquit"] = json!({ "enabled": true, "timeout": 1 });
    let run = stage.run_of("by-hand", test).await?;
    let at = |state, users| says("by-hand", state, [users, 100, 0], [2, 0]);
    run.replays(&[
        Step(at("running", 10), "Running | Running 10 users 100-0 requests 2+0 workers | stats Answering | generator - | "),
        Step(at("stopped", 0), "Failed | Stopped 0 users 100-0 requests 2+0 workers | stats Answering | generator - | Stopped"),
    ])
    .await
}

/// Behind the address is another master: of another test, or the same anew.
async fn somebody_else_answers(stage: &Stage) -> Result<()> {
    let run = stage.run("address").await?;
    let own = says("address", "running", [10, 100, 0], [2, 0]);
    let kept =
        "Running | Running 10 users 100-0 requests 2+0 workers | stats Answering | generator - | ";
    let unheard = "Running | Running 10 users 100-0 requests 2+0 workers | stats Unreachable | generator - | ";
    run.replays(&[
        Step(own.clone(), kept),
        Step(says("other", "running", [99, 9999, 999], [2, 0]), unheard),
        Step(own.clone(), kept),
        Step(says("address", "ready", [0, 0, 0], [2, 0]), unheard),
        Step(own, kept),
    ])
    .await
}

/// The API is below a path, and nothing else is asked.
async fn below_a_path(stage: &Stage) -> Result<()> {
    let mut test = locust_test("path", 2);
    test["spec"]["master"]["extraArgs"] = json!(["--web-base-path", "/locust"]);
    let run = stage.run_of("path", test).await?;
    let running = says("path", "running", [10, 100, 0], [2, 0]);
    run.replays(&[Step(
        running,
        "Running | Running 10 users 100-0 requests 2+0 workers | stats Answering | generator - | ",
    )])
    .await?;
    for head in run.master.asked() {
        assert!(head.starts_with("GET /locust/"), "{head}");
    }
    Ok(())
}

/// There is no API to ask, and nobody asks it.
async fn without_an_api(stage: &Stage) -> Result<()> {
    let mut test = locust_test("headless", 2);
    test["spec"]["master"]["extraArgs"] = json!(["--headless"]);
    let run = stage.run_of("headless", test).await?;
    run.until("a run without numbers", |test| {
        digest(test) == "Running |  | stats Headless | generator - | "
    })
    .await?;
    run.put("worker", 2, "Succeeded").await?;
    run.put("master", 1, "Succeeded").await?;
    let over = stage
        .tests
        .wait_for("headless", &[Phase::Succeeded])
        .await?;
    let verdict = over.status.and_then(|status| status.verdict);
    assert_eq!(verdict, Some(Verdict::Inconclusive));
    assert_eq!(run.master.asked(), Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn what_locust_is_known_to_do_is_told_as_what_it_is() -> Result<()> {
    let stage = Stage::set("replays", "replays").await?;
    tokio::try_join!(
        users_come_and_go(&stage),
        a_worker_is_replaced(&stage),
        all_workers_die(&stage),
        a_person_stops_it(&stage),
        somebody_else_answers(&stage),
        below_a_path(&stage),
        without_an_api(&stage),
    )?;
    Ok(())
}
