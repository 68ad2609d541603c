//! The verdict for every kind of end, with and without numbers.

use super::*;
use crate::locust::RunPhase;
use crate::locust::generator::{Shortfall, Strain};

/// A run of which everything is known, and all is well.
fn good() -> Facts {
    Facts {
        requests: Some(40),
        are_final: true,
        ..Facts::default()
    }
}

fn with_thresholds(reason: Reason, message: &str) -> Facts {
    Facts {
        has_thresholds: true,
        thresholds: Some((reason, message.to_owned())),
        ..good()
    }
}

fn exit_1() -> End {
    End {
        exit: Some(1),
        ..End::by(FailureReason::RequestFailures, "container exited with 1")
    }
}

/// The cause, the verdict and what is said of it.
fn said(facts: &Facts, end: End) -> (&'static str, Verdict, String) {
    let Judgement {
        end,
        verdict,
        reason,
    } = judge(facts, end);
    let cause = end.cause.map_or("", Cause::as_str);
    (cause, verdict, reason)
}

fn expect(facts: &Facts, end: End, cause: &str, verdict: Verdict, reason: &str) {
    assert_eq!(said(facts, end), (cause, verdict, reason.to_owned()));
}

const PASSED: Verdict = Verdict::Passed;
const FAILED: Verdict = Verdict::Failed;
const INCONCLUSIVE: Verdict = Verdict::Inconclusive;

#[test]
fn a_master_that_ends_with_0_passes_when_requests_were_made() {
    let with = |failures| Facts { failures, ..good() };
    expect(
        &with(0),
        End::default(),
        "",
        PASSED,
        "Locust ended with exit code 0: of 40 requests none failed; there are no thresholds",
    );
    expect(
        &with(3),
        End::default(),
        "",
        PASSED,
        "Locust ended with exit code 0: of 40 requests 3 failed, which its arguments or the locustfile allow; there are no thresholds",
    );
}

#[test]
fn an_exit_code_of_0_is_seen_through() {
    let none = Facts {
        requests: Some(0),
        ..good()
    };
    let words = "not one request was made";
    expect(&none, End::default(), "NoRequests", FAILED, words);
    let lost = Facts {
        all_workers_lost: true,
        unhealthy: Some("all workers were lost under load".to_owned()),
        ..good()
    };
    let words = "all workers were lost under load, which Locust does not count as an error";
    expect(&lost, End::default(), "WorkersLost", FAILED, words);
    let early = |seconds| Facts {
        left: Some(SignedDuration::from_secs(seconds)),
        ..good()
    };
    let words = "the master was ended 6 s before the end of its run time";
    expect(&early(6), End::default(), "MasterLost", FAILED, words);
    assert_eq!(said(&early(5), End::default()).1, PASSED);
    assert_eq!(said(&early(-60), End::default()).1, PASSED);
}

#[test]
fn what_is_not_known_is_not_called_good() {
    let unheard = Facts::default();
    let words = "Locust ended with exit code 0, and whether it made any request is not known: it could not be asked at the end";
    expect(&unheard, End::default(), "", INCONCLUSIVE, words);
    let lossy = Facts {
        unhealthy: Some("1 worker was lost under load".to_owned()),
        ..good()
    };
    let words = "1 worker was lost under load";
    expect(&lossy, End::default(), "", INCONCLUSIVE, words);
    // Requests of before the end, of which none is known yet.
    let not_final = Facts {
        requests: Some(0),
        ..Facts::default()
    };
    assert_eq!(said(&not_final, End::default()).1, INCONCLUSIVE);
}

#[test]
fn an_exit_code_of_1_is_explained_by_the_numbers() {
    let failing = Facts {
        failures: 7,
        top_error: Some(often(5, "GET", "/pay", "503")),
        ..good()
    };
    let words = "7 of 40 requests failed, 5 of them GET /pay: 503";
    expect(&failing, exit_1(), "RequestFailures", FAILED, words);
    let raised = "container exited with 1";
    expect(&good(), exit_1(), "LocustfileError", FAILED, raised);
    let unheard = Facts::default();
    expect(&unheard, exit_1(), "RequestFailures", FAILED, raised);
}

#[test]
fn thresholds_judge_the_requests_in_locusts_place() {
    let failing = |reason, message: &str| Facts {
        failures: 7,
        ..with_thresholds(reason, message)
    };
    let met = failing(Reason::AllMet, "the threshold is met");
    expect(&met, exit_1(), "", PASSED, "the threshold is met");
    for reason in [Reason::ThresholdBreached, Reason::NotMetSoFar] {
        let words = "p95 is 900ms, more than 500ms";
        let breached = failing(reason, words);
        expect(&breached, exit_1(), "ThresholdBreached", FAILED, words);
        expect(
            &breached,
            End::default(),
            "ThresholdBreached",
            FAILED,
            words,
        );
    }
    let nothing = with_thresholds(Reason::NothingToCompare, "there was no request to /a");
    let words = "there was no request to /a";
    expect(&nothing, End::default(), "", INCONCLUSIVE, words);
}

#[test]
fn thresholds_do_not_excuse_what_is_not_about_requests() {
    let met = with_thresholds(Reason::AllMet, "the threshold is met");
    // Exceptions of the locustfile: no request failed.
    assert_eq!(said(&met, exit_1()).0, "LocustfileError");
    let killed = End::by(FailureReason::MasterLost, "the master was lost");
    expect(&met, killed, "MasterLost", FAILED, "the master was lost");
    let oom = End {
        cause: Some(Cause::Pods(Reason::OOMKilled)),
        detail: "out of memory".to_owned(),
        ..End::default()
    };
    expect(&met, oom, "OOMKilled", FAILED, "out of memory");
}

#[test]
fn thresholds_that_were_not_judged_to_the_end_are_not_met() {
    let unheard = Facts {
        has_thresholds: true,
        ..good()
    };
    let words = "the thresholds could not be judged: Locust could not be asked";
    expect(&unheard, End::default(), "", INCONCLUSIVE, words);
    let partial = Facts {
        are_final: false,
        ..with_thresholds(Reason::AllMet, "all 2 thresholds are met so far")
    };
    let words = "all 2 thresholds are met so far, but the master ended before its numbers were final: raise spec.master.autoquit.timeout to 10 s";
    expect(&partial, End::default(), "", INCONCLUSIVE, words);
}

#[test]
fn an_end_by_a_person_says_nothing_about_the_system_under_test() {
    for (reason, verdict) in [
        (FailureReason::Stopped, INCONCLUSIVE),
        (FailureReason::JobDeleted, INCONCLUSIVE),
        (FailureReason::ResultUnknown, INCONCLUSIVE),
        (FailureReason::DeadlineExceeded, FAILED),
    ] {
        let end = End::by(reason, "it is over");
        expect(&good(), end, reason.as_str(), verdict, "it is over");
    }
}

fn made() -> Making {
    Making {
        workers: 4,
        wanted_workers: Some(4),
        lost_workers: 0,
        strain: Strain::default(),
    }
}

#[test]
fn a_load_is_as_asked_for_until_something_was_missing_or_too_much() {
    assert_eq!(made().unhealthy(RunPhase::Running), None);
    let said = |making: Making| making.unhealthy(RunPhase::Running).unwrap();
    for (lost, words) in [(1, "1 worker was lost"), (2, "2 workers were lost")] {
        let (reason, message) = said(Making {
            lost_workers: lost,
            ..made()
        });
        assert_eq!(reason, Reason::WorkersLost);
        assert!(message.starts_with(words), "{message}");
    }
    let strained = Strain {
        saturated_workers: 2,
        users: None,
    };
    let (reason, message) = said(Making {
        strain: strained,
        ..made()
    });
    assert_eq!(reason, Reason::WorkersSaturated);
    assert!(message.starts_with("2 workers used more"), "{message}");
    let short = Strain {
        users: Some(Shortfall {
            most: 80,
            wanted: 100,
        }),
        ..Strain::default()
    };
    let (reason, message) = said(Making {
        strain: short,
        ..made()
    });
    assert_eq!(reason, Reason::UsersMissing);
    assert_eq!(message, "80 of 100 users were at work at most");
    let (reason, message) = said(Making {
        workers: 3,
        ..made()
    });
    assert_eq!(reason, Reason::WorkersMissing);
    assert_eq!(message, "3 of 4 workers took part at most");
}

#[test]
fn workers_are_missing_only_from_a_load_that_needs_them() {
    let missing = Making {
        workers: 3,
        ..made()
    };
    let anyway = Making {
        wanted_workers: None,
        ..missing
    };
    // They are not listed by a master that is asked for the first time after
    // its load.
    let unseen = Making {
        workers: 0,
        ..missing
    };
    for (making, phase) in [
        (anyway, RunPhase::Running),
        (missing, RunPhase::Starting),
        (unseen, RunPhase::Running),
    ] {
        assert_eq!(making.unhealthy(phase), None, "{making:?}");
    }
}

#[test]
fn what_weighs_most_is_said() {
    let all = Making {
        workers: 3,
        lost_workers: 3,
        ..made()
    };
    let said = |phase| all.unhealthy(phase).unwrap().0;
    assert_eq!(said(RunPhase::AllWorkersLost), Reason::AllWorkersLost);
    assert_eq!(said(RunPhase::Ended), Reason::WorkersLost);
}
