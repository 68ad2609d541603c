//! What can be run and may not be what was meant: told once, with the test.

use std::collections::BTreeSet;

use locust_api::latest::{LocustTest, LocustTestSpec, MountTarget};
use locust_api::schema;

/// Flags that the operator adds to the arguments.
const MANAGED: [&str; 10] = [
    "--master",
    "--worker",
    "--master-port",
    "--master-host",
    "--expect-workers",
    "--autostart",
    "--autoquit",
    "--otel",
    "--enable-rebalancing",
    "--only-summary",
];

/// What may not be meant in `test`, with the field to look at.
pub fn warnings(test: &LocustTest) -> Vec<schema::Problem> {
    let mut found = Vec::new();
    let spec = &test.spec;
    flags(
        "spec.master.extraArgs",
        spec.master.extra_args.as_deref(),
        &mut found,
    );
    flags(
        "spec.worker.extraArgs",
        spec.worker.extra_args.as_deref(),
        &mut found,
    );
    variables(spec, &mut found);
    parents(spec, &mut found);
    without_effect(spec, &mut found);
    found
}

fn flags(field: &str, args: Option<&[String]>, found: &mut Vec<schema::Problem>) {
    let conflicts = managed(args.unwrap_or_default());
    if !conflicts.is_empty() {
        found.push(schema::Problem {
            path: field.to_owned(),
            message: format!(
                "User-provided extraArgs override operator-managed flags: {} (user value takes precedence)",
                conflicts.join(", ")
            ),
        });
    }
}

/// Those of the arguments that the operator adds itself.
pub(super) fn managed(args: &[String]) -> Vec<&str> {
    let is_managed = |arg: &&String| {
        let flag = arg.split_once('=').map_or(arg.as_str(), |(flag, _)| flag);
        MANAGED.contains(&flag)
    };
    args.iter().filter(is_managed).map(String::as_str).collect()
}

fn variables(spec: &LocustTestSpec, found: &mut Vec<schema::Problem>) {
    let variables = spec
        .env
        .iter()
        .flat_map(|env| env.variables.iter().flatten());
    let mut names = BTreeSet::new();
    let mut told = BTreeSet::new();
    for (index, variable) in variables.enumerate() {
        let name = variable.name.as_str();
        if !names.insert(name) && told.insert(name) {
            found.push(schema::Problem {
                path: format!("spec.env.variables[{index}].name"),
                message: format!("{name} is set twice: the later value counts"),
            });
        }
    }
}

/// Fields that say something only beside others.
fn without_effect(spec: &LocustTestSpec, found: &mut Vec<schema::Problem>) {
    if spec.start_policy.is_some() && spec.start_deadline_seconds.is_none() {
        found.push(schema::Problem {
            path: "spec.startPolicy".to_owned(),
            message: "has no effect without startDeadlineSeconds".to_owned(),
        });
    }
}

/// A mount around another one: it works, and hides what the image has there.
fn parents(spec: &LocustTestSpec, found: &mut Vec<schema::Problem>) {
    let secrets = spec
        .env
        .iter()
        .flat_map(|env| env.secret_mounts.iter().flatten());
    let secrets = secrets.map(|secret| (secret.mount_path.as_str(), MountTarget::Both));
    let volumes = spec.volume_mounts.iter().flatten();
    let volumes = volumes.map(|entry| (entry.mount.mount_path.as_str(), entry.target));
    let all: Vec<(&str, MountTarget)> = secrets.chain(volumes.clone()).collect();
    for (index, (outer, target)) in volumes.enumerate() {
        let meets = |other: MountTarget| {
            target == other || target == MountTarget::Both || other == MountTarget::Both
        };
        let inner = all.iter().find(|(path, other)| {
            let rest = path.strip_prefix(outer.trim_end_matches('/'));
            meets(*other) && rest.is_some_and(|rest| rest.len() > 1 && rest.starts_with('/'))
        });
        if let Some((inner, _)) = inner {
            found.push(schema::Problem {
                path: format!("spec.volumeMounts[{index}].mountPath"),
                message: format!("{inner:?} is mounted inside {outer:?}"),
            });
        }
    }
}
