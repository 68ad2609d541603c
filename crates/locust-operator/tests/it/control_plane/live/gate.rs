//! Workers that are not all connected in time, by a master that a script plays.

use locust_api::latest::Verdict;
use nix::sys::signal::Signal;
use serde_json::json;

use super::*;

/// A test that waits for the second of its workers, which does not come.
async fn waiting<'a>(stage: &'a Stage, name: &str, policy: &str) -> Result<Run<'a>> {
    let mut test = locust_test(name, 2);
    test["spec"]["startDeadlineSeconds"] = json!(15);
    test["spec"]["startPolicy"] = json!(policy);
    let speak = |run: &Run<'_>| run.says_of_one_worker("ready", [0, 0, 0]);
    stage.run_with(name, test, 1, speak).await
}

impl Run<'_> {
    fn says_of_one_worker(&self, state: &str, numbers: [u32; 3]) {
        let mut statistics = statistics(&self.name, state, numbers);
        if let Some(workers) = statistics["workers"].as_array_mut() {
            workers.truncate(1);
        }
        self.master.says(Answer::json(&statistics));
    }

    fn swarms(&self) -> usize {
        let asked = self.master.asked();
        let swarms = |head: &&String| head.starts_with("POST /swarm HTTP/1.1\r\n");
        asked.iter().filter(swarms).count()
    }
}

#[tokio::test]
async fn a_run_whose_workers_never_all_connect_fails_also_by_another_operator() -> Result<()> {
    let stage = Stage::set("gate", "gate").await?;
    let run = waiting(&stage, "never", "Fail").await?;
    run.until("its start", |test| {
        condition(test, "StatsAvailable").starts_with("True/")
    })
    .await?;
    stage.operator.signal(Signal::SIGKILL)?;
    let _next = stage.operator("gate")?;
    let over = run
        .until("its end", |test| {
            phase(test).is_some_and(Phase::is_terminal)
        })
        .await?;
    let status = over.status.as_ref().context("status")?;
    let failure = status.failure.as_ref().context("failure")?;
    assert_eq!(failure.reason, "WorkersNeverConnected");
    assert_eq!(
        failure.message,
        "1 of 2 workers were connected within spec.startDeadlineSeconds (15)"
    );
    assert_eq!(status.verdict, Some(Verdict::Failed));
    assert_eq!(run.swarms(), 0);
    stage.are_gone("never").await
}

#[tokio::test]
async fn a_master_is_told_to_start_without_the_workers_that_are_missing() -> Result<()> {
    let stage = Stage::set("anyway", "anyway").await?;
    let run = waiting(&stage, "anyway", "StartAnyway").await?;
    run.until("the others to be given up", |test| {
        condition(test, "WorkersConnected").starts_with("False/StartingWithoutAll")
    })
    .await?;
    super::until("the master to be told", async || {
        Ok((run.swarms() > 0).then_some(()))
    })
    .await?;
    run.says_of_one_worker("running", [30, 1000, 0]);
    let running = run
        .until("the load", |test| is_at(test, LocustState::Running, 1000))
        .await?;
    assert_eq!(phase(&running), Some(Phase::Running));
    assert_eq!(
        condition(&running, "WorkersConnected"),
        "False/WorkersMissing: 1/2 workers connected"
    );
    Ok(())
}
