//! `docs/book/reference/operator.md`: the flags of `locust-operator run` as
//! its own `--help` knows them, and the variables that it reads.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use clap::{Arg, CommandFactory as _};
use locust_core::settings::{Group, Variable, variables};
use locust_operator::cli::Cli;

pub(crate) const PAGE: &str = "docs/book/reference/operator.md";

/// The page as flags and variables make it.
pub(crate) fn page() -> Result<String> {
    let mut page = String::from(INTRODUCTION);
    flags(&mut page)?;
    page.push_str(ABOUT_VARIABLES);
    let variables = variables();
    for group in Group::ALL {
        writeln!(page, "\n### {}\n", group.title())?;
        writeln!(
            page,
            "| variable | value | default | meaning |\n|---|---|---|---|"
        )?;
        for variable in variables.iter().filter(|one| one.group == group) {
            let Variable { name, meaning, .. } = variable;
            let (kind, default) = (variable.kind(), code(&variable.default()));
            writeln!(page, "| `{name}` | {kind} | {default} | {meaning} |")?;
        }
    }
    page.push_str(NOTES);
    Ok(page)
}

fn flags(page: &mut String) -> Result<()> {
    let mut cli = Cli::command();
    cli.build();
    let run = cli
        .find_subcommand("run")
        .context("the subcommand run is gone")?;
    let mut heading = None;
    for flag in run.get_arguments() {
        // Only clap's own --help and --version have none.
        let Some(of) = flag.get_help_heading() else {
            continue;
        };
        if heading != Some(of) {
            heading = Some(of);
            writeln!(page, "\n### {of}\n")?;
            writeln!(page, "| flag | default | meaning |\n|---|---|---|")?;
        }
        page.push_str(&row(flag));
    }
    Ok(())
}

fn row(flag: &Arg) -> String {
    let name = flag.get_long().unwrap_or_default();
    let value = flag.get_value_names().unwrap_or_default().join(" ");
    let help = flag.get_help().map(ToString::to_string).unwrap_or_default();
    let default: Vec<String> = flag
        .get_default_values()
        .iter()
        .map(|value| value.to_string_lossy().into_owned())
        .collect();
    // A flag that has to be told apart from its default says that in its help.
    let (help, default) = match help
        .strip_suffix(']')
        .and_then(|help| help.split_once(" [default: "))
    {
        Some((help, default)) => (help.to_owned(), default.to_owned()),
        None => (help, code(&default.join(","))),
    };
    format!("| `--{name}={value}` | {default} | {help} |\n")
}

fn code(text: &str) -> String {
    match text.is_empty() {
        true => String::new(),
        false => format!("`{text}`"),
    }
}

const INTRODUCTION: &str = "\
# Flags and variables of the operator

<!-- Made from crates/locust-operator/src/cli/run/args.rs and crates/locust-core/src/settings/variables/table.rs by `make generate`. -->

Flags say how `locust-operator run` works, environment variables what it gives to the pods of all tests.
Names, defaults and rules of locust-k8s-operator 2.3.0 hold for all that it has.

## Flags

Flags are taken as Go takes them: with one dash or two, as `-flag=VALUE` or `-flag VALUE`, the last one counts.
A BOOL is given as `-flag` or `-flag=VALUE` only, and is one of `1 t T true TRUE True 0 f F false FALSE False`.
A TIME looks like `90s`, `2m` or `1h30m`.
All values that cannot be read are told at once, and the operator ends with code 2.

A flag of something that this version does not have is accepted, and a line in the log says that it has no effect.
";

const ABOUT_VARIABLES: &str = "
## Environment variables

A variable that is set but empty counts as unset.
A boolean or number that cannot be read is a warning, and the default is used.
Quantities, names and keys that cannot be read are told all at once, and the operator ends with code 1.
";

const NOTES: &str = "
## Limits

Each variable of a limit takes the word `none`: the containers then have no limit of that resource, and a role's `none` takes away the limit for both roles.
An empty value cannot say so, because it counts as unset ([decision 0007](../../decisions/0007-no-limit-is-a-word.md)).

## Kafka's credentials

Every Locust container gets the seven variables `KAFKA_BOOTSTRAP_SERVERS` to `KAFKA_PASSWORD`, whether Kafka is used or not.
Credentials that are given as plain text stand in every Job of every namespace, readable by all who may read Jobs; a warning at the start says so.
With `KAFKA_CREDENTIALS_SECRET` the pods refer to that Secret in their own namespace instead, and the operator never sees it.
A pod whose Secret or key is missing does not start.

## Hardened pods

`--pod-defaults=hardened` gives the pods of every test what a namespace asks for that enforces the PodSecurity level `restricted`, for whatever the test's `security` group leaves open:

| of | field | value |
|---|---|---|
| pod | `automountServiceAccountToken` | `false` |
| pod | `enableServiceLinks` | `false` |
| pod | `securityContext.runAsNonRoot` | `true`, unless the test asks for user 0 |
| pod | `securityContext.runAsUser` | `1000`, the user of Locust's official image |
| pod | `securityContext.seccompProfile` | `RuntimeDefault` |
| Locust container | `securityContext.allowPrivilegeEscalation` | `false`, unless the test asks for what needs it |
| Locust container | `securityContext.capabilities.drop` | `ALL` |

The root filesystem stays writable, because Locust writes the reports of `--csv` and `--html` there; a test that writes nothing may set `readOnlyRootFilesystem: true`.
An image whose user is not 1000 needs `security.podSecurityContext.runAsUser`.

## Some namespaces only

With `--watch-namespaces` the operator makes no call outside those namespaces, so that Roles there are enough: see `config/namespaced`.

## ENABLE_WEBHOOKS

Deprecated, as in locust-k8s-operator: `--enable-webhooks` wins over it, and a value that is no boolean is ignored with a line in the log.
";
