//! The hidden command `__exec`, in three stages. Only `guard` is called by the
//! runner; the others are called by the stage before them.
//!
//! - guard: enters the namespaces, or becomes the one that adopts orphans;
//! - init: the first process of a PID namespace; builds the file system;
//! - leaf: asks the kernel to be ended with the guard, becomes the program.

use std::fmt;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};

use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::getppid;

use super::namespaces::{self, Ids};
use super::watch::{self, Orphans};
use super::{Bind, EXIT_SET_UP_FAILED, Isolation, root};

/// Arguments of `__exec`.
#[derive(Debug, clap::Args)]
pub struct ExecArgs {
    #[arg(long, value_enum, default_value = "guard")]
    stage: Stage,
    #[arg(long, value_enum)]
    isolation: Isolation,
    /// Process without which this one has no reason to be.
    #[arg(long)]
    parent: i32,
    /// User and group to become again, inside of a user namespace.
    #[arg(long)]
    ids: Option<Ids>,
    /// An empty directory, to build the file system in.
    #[arg(long)]
    scratch: PathBuf,
    /// Directory to start the program in.
    #[arg(long)]
    cwd: PathBuf,
    /// Source and target of a bind mount.
    #[arg(long, num_args = 2)]
    bind: Vec<PathBuf>,
    /// Source and target of a bind mount that cannot be written to.
    #[arg(long, num_args = 2)]
    read_only_bind: Vec<PathBuf>,
    /// Only try whether all this can be set up.
    #[arg(long)]
    check: bool,
    #[arg(last = true)]
    program: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Stage {
    Guard,
    Init,
    Leaf,
}

/// Why the program could not be started: what was being done, and the cause.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing}: {source}")]
pub(super) struct ExecError {
    doing: String,
    source: io::Error,
}

impl ExecError {
    pub(super) fn new(doing: impl fmt::Display) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.to_string();
        move |source| Self { doing, source }
    }

    pub(super) fn nix(doing: impl fmt::Display) -> impl FnOnce(nix::Error) -> Self {
        let build = Self::new(doing);
        move |errno| build(errno.into())
    }
}

/// Plays one stage; returns the program's exit code, 128 more than the signal
/// that ended it, or 125 if it could not be started.
pub fn main(args: &ExecArgs) -> ExitCode {
    let played = match args.stage {
        Stage::Guard => guard(args),
        Stage::Init => init(args),
        Stage::Leaf => leaf(args),
    };
    match played {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("locust-operator: {error}");
            ExitCode::from(EXIT_SET_UP_FAILED)
        }
    }
}

fn guard(args: &ExecArgs) -> Result<u8, ExecError> {
    match args.isolation {
        Isolation::Full => {
            let ids = namespaces::enter(args.isolation)?;
            die_with(args.parent)?;
            let init = spawn(stage(args, Stage::Init, ids))?;
            watch::wait_for(&init)
        }
        Isolation::Mounts => {
            let ids = namespaces::enter(args.isolation)?;
            root::enter(&args.scratch, &binds(args), root::Proc::OfTheMachine)?;
            namespaces::become_again(ids)?;
            adopt_and_watch(args)
        }
        Isolation::None => adopt_and_watch(args),
    }
}

/// The guard is not ended with the runner here: it has to end the others.
fn adopt_and_watch(args: &ExecArgs) -> Result<u8, ExecError> {
    if args.check {
        return Ok(0);
    }
    prctl::set_child_subreaper(true).map_err(ExecError::nix("adopt orphans"))?;
    let mut leaf = stage(args, Stage::Leaf, None);
    leaf.stdin(Stdio::null());
    watch::watch(&spawn(leaf)?, Orphans::EndThem)
}

fn init(args: &ExecArgs) -> Result<u8, ExecError> {
    prctl::set_pdeathsig(Signal::SIGKILL).map_err(ExecError::nix("be ended with the guard"))?;
    root::enter(&args.scratch, &binds(args), root::Proc::Own)?;
    namespaces::become_again(args.ids)?;
    if args.check {
        return Ok(0);
    }
    let mut program = program(args)?;
    program.stdin(Stdio::null());
    watch::watch(&spawn(program)?, Orphans::EndWithUs)
}

fn leaf(args: &ExecArgs) -> Result<u8, ExecError> {
    die_with(args.parent)?;
    let mut program = program(args)?;
    let error = program.exec();
    Err(ExecError::new(format_args!(
        "start {:?}",
        program.get_program()
    ))(error))
}

/// Has the kernel end this process when `parent` ends. It may have ended just
/// before, and then nobody would tell.
fn die_with(parent: i32) -> Result<(), ExecError> {
    prctl::set_pdeathsig(Signal::SIGKILL).map_err(ExecError::nix("be ended with the parent"))?;
    if getppid().as_raw() == parent {
        return Ok(());
    }
    let gone = io::Error::from(io::ErrorKind::NotConnected);
    Err(ExecError::new("go on, the parent is gone")(gone))
}

/// This binary again, for the next stage.
fn stage(args: &ExecArgs, stage: Stage, ids: Option<Ids>) -> Command {
    let mut command = super::spawn::own_binary();
    command.args(["--stage", value_name(&stage).as_str()]);
    command.args(["--isolation", value_name(&args.isolation).as_str()]);
    command.args(["--parent", std::process::id().to_string().as_str()]);
    command.arg("--scratch").arg(&args.scratch);
    command.arg("--cwd").arg(&args.cwd);
    if let Some(ids) = ids {
        command.args(["--ids", ids.to_string().as_str()]);
    }
    if args.check {
        command.arg("--check");
    }
    for (option, paths) in [
        ("--bind", &args.bind),
        ("--read-only-bind", &args.read_only_bind),
    ] {
        for pair in paths.chunks(2) {
            command.arg(option).args(pair);
        }
    }
    command.arg("--").args(&args.program);
    command
}

fn program(args: &ExecArgs) -> Result<Command, ExecError> {
    let Some((program, arguments)) = args.program.split_first() else {
        let missing = io::Error::from(io::ErrorKind::InvalidInput);
        return Err(ExecError::new("start a program without a name")(missing));
    };
    let mut command = Command::new(program);
    command.args(arguments).current_dir(&args.cwd);
    Ok(command)
}

fn spawn(mut command: Command) -> Result<Child, ExecError> {
    let program = command.get_program().to_owned();
    command
        .spawn()
        .map_err(ExecError::new(format_args!("start {program:?}")))
}

fn binds(args: &ExecArgs) -> Vec<Bind> {
    let pairs = |paths: &[PathBuf], writable| {
        paths
            .chunks(2)
            .filter_map(|pair| match pair {
                [source, target] => Some(Bind {
                    source: source.clone(),
                    target: target.clone(),
                    writable,
                }),
                _ => None,
            })
            .collect::<Vec<_>>()
    };
    let mut binds = pairs(&args.bind, true);
    binds.extend(pairs(&args.read_only_bind, false));
    binds
}

/// A value as it is spelled on the command line.
pub(super) fn value_name<V: clap::ValueEnum>(value: &V) -> String {
    value
        .to_possible_value()
        .map(|value| value.get_name().to_owned())
        .unwrap_or_default()
}
