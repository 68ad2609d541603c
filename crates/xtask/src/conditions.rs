//! `docs/book/reference/conditions.md`, made from the tables of condition types,
//! reasons and failures in `locust-api`.

use std::fmt::Write as _;

use anyhow::Result;
use locust_api::condition::{ConditionType, Reason};
use locust_api::failure::FailureReason;

pub(crate) const PAGE: &str = "docs/book/reference/conditions.md";

/// The page as the table makes it.
pub(crate) fn page() -> Result<String> {
    let mut page = String::from(INTRODUCTION);
    for type_ in ConditionType::ALL {
        writeln!(page, "\n## {}\n", type_.as_str())?;
        writeln!(page, "{}\n", type_.meaning().trim())?;
        writeln!(page, "| reason | means | what to do |\n|---|---|---|")?;
        for reason in Reason::ALL {
            if reason.types().contains(type_) {
                let meaning = reason.meaning().trim();
                writeln!(
                    page,
                    "| `{}` | {meaning} | {} |",
                    reason.as_str(),
                    reason.remedy()
                )?;
            }
        }
    }
    page.push_str(FAILURES);
    for reason in FailureReason::ALL {
        let meaning = reason.meaning().trim();
        let (word, remedy) = (reason.as_str(), reason.remedy());
        writeln!(page, "| `{word}` | {meaning} | {remedy} |")?;
    }
    Ok(page)
}

const FAILURES: &str = "
## What ends a run badly

`status.failure.reason` is one of these, or the reason of `PodsHealthy` above where trouble with pods ended the run.
`status.verdict` is then Failed, or Inconclusive where the end was not the test's own: `JobDeleted`, `ResultUnknown`.

| reason | means | what to do |
|---|---|---|
";

const INTRODUCTION: &str = "\
# Conditions and their reasons

<!-- Made from crates/locust-api/src/condition.rs and failure.rs by `make generate`. -->

All that can stand in `status.conditions` of a LocustTest.
The sets are closed: a type or reason that is not here is never written.

Trouble with pods is reported as soon as Kubernetes tells of it, and taken back when it is over.
It ends the test only if nothing but another spec can mend it, or if it lasts longer than the operator's `--pod-grace` (two minutes) before all workers were there.
If pods have several kinds of trouble, the reason is the one that stands first below; the message counts the pods that have it, names them and quotes Kubernetes about the first.
";
