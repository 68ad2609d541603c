//! What is said of a run of processes.

use locust_api::failure::FailureReason;

use super::*;
use crate::judgement::{Cause, Making};
use crate::thresholds::Standing;

fn outcome(phase: RunPhase, exit: Exit, requests: u64, failures: u64) -> Outcome<'static> {
    Outcome {
        exit,
        phase,
        ended: &Ended::Itself,
        totals: Some(Endpoint {
            requests,
            failures,
            ..Endpoint::default()
        }),
        exceptions: 0,
        errors: &[],
        making: made(0),
        standings: &[],
    }
}

fn made(lost_workers: u64) -> Making {
    Making {
        workers: 2,
        wanted_workers: Some(2),
        lost_workers,
        strain: Strain::default(),
    }
}

/// What is said of a test, and the exit code of the command that ran it.
fn judged(outcome: &Outcome<'_>) -> (String, u8) {
    let Conclusion { grade, reason, .. } = Conclusion::of(outcome);
    (format!("{}: {reason}", grade.as_str()), grade.exit_code())
}

#[test]
fn a_test_passes_only_with_exit_code_0_and_requests() {
    use Exit::{Code, Signal};
    use RunPhase::{AllWorkersLost, Ended, Running, Starting};
    let good = |failures: &str| {
        format!(
            "passed: Locust ended with exit code 0: of 9 requests {failures}; there are no thresholds"
        )
    };
    let cases = [
        (Ended, Code(0), 9, 0, "none", 0),
        (Running, Code(0), 9, 0, "none", 0),
        // The locustfile or `--exit-code-on-error 0` says that this is good.
        (Ended, Code(0), 9, 1, "some", 0),
        (Ended, Code(1), 9, 2, "failed: 2 of 9 requests failed", 1),
        (
            Ended,
            Code(1),
            9,
            0,
            "failed: the locustfile raised exceptions",
            1,
        ),
        (Ended, Code(0), 0, 0, "failed: not one request was made", 1),
        (
            AllWorkersLost,
            Code(0),
            9,
            0,
            "failed: all workers were lost under load, which Locust does not count as an error",
            1,
        ),
        (
            AllWorkersLost,
            Signal(15),
            9,
            0,
            "failed: all workers were lost under load, which Locust does not count as an error",
            1,
        ),
        (
            Running,
            Signal(9),
            9,
            0,
            "failed: the master was killed by signal 9 during the load",
            1,
        ),
        (
            Ended,
            Signal(9),
            9,
            0,
            "failed: the master did not end after the load and was killed by signal 9",
            1,
        ),
        (
            Ended,
            Code(42),
            9,
            0,
            "failed: Locust ended with exit code 42, which the locustfile or its arguments chose",
            1,
        ),
        (
            Ended,
            Code(2),
            9,
            0,
            "failed: Locust ended with exit code 2: an error of its own",
            1,
        ),
        (
            Starting,
            Code(1),
            0,
            0,
            "not run: there was no load: the master ended with exit code 1",
            2,
        ),
        (
            Starting,
            Code(0),
            0,
            0,
            "not run: there was no load: the master ended with exit code 0",
            2,
        ),
    ];
    for (phase, exit, requests, failures, reason, code) in cases {
        let reason = match reason {
            "none" => good("none failed"),
            "some" => good("1 failed, which its arguments or the locustfile allow"),
            reason => reason.to_owned(),
        };
        let judged = judged(&outcome(phase, exit, requests, failures));
        assert_eq!(judged, (reason, code));
    }
}

#[test]
fn a_master_that_ends_before_its_time_fails_the_test_whatever_its_code() {
    let mut early = outcome(RunPhase::Running, Exit::Code(0), 9, 0);
    early.ended = &Ended::Early;
    let reason = "failed: the master ended with exit code 0 during the load";
    assert_eq!(judged(&early), (reason.to_owned(), 1));
}

#[test]
fn an_interrupted_test_has_neither_passed_nor_failed() {
    let mut interrupted = outcome(RunPhase::Ended, Exit::Code(1), 9, 2);
    interrupted.ended = &Ended::Interrupted;
    let reason = "interrupted: it was interrupted before its end";
    assert_eq!(judged(&interrupted), (reason.to_owned(), 130));
}

#[test]
fn exceptions_are_counted_by_kind() {
    let mut raised = outcome(RunPhase::Ended, Exit::Code(1), 9, 0);
    for (kinds, reason) in [
        (1, "failed: the locustfile raised an exception"),
        (3, "failed: the locustfile raised 3 kinds of exceptions"),
    ] {
        raised.exceptions = kinds;
        assert_eq!(judged(&raised), (reason.to_owned(), 1));
    }
}

#[test]
fn a_run_that_was_stopped_says_by_what() {
    let stop = |reason, message: &str| Ended::Stopped {
        reason,
        message: message.to_owned(),
    };
    let breach = stop(
        FailureReason::ThresholdBreached,
        "p95 is 90ms, more than 5ms",
    );
    let mut aborted = outcome(RunPhase::Ended, Exit::Code(1), 9, 2);
    aborted.ended = &breach;
    let words = "failed: p95 is 90ms, more than 5ms";
    assert_eq!(judged(&aborted), (words.to_owned(), 1));
    // Before its load a run can only be stopped by its deadline.
    let deadline = stop(FailureReason::DeadlineExceeded, "it took too long");
    let mut late = outcome(RunPhase::Starting, Exit::Signal(15), 0, 0);
    late.ended = &deadline;
    let words = "failed: it took too long";
    assert_eq!(judged(&late), (words.to_owned(), 1));
    let failure = Conclusion::of(&late).failure;
    assert_eq!(failure.map(Cause::as_str), Some("DeadlineExceeded"));
}

#[test]
fn a_run_of_processes_is_judged_by_its_thresholds_and_its_losses() {
    let breached = [Standing::Breached {
        words: "p95 is 90ms, more than 5ms".to_owned(),
        aborts: false,
    }];
    let with = |standings, exit, failures| Outcome {
        standings,
        ..outcome(RunPhase::Ended, Exit::Code(exit), 9, failures)
    };
    let words = "failed: p95 is 90ms, more than 5ms".to_owned();
    assert_eq!(judged(&with(&breached, 0, 0)), (words, 1));
    let met = "passed: the threshold is met".to_owned();
    assert_eq!(judged(&with(&[Standing::Met], 1, 2)), (met, 0));
    let lossy = Outcome {
        making: made(1),
        ..outcome(RunPhase::Ended, Exit::Code(0), 9, 0)
    };
    let (words, code) = judged(&lossy);
    assert!(
        words.starts_with("inconclusive: 1 worker was lost"),
        "{words}"
    );
    assert_eq!(code, 3);
}

#[test]
fn the_most_frequent_error_is_named() {
    let error = |name: &str, occurrences| ErrorRow {
        method: "GET".to_owned(),
        name: name.to_owned(),
        error: "503".to_owned(),
        occurrences,
    };
    let errors = [error("/a", 1), error("/b", 3), error("/c", 2)];
    let failing = Outcome {
        errors: &errors,
        ..outcome(RunPhase::Ended, Exit::Code(1), 9, 6)
    };
    let words = "failed: 6 of 9 requests failed, 3 of them GET /b: 503";
    assert_eq!(judged(&failing), (words.to_owned(), 1));
}

#[test]
fn of_several_tests_the_worst_exit_code_counts() {
    let order = [0, 3, 1, 2];
    for (index, milder) in order.iter().enumerate() {
        for graver in &order[index..] {
            assert_eq!(worse(*milder, *graver), *graver);
            assert_eq!(worse(*graver, *milder), *graver);
        }
    }
}
