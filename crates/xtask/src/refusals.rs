//! `docs/book/reference/refusals.md`: what is refused, from the tables that
//! refuse it.

use std::fmt::Write as _;

use anyhow::Result;
use locust_api::condition::{ConditionType, Reason};
use locust_api::schema::{rules, values};

pub(crate) const PAGE: &str = "docs/book/reference/refusals.md";

/// The page as the tables make it.
pub(crate) fn page() -> Result<String> {
    let mut page = String::from(INTRODUCTION);
    writeln!(page, "| field | what is wrong, and what to do |\n|---|---|")?;
    for (field, says) in rules::in_words() {
        writeln!(page, "| `{field}` | {says} |")?;
    }
    page.push_str(VALUES);
    writeln!(page, "| field, by the end of its path | takes |\n|---|---|")?;
    for (end, takes) in values::in_words() {
        writeln!(page, "| `{end}` | {takes} |")?;
    }
    page.push_str(TOLD);
    writeln!(page, "| reason | means | what to do |\n|---|---|---|")?;
    for reason in Reason::ALL {
        if reason.types().contains(&ConditionType::Accepted) {
            let (meaning, remedy) = (reason.meaning().trim(), reason.remedy());
            writeln!(page, "| `{}` | {meaning} | {remedy} |", reason.as_str())?;
        }
    }
    page.push_str(REST);
    Ok(page)
}

const INTRODUCTION: &str = "\
# What is refused, and how to mend it

<!-- Made from crates/locust-api/src/schema and crates/locust-api/src/condition.rs by `make generate`. -->

A mistake in a LocustTest is told in one of three ways, and never waits in silence.

1. `kubectl apply` fails: the API server refuses the test by its CRD and names the field.
   `locust-operator local` says the same, with file and line.
2. The test is stored, and its condition `Accepted` is `False` within a second: `kubectl get lotest NAME -o yaml` and `kubectl describe` show the field and what to do.
   Nothing is created until the spec is corrected, and then the test runs as if it had been right from the start.
3. The test runs, and `Accepted` has the reason `AcceptedWithWarnings`.

Only what no pod can have is refused, or what no pod could work with.

## Fields that contradict each other

The API server refuses a test that breaks one of these rules.

";

const VALUES: &str = "
## Values of single fields

The API server refuses other values, and what is longer or more than the limits in the CRD.
Numbers, texts and lists that have the wrong type, and required fields that are missing, are refused too.

";

const TOLD: &str = "
## Told by the condition `Accepted`

What the CRD cannot see: names that follow from that of the test, amounts that have to be compared, settings of the operator, rules of Kubernetes that are newer or older than this operator.
A test that was stored before the CRD had its rules is told of in the same way.

";

const REST: &str = "
## Works, with a warning

- A flag of the operator in `extraArgs`, such as `--master-port`: both stand in the arguments, and yours comes last and counts.
- A variable that is set twice: the later value counts.
- A volume mounted around another one.

## Quotes in a command

`command` is split at white space.
If there is a quote in it, it is split as a POSIX shell would: `--tags 'a b'` is two arguments, and a backslash takes the next character as it is.
Nothing is expanded, since there is no shell.
A quote that is not closed is told with its place.

## OpenTelemetry

`openTelemetry.enabled` needs Locust 2.42.4 or newer and an image with the SDK.
If the name of the image shows that it cannot do it, the test runs all the same, and the condition `OpenTelemetryAvailable` is `False`.
Nothing is said of images that you built yourself.
";
