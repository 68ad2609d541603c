//! Clients that send too much, too slowly, nothing, or nonsense: they are
//! refused, and nobody else waits for them.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::server::connections::MOST;
use tokio_util::sync::CancellationToken;

use super::*;

const MIB: usize = 1 << 20;

/// Sends a head and nothing else; returns the open stream.
async fn begin(server: &Server, head: &str) -> TlsStream<TcpStream> {
    let mut stream = server.connect().await;
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    stream
}

async fn status_line(stream: &mut TlsStream<TcpStream>) -> String {
    let mut answer = vec![0; 64];
    let read = stream.read(&mut answer).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&answer[..read]).into_owned();
    text.lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_review_that_is_too_long_is_refused_before_it_is_read() {
    let server = Server::start(Protocols::Http1, Served::Both).await;
    for (path, most) in [("/convert", 128), ("/validate-locust-io-v2-locusttest", 8)] {
        let head =
            |length| format!("POST {path} HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n");
        let mut stream = begin(&server, &head(most * MIB + 1)).await;
        assert_eq!(
            status_line(&mut stream).await,
            "HTTP/1.1 413 Payload Too Large"
        );
    }
}

#[tokio::test]
async fn a_review_that_turns_out_too_long_is_refused_when_it_does() {
    let server = Server::start(Protocols::Http1, Served::Both).await;
    let head = "POST /validate-locust-io-v2-locusttest HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
    let mut stream = begin(&server, head).await;
    let chunk = format!("{MIB:x}\r\n{}\r\n", "[".repeat(MIB));
    let mut sent = 0;
    // The server stops reading, so the last of this may fail.
    while sent < 10 && stream.write_all(chunk.as_bytes()).await.is_ok() {
        sent += 1;
    }
    let answer = status_line(&mut stream).await;
    assert!(sent >= 8, "{sent}");
    assert!(
        answer.is_empty() || answer == "HTTP/1.1 413 Payload Too Large",
        "{answer}"
    );
    server.convert(&[object("a")]).await;
}

#[tokio::test]
async fn a_review_that_is_not_sent_in_time_is_refused() {
    let server = Server::hasty(Duration::from_millis(300)).await;
    let head = "POST /convert HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\n{";
    let mut stream = begin(&server, head).await;
    assert_eq!(
        status_line(&mut stream).await,
        "HTTP/1.1 408 Request Timeout"
    );
}

/// The slowest of some conversions, each on a connection of its own.
async fn slowest(server: &Server) -> Duration {
    let mut slowest = Duration::ZERO;
    for _ in 0..50 {
        let (response, took) = server.convert(&[object("a")]).await;
        assert_eq!(response["result"]["status"], "Success");
        slowest = slowest.max(took);
    }
    slowest
}

/// This machine may be busy; what is feared are seconds.
const SOON: Duration = Duration::from_millis(1500);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_clients_of_all_kinds_delay_nobody() {
    let server = Server::start(Protocols::Http1, Served::Both).await;
    server.convert(&[object("a")]).await;
    let mut held: Vec<TlsStream<TcpStream>> = Vec::new();
    let mut silent = Vec::new();
    for _ in 0..MOST {
        silent.push(
            TcpStream::connect(("127.0.0.1", server.port))
                .await
                .unwrap(),
        );
    }
    assert!(slowest(&server).await < SOON);
    // Heads without an end, bodies without an end, and one that is large.
    for _ in 0..MOST / 2 {
        held.push(begin(&server, "POST /convert HTTP/1.1\r\nx: ").await);
        let body = "POST /convert HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\n{";
        held.push(begin(&server, body).await);
    }
    let large = "POST /convert HTTP/1.1\r\nhost: a\r\ncontent-length: 100000000\r\n\r\n{";
    held.push(begin(&server, large).await);
    assert!(slowest(&server).await < SOON);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_connections_and_nonsense_delays_nobody() {
    let server = Arc::new(Server::start(Protocols::Http1, Served::Both).await);
    server.convert(&[object("a")]).await;
    let end = CancellationToken::new();
    let floods: Vec<_> = (0..8)
        .map(|which| {
            let (server, end) = (server.clone(), end.clone());
            tokio::spawn(async move {
                let mut sent = 0_u32;
                while !end.is_cancelled() {
                    let stream = TcpStream::connect(("127.0.0.1", server.port)).await;
                    let tls: &[u8] = b"\x16\x03\x01\xff\xff\x01\x00\x00\x00";
                    let nonsense = if which % 2 == 0 {
                        tls
                    } else {
                        b"GET / HTTP/1.1\r\n\r\n"
                    };
                    if let Ok(mut stream) = stream {
                        let _ = stream.write_all(nonsense).await;
                        sent += 1;
                    }
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                sent
            })
        })
        .collect();
    let slowest = slowest(&server).await;
    end.cancel();
    let mut sent = 0;
    for flood in floods {
        sent += flood.await.unwrap();
    }
    println!("slowest of 50 calls beside {sent} bad ones: {slowest:?}");
    assert!(sent > 100, "{sent}");
    assert!(slowest < SOON, "{slowest:?}");
}

/// A review of this many kilobytes, of objects with one name.
fn review_of(name: &str, kilobytes: usize) -> String {
    let mut padded = object(name);
    padded["spec"]["image"] = "i".repeat(1000).into();
    conversion(&vec![padded; kilobytes])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_large_review_is_converted_at_a_time_and_small_ones_do_not_wait_for_it() {
    let (inside, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (now, peak) = (inside.clone(), most.clone());
    let slow = move |object: Value, desired: &str| {
        if object["metadata"]["name"] == "large" {
            peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(1));
            now.fetch_sub(1, Ordering::SeqCst);
        }
        convert(object, desired)
    };
    let server = Arc::new(Server::converting(DEADLINE, Box::new(slow)).await);
    server.convert(&[object("small")]).await;
    let large = review_of("large", 400);
    let asked: Vec<_> = (0..3)
        .map(|_| {
            let (server, large) = (server.clone(), large.clone());
            tokio::spawn(async move { server.post("/convert", large).await.0 })
        })
        .collect();
    while inside.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    let mut beside = 0;
    while !asked.iter().all(|large| large.is_finished()) {
        let (response, took) = server.convert(&[object("small")]).await;
        assert_eq!(response["result"]["status"], "Success");
        assert!(took < SOON, "{took:?}");
        beside += 1;
    }
    for large in asked {
        assert_eq!(large.await.unwrap(), StatusCode::OK);
    }
    assert_eq!(most.load(Ordering::SeqCst), 1);
    assert!(beside > 10, "{beside}");
}
