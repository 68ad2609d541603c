//! A Locust in name only, for tests that are about the Jobs and not the load:
//! it starts within milliseconds and its end is chosen.
//!
//! With `--master` it holds port 5557 open for `STUB_RUN_SECONDS` (2), then
//! exits with `STUB_EXIT_CODE` (0). With `--worker` it waits for the master of
//! `--master-host` as long as it takes, as Locust does, and exits with 0 once
//! the master is gone or, at the latest, two seconds after the master's time.
//! SIGTERM ends either at once with 0. All other arguments are ignored.

use std::io::{ErrorKind, Read};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use nix::sys::signal::{SigSet, Signal};

const PORT: u16 = 5557;
const RETRY: Duration = Duration::from_millis(50);

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(message) => {
            eprintln!("stub-locust: {message}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<ExitCode, String> {
    end_when_told_to()?;
    let arguments: Vec<String> = std::env::args().collect();
    let seconds = number("STUB_RUN_SECONDS", 2)?;
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    if has("--master") {
        let code = number("STUB_EXIT_CODE", 0)?;
        be_master(Duration::from_secs(seconds.into()))?;
        return Ok(ExitCode::from(code));
    }
    if has("--worker") {
        let host = value(&arguments, "--master-host").unwrap_or("127.0.0.1");
        be_worker(host, Duration::from_secs(u64::from(seconds) + 2))?;
        return Ok(ExitCode::SUCCESS);
    }
    Err("expected --master or --worker".to_owned())
}

/// Connections stay in the listener's queue until the process ends: nobody has
/// to accept them.
fn be_master(time: Duration) -> Result<(), String> {
    let _listener = TcpListener::bind(("0.0.0.0", PORT))
        .map_err(|error| format!("listening on port {PORT}: {error}"))?;
    println!("stub-locust: master runs for {time:?}");
    std::thread::sleep(time);
    Ok(())
}

fn be_worker(host: &str, time: Duration) -> Result<(), String> {
    let mut master = loop {
        match TcpStream::connect((host, PORT)) {
            Ok(stream) => break stream,
            Err(_not_yet) => std::thread::sleep(RETRY),
        }
    };
    println!("stub-locust: worker connected to {host}");
    master
        .set_read_timeout(Some(time))
        .map_err(|error| format!("setting the time to wait for {host}: {error}"))?;
    // The end of a master that never accepted shows as a reset.
    match master.read(&mut [0]) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => {
            println!("stub-locust: the master's time is over");
        }
        Ok(_) | Err(_) => println!("stub-locust: the master is gone"),
    }
    Ok(())
}

/// The value of `--flag value` or `--flag=value`.
fn value<'a>(arguments: &'a [String], flag: &str) -> Option<&'a str> {
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.strip_prefix(flag) {
            Some("") => return arguments.next().map(String::as_str),
            Some(rest) => return rest.strip_prefix('='),
            None => {}
        }
    }
    None
}

fn number(name: &str, default: u8) -> Result<u8, String> {
    match std::env::var(name) {
        Ok(text) => text
            .parse()
            .map_err(|_| format!("{name} is {text:?}: expected a number from 0 to 255")),
        Err(_unset) => Ok(default),
    }
}

/// The first process of a container is not ended by a signal that nobody
/// waits for. Blocked before the first thread starts, so in all of them.
fn end_when_told_to() -> Result<(), String> {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGINT);
    signals.add(Signal::SIGTERM);
    let told = |error| format!("waiting for signals: {error}");
    signals.thread_block().map_err(told)?;
    std::thread::spawn(move || {
        if signals.wait().is_ok() {
            println!("stub-locust: told to stop");
            std::process::exit(0);
        }
    });
    Ok(())
}
