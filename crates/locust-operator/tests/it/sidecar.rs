//! The image in the place of locust_exporter's: without arguments, with the
//! variables that the sidecar has.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Command, Stdio};

use anyhow::{Context, Result};

use crate::operator::BINARY;

/// A sidecar; it is killed when this is dropped.
pub(crate) struct Sidecar {
    process: Child,
    address: String,
    /// Whoever logs to nobody ends.
    _log: BufReader<ChildStderr>,
}

impl Sidecar {
    /// Starts one for the Locust there.
    pub(crate) fn start(locust: &str) -> Result<Self> {
        let mut process = Command::new(BINARY)
            .env("LOCUST_EXPORTER_URI", locust)
            .env("LOCUST_EXPORTER_WEB_LISTEN_ADDRESS", "127.0.0.1:0")
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let log = process.stderr.take().context("its log")?;
        let mut log = BufReader::new(log);
        let address = log.by_ref().lines().find_map(|line| {
            let line = line.ok()?;
            let (_, rest) = line.split_once("address=")?;
            rest.split(' ').next().map(str::to_owned)
        });
        Ok(Self {
            process,
            address: address.unwrap_or_default(),
            _log: log,
        })
    }

    /// The whole answer, its head included.
    pub(crate) fn ask(&self, path: &str) -> Result<String> {
        ask(&self.address, path)
    }
}

/// The whole answer of whoever listens there, its head included.
pub(crate) fn ask(address: &str, path: &str) -> Result<String> {
    let mut stream =
        TcpStream::connect(address).with_context(|| format!("connect to {address:?}"))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn the_image_without_arguments_is_the_exporter_of_a_sidecar() -> Result<()> {
    let mut sidecar = Sidecar::start("http://localhost:9")?;
    let answer = sidecar.ask("/metrics")?;
    assert!(answer.contains("\nlocust_up 0\n"), "{answer}");
    sidecar.ask("/quitquitquit")?;
    assert_eq!(sidecar.process.wait()?.code(), Some(0));
    Ok(())
}
