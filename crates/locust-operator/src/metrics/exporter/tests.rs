//! The exporter beside a master that a script plays.

use std::net::SocketAddr;

use axum::http::StatusCode;
use axum::routing::any;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::*;

const ANSWER: &str = r#"{"state": "spawning", "user_count": 3, "stats": [
    {"method": "GET", "name": "/a", "num_requests": 5, "num_failures": 1},
    {"method": "", "name": "Aggregated", "num_requests": 5, "num_failures": 1}]}"#;

/// An exporter that is served until it is told to end.
struct Served {
    address: SocketAddr,
    shutdown: CancellationToken,
    serving: JoinHandle<std::io::Result<()>>,
}

/// A master that answers so, and how often it was asked what.
async fn master(answer: (StatusCode, &'static str)) -> (String, Arc<AtomicU64>) {
    let asked = Arc::new(AtomicU64::new(0));
    let count = asked.clone();
    let app = Router::new().route(
        "/base/stats/requests",
        any(move || {
            count.fetch_add(1, Ordering::SeqCst);
            async move { answer }
        }),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/base", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, asked)
}

async fn exporter(url: String) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let options = Options {
        url,
        timeout: Duration::from_secs(5),
        prefix: "locust".to_owned(),
        path: "/metrics".to_owned(),
    };
    let serving = tokio::spawn(serve(listener, options, shutdown.clone()));
    Served {
        address,
        shutdown,
        serving,
    }
}

/// The whole answer, its head included.
async fn ask(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("{request} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_scrape_is_one_question_to_locust() {
    let (url, asked) = master((StatusCode::OK, ANSWER)).await;
    let served = exporter(url).await;
    for scrape in 1..=3 {
        let answer = ask(served.address, "GET /metrics").await;
        let head = answer.to_lowercase();
        assert!(head.starts_with("http/1.1 200"), "{answer}");
        assert!(
            head.contains("content-type: text/plain; version=0.0.4; charset=utf-8\r\n"),
            "{answer}"
        );
        let scrapes = format!("locust_total_scrapes {scrape}");
        for line in [
            "locust_up 1",
            "locust_running 1",
            "locust_users 3",
            "locust_requests_num_requests{method=\"GET\",name=\"/a\"} 5",
            "# TYPE locust_total_scrapes counter",
            &scrapes,
            concat!(
                "locustexporter_build_info{version=\"",
                env!("CARGO_PKG_VERSION"),
                "\"} 1"
            ),
        ] {
            assert!(
                answer.lines().any(|found| found == line),
                "{line}: {answer}"
            );
        }
        assert_eq!(asked.load(Ordering::SeqCst), scrape);
    }
}

#[tokio::test]
async fn a_locust_that_gives_no_statistics_is_down() {
    let (login, _) = master((StatusCode::OK, "<html>login</html>")).await;
    let (broken, _) = master((StatusCode::INTERNAL_SERVER_ERROR, "")).await;
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    for url in [login, broken, gone] {
        let answer = ask(exporter(url.clone()).await.address, "GET /metrics").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{url}: {answer}");
        assert!(answer.contains("\nlocust_up 0\n"), "{url}: {answer}");
        assert!(!answer.contains("locust_users"), "{url}: {answer}");
    }
}

#[tokio::test]
async fn other_paths_show_where_the_metrics_are() {
    let (url, asked) = master((StatusCode::OK, ANSWER)).await;
    let served = exporter(url).await;
    let answer = ask(served.address, "GET /").await;
    assert!(answer.contains("<a href='/metrics'>"), "{answer}");
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn it_ends_when_it_is_asked_by_either_method_or_told() {
    for request in [Some("GET /quitquitquit"), Some("POST /quitquitquit"), None] {
        let served = exporter("http://127.0.0.1:9".to_owned()).await;
        // A client that never asks anything does not hold it up.
        let _silent = TcpStream::connect(served.address).await.unwrap();
        match request {
            Some(request) => {
                let answer = ask(served.address, request).await;
                assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            }
            None => served.shutdown.cancel(),
        }
        let ended = tokio::time::timeout(Duration::from_secs(5), served.serving).await;
        ended.expect("it ends soon").unwrap().unwrap();
    }
}
