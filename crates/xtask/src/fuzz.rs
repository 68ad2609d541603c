//! `cargo xtask fuzz`: libFuzzer on what anybody can send to the webhooks.
//!
//! It needs no nightly compiler: the flags are those of cargo-fuzz without a
//! sanitizer, which are stable. There is no `unsafe` for a sanitizer to watch;
//! a find is a panic, of the code or of the judge of its answers.
//!
//! What it learns stays in `target/fuzz`, so that the next run goes on from
//! there; `--keep` writes the least of it that covers the same to `fuzz/corpus`,
//! from where every run begins and whose reviews a unit test judges.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::{shell, workspace};

/// The targets in `fuzz/fuzz_targets`.
const TARGETS: [&str; 2] = ["convert", "admit"];
/// Reviews that were made by hand, and finds.
const BY_HAND: &str = "crates/locust-core/src/review/tests/corpus";
/// Counts how often each edge is passed, and tells libFuzzer what is compared.
const INSTRUMENTED: &str = "--cfg=fuzzing -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";
/// In bytes. What is longer repeats itself.
const LONGEST: &str = "-max_len=8192";

/// Arguments of `cargo xtask fuzz`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How long each target runs.
    #[arg(long, value_name = "N", default_value_t = 60)]
    seconds: u32,

    /// Write to fuzz/corpus what covers all that was reached.
    #[arg(long)]
    keep: bool,
}

/// Runs each target, the others too when one has found something.
pub(crate) fn main(args: &Args) -> Result<()> {
    run(args.seconds)?;
    match args.keep {
        true => TARGETS.iter().try_for_each(|target| keep(target)),
        false => Ok(()),
    }
}

/// Fuzzes each target for so long.
pub(crate) fn run(seconds: u32) -> Result<()> {
    build()?;
    let results = TARGETS.iter().map(|target| fuzz(target, seconds));
    let results: Vec<Result<()>> = results.collect();
    results.into_iter().collect()
}

/// The platform that this runs on. With it named, the flags are not for build
/// scripts and macros, which run in the compiler.
fn host() -> Result<String> {
    let version = shell::output(&mut shell::command("rustc", &["-vV"]))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc does not name its host")?.to_owned())
}

fn folder() -> PathBuf {
    workspace::root().join("target/fuzz")
}

fn build() -> Result<()> {
    eprintln!("fuzz: building (minutes the first time)");
    let mut command = shell::cargo(&["build", "--quiet", "--locked", "--package=fuzz"]);
    command.args(["--features=libfuzzer", "--profile=fuzz", "--target"]);
    command.arg(host()?).arg("--target-dir").arg(folder());
    shell::run(command.env("RUSTFLAGS", INSTRUMENTED))
}

/// A target, as a program that begins with all that is known.
fn program(target: &str) -> Result<Command> {
    let program = folder().join(host()?).join("fuzz").join(target);
    let words = workspace::root().join("fuzz/words.dict");
    let mut command = shell::command(&program.to_string_lossy(), &[LONGEST, "-timeout=10"]);
    command.arg(format!("-dict={}", words.display()));
    Ok(command)
}

/// Where a target keeps what it learns, and where what it finds.
fn learned(target: &str) -> PathBuf {
    folder().join("corpus").join(target)
}

fn kept(target: &str) -> PathBuf {
    workspace::root().join("fuzz/corpus").join(target)
}

fn fuzz(target: &str, seconds: u32) -> Result<()> {
    let (learned, finds) = (learned(target), folder().join("finds").join(target));
    for folder in [&learned, &finds] {
        fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    }
    let mut command = program(target)?;
    command.arg(format!("-max_total_time={seconds}"));
    command.arg(format!("-artifact_prefix={}/", finds.display()));
    command.args(["-print_final_stats=1", "-verbosity=0"]);
    command.arg(&learned).arg(kept(target));
    command.arg(workspace::root().join(BY_HAND));
    // It says thousands of lines, of which one counts.
    let log = folder().join(target).with_extension("log");
    let said = fs::File::create(&log).with_context(|| format!("creating {}", log.display()))?;
    let done = shell::run(command.stderr(said));
    let said = fs::read(&log).with_context(|| format!("reading {}", log.display()))?;
    let said = String::from_utf8_lossy(&said);
    if done.is_err() {
        eprintln!("{said}");
    }
    done.with_context(|| {
        format!("fuzzing {target}: if it names a file with a find, put that into {BY_HAND}")
    })?;
    let count = said
        .lines()
        .find_map(|line| line.strip_prefix("stat::number_of_executed_units: "));
    let count = count.context("libFuzzer does not say how much it tried")?;
    eprintln!("fuzz: {target} judged {count} times in {seconds} s, nothing found");
    Ok(())
}

/// Replaces the corpus of a target by the least that covers as much.
fn keep(target: &str) -> Result<()> {
    let kept = kept(target);
    let least = folder().join("least").join(target);
    let _ = fs::remove_dir_all(&least);
    fs::create_dir_all(&least).with_context(|| format!("creating {}", least.display()))?;
    let mut command = program(target)?;
    // How often an edge was passed would be a hundred files for each loop.
    command.args(["-set_cover_merge=1", "-use_counters=0", "-verbosity=0"]);
    command.args([&least, &learned(target), &kept]);
    shell::run_quiet(&mut command)?;
    replace(&kept, &least).with_context(|| format!("writing {}", kept.display()))?;
    eprintln!("fuzz: {} is written", kept.display());
    Ok(())
}

fn replace(old: &Path, new: &Path) -> std::io::Result<()> {
    if old.is_dir() {
        fs::remove_dir_all(old)?;
    }
    fs::create_dir_all(old)?;
    for file in fs::read_dir(new)? {
        let file = file?;
        fs::copy(file.path(), old.join(file.file_name()))?;
    }
    Ok(())
}
