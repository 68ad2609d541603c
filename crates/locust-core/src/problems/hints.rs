//! What works and is probably not what was meant, told to whoever writes the
//! test. Unlike `warnings.rs` it may well be meant, so it is not kept.

use locust_api::latest::{LocustTest, LocustTestSpec};
use locust_api::schema;

use super::warnings::managed;
use crate::command_line;
use crate::locust::{load, telemetry};

/// What whoever wrote `test` may want to hear, with the field to look at.
pub fn hints(test: &LocustTest) -> Vec<schema::Problem> {
    let spec = &test.spec;
    let mut found = Vec::new();
    let master = arguments(&spec.master.command, spec.master.extra_args.as_deref());
    command("spec.master.command", &spec.master.command, &mut found);
    command("spec.worker.command", &spec.worker.command, &mut found);
    headless(&master, &mut found);
    endless(spec, &master, &mut found);
    idle_workers(spec, &master, &mut found);
    telemetry(spec, &mut found);
    found
}

fn hint(path: &str, message: impl Into<String>) -> schema::Problem {
    schema::Problem {
        path: path.to_owned(),
        message: message.into(),
    }
}

/// What the user gives Locust, in its order.
fn arguments(command: &str, further: Option<&[String]>) -> Vec<String> {
    let mut arguments = command_line::split(command).unwrap_or_default();
    arguments.extend(further.unwrap_or_default().iter().cloned());
    arguments
}

/// Flags of the operator in a command: its own come later and count.
fn command(field: &str, command: &str, found: &mut Vec<schema::Problem>) {
    let words = command_line::split(command).unwrap_or_default();
    let conflicts = managed(&words);
    if !conflicts.is_empty() {
        let flags = conflicts.join(", ");
        found.push(hint(
            field,
            format!(
                "{flags}: the operator passes this flag itself, later, and its value counts; leave it out, or give it in extraArgs, which come last"
            ),
        ));
    }
}

fn headless(master: &[String], found: &mut Vec<schema::Problem>) {
    if master.iter().any(|argument| argument == "--headless") {
        found.push(hint(
            "spec.master.command",
            "--headless takes away the web API that the operator reads the results and the connected workers from; leave it out: the test starts by itself without it",
        ));
    }
}

/// Whether something beside the arguments may say it: a variable, or a file.
fn may_be_elsewhere(spec: &LocustTestSpec, master: &[String], variable: &str) -> bool {
    let env = spec.env.as_ref();
    let is_set = env.is_some_and(|env| {
        env.variables.iter().flatten().any(|it| it.name == variable)
            || env.config_map_refs.iter().flatten().next().is_some()
            || env.secret_refs.iter().flatten().next().is_some()
    });
    is_set || load::last_value(master, "--config", "--config").is_some()
}

/// A load that starts by itself and that nothing ends.
fn endless(spec: &LocustTestSpec, master: &[String], found: &mut Vec<schema::Problem>) {
    let is_timed = load::last_value(master, "-t", "--run-time").is_some();
    let is_certain = !is_timed && !may_be_elsewhere(spec, master, "LOCUST_RUN_TIME");
    if is_certain && spec.master.autostart {
        found.push(hint(
            "spec.master.command",
            "there is no --run-time, so the test never ends by itself unless its locustfile has a LoadTestShape; add one, such as --run-time 10m",
        ));
    }
}

fn idle_workers(spec: &LocustTestSpec, master: &[String], found: &mut Vec<schema::Problem>) {
    let users = load::Load::from_args(master).users;
    let workers = spec.worker.replicas;
    if let Some(users) = users
        && i64::try_from(users).is_ok_and(|users| users < i64::from(workers))
    {
        found.push(hint(
            "spec.worker.replicas",
            format!("{workers} workers share {users} users, so some have nothing to do; use fewer workers or more --users"),
        ));
    }
}

fn telemetry(spec: &LocustTestSpec, found: &mut Vec<schema::Problem>) {
    let telemetry = spec
        .observability
        .as_ref()
        .and_then(|observability| observability.open_telemetry.as_ref());
    let is_asked_for = telemetry.is_some_and(|telemetry| telemetry.enabled);
    if let Some(gap) = telemetry::gap(&spec.image).filter(|_| is_asked_for) {
        found.push(hint(
            "spec.image",
            format!("no metrics and no traces will come: {gap}"),
        ));
    }
}
