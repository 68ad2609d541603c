//! A master that a script plays, where there is no node: it listens where its
//! pod is said to be.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use testkit::Cluster;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::AbortOnDropHandle;

/// Where Locust listens, and so every master that is played.
const PORT: u16 = 8089;

/// What a master answers whatever it is asked.
#[derive(Clone)]
pub(crate) enum Answer {
    /// These bytes, as they are, and then the end of the connection.
    Bytes(Vec<u8>),
    /// The head, and then this again and again, for ever.
    Endless(&'static str, &'static [u8]),
    /// One byte a second.
    Slow,
    /// Nothing.
    Nothing,
}

impl Answer {
    /// With status 200.
    pub(crate) fn text(body: &str) -> Self {
        Self::with("200 OK", "", body)
    }

    /// Statistics.
    pub(crate) fn json(body: &Value) -> Self {
        Self::text(&body.to_string())
    }

    /// With this status and these header lines, each with its line end.
    pub(crate) fn with(status: &str, headers: &str, body: &str) -> Self {
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n");
        Self::Bytes([head.as_bytes(), body.as_bytes()].concat())
    }

    /// With a body that is said to be this long, and has no end.
    pub(crate) const fn of_length(head: &'static str) -> Self {
        Self::Endless(head, &[b' '; 16_384])
    }
}

/// A master that is being played.
pub(crate) struct Master {
    address: Ipv4Addr,
    script: Arc<Script>,
    _serving: AbortOnDropHandle<()>,
}

#[derive(Default)]
struct Script {
    /// By path; the empty one is for all others.
    answers: Mutex<HashMap<String, Answer>>,
    /// The heads of all requests.
    asked: Mutex<Vec<String>>,
}

impl Master {
    /// Listens at an address of the cluster's own loopback that no other test
    /// has.
    pub(crate) fn listen(cluster: &Cluster) -> Result<Self> {
        let (address, listener) = free_address(cluster)?;
        let script = Arc::new(Script::default());
        let serving = tokio::spawn(serve(listener, script.clone()));
        let master = Self {
            address,
            script,
            _serving: AbortOnDropHandle::new(serving),
        };
        master.says(Answer::Nothing);
        Ok(master)
    }

    /// The address of its pod.
    pub(crate) const fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// Answers so from now on.
    pub(crate) fn says(&self, answer: Answer) {
        self.says_at("", answer);
    }

    /// Answers so for one path from now on.
    pub(crate) fn says_at(&self, path: &str, answer: Answer) {
        let answers = self.script.answers.lock();
        let mut answers = answers.unwrap_or_else(PoisonError::into_inner);
        answers.insert(path.to_owned(), answer);
    }

    /// The heads of all requests so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        let asked = self.script.asked.lock();
        asked.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn free_address(cluster: &Cluster) -> Result<(Ipv4Addr, TcpListener)> {
    use std::hash::{BuildHasher, RandomState};
    for attempt in 0..20_u32 {
        let [.., b, c, d] = RandomState::new().hash_one(attempt).to_be_bytes();
        let address = Ipv4Addr::new(127, b.max(1), c, d.clamp(1, 254));
        if let Ok(listener) = cluster
            .network()
            .listen(SocketAddr::new(address.into(), PORT))
        {
            return Ok((address, listener));
        }
    }
    None.context("twenty loopback addresses are taken")
}

async fn serve(listener: TcpListener, script: Arc<Script>) {
    while let Ok((connection, _)) = listener.accept().await {
        // It ends with the runtime of its test.
        tokio::spawn(answer(connection, script.clone()));
    }
}

async fn answer(mut connection: TcpStream, script: Arc<Script>) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(connection.read_u8().await.ok()?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default();
    let answer = {
        let answers = script.answers.lock().ok()?;
        answers.get(path).or_else(|| answers.get("")).cloned()?
    };
    script.asked.lock().ok()?.push(head);
    match answer {
        Answer::Bytes(bytes) => connection.write_all(&bytes).await.ok()?,
        Answer::Endless(head, again) => {
            connection.write_all(head.as_bytes()).await.ok()?;
            loop {
                connection.write_all(again).await.ok()?;
            }
        }
        Answer::Slow => {
            for byte in b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}" {
                connection.write_all(&[*byte]).await.ok()?;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
        Answer::Nothing => tokio::time::sleep(Duration::from_secs(600)).await,
    }
    connection.shutdown().await.ok()
}

/// Statistics of a test with two workers as Locust writes them.
pub(crate) fn statistics(test: &str, state: &str, [users, requests, failures]: [u32; 3]) -> Value {
    let workers: Vec<Value> = (0..2)
        .map(|id| json!({ "id": format!("{test}-worker-{id}_0f"), "state": state }))
        .collect();
    json!({
        "state": state,
        "user_count": users,
        "workers": workers,
        "errors": [],
        "stats": [{
            "method": "GET",
            "name": "/",
            "num_requests": requests,
            "num_failures": failures,
            "median_response_time": 12,
            "avg_response_time": 14.3,
            "max_response_time": 60.0,
        }, {
            "method": "",
            "name": "Aggregated",
            "num_requests": requests,
            "num_failures": failures,
            "median_response_time": 12,
            "avg_response_time": 14.3,
            "max_response_time": 60.0,
            "response_time_percentile_0.95": 37,
            "response_time_percentile_0.99": 57,
            "current_rps": 10.0,
            "current_fail_per_sec": 0.5,
        }],
    })
}
