//! The status in two words for tools that know nothing of load tests: Helm,
//! Argo CD, Flux and `kubectl wait` take `Reconciling` for "wait" and `Stalled`
//! for "failed". Each is there only while it is true.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use locust_api::condition::{ConditionType, Reason};
use locust_api::latest::{LocustTestStatus, Phase};

/// Which of the two holds, if any, and the condition that says why.
pub(super) fn summary(status: &LocustTestStatus) -> Option<(ConditionType, &Condition)> {
    use ConditionType::{PodsHealthy, Ready, Reconciling, Stalled, TestCompleted};
    let said = |type_: ConditionType| {
        let mut conditions = status.conditions.iter().flatten();
        conditions.find(|condition| condition.type_ == type_.as_str())
    };
    match status.phase {
        Some(Phase::Failed) => return said(TestCompleted).map(|said| (Stalled, said)),
        Some(Phase::Succeeded) => return None,
        Some(Phase::Pending | Phase::Running) | None => {}
    }
    if let Some(ready) = said(Ready).filter(|ready| ready.status != "True") {
        let summary = match needs_a_person(&ready.reason) {
            true => Stalled,
            false => Reconciling,
        };
        return Some((summary, ready));
    }
    let awaits_person = said(TestCompleted)
        .is_some_and(|completed| completed.reason == Reason::WaitingForStart.as_str());
    match status.phase {
        Some(Phase::Pending) if !awaits_person => said(PodsHealthy).map(|said| (Reconciling, said)),
        _ => None,
    }
}

/// What stays as it is until somebody acts.
fn needs_a_person(reason: &str) -> bool {
    [Reason::NameConflict, Reason::NotAccepted, Reason::Refused]
        .iter()
        .any(|stuck| stuck.as_str() == reason)
}
