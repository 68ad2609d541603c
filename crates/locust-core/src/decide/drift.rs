//! A run keeps the spec that it was begun with; an edit is only shown.

use locust_api::condition::{ConditionType, Reason};

use crate::observed::Observed;
use crate::status::{Draft, Truth, fingerprint};

pub(super) fn report(observed: &Observed, draft: &mut Draft) {
    let Some(run) = draft.run() else {
        return;
    };
    let is_edited = run.generation != observed.test.metadata.generation
        && run.spec_hash != Some(fingerprint(&observed.test.spec));
    match is_edited {
        true => draft.set(
            ConditionType::SpecDrifted,
            Truth::True,
            Reason::SpecChangeIgnored,
            "Spec changes after creation are ignored. Delete and recreate the CR to apply changes.",
        ),
        false => draft.clear(ConditionType::SpecDrifted),
    }
}
