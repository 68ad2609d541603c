//! What a target may be asked for, and that it counts exactly.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::counts::Counts;
use super::{Behaviour, Change, FailRule, Latency, Ratio, Stats, Target, serve};

const DEADLINE: Duration = Duration::from_secs(10);

fn behaviour(latency: &str, rules: &[&str]) -> Behaviour {
    let rules = rules.iter().map(|rule| rule.parse().unwrap()).collect();
    Behaviour::new(latency.parse().unwrap(), rules).unwrap()
}

#[test]
fn a_latency_is_a_number_with_a_unit() {
    for (text, millis) in [("5ms", 5), ("0s", 0), ("1.5s", 1500), ("2m", 120_000)] {
        assert_eq!(
            text.parse(),
            Ok(Latency(Duration::from_millis(millis))),
            "{text}"
        );
    }
    for text in ["", "5", "-5ms", "fast", "5 parsecs"] {
        let error = text.parse::<Latency>().unwrap_err().to_string();
        assert_eq!(
            error,
            format!(
                "{text:?} is not a latency: expected a number with a unit, such as 5ms, 0s or 1.5s"
            )
        );
    }
}

#[test]
fn a_wrong_failure_rule_is_told_which_part_is_wrong() {
    for (text, part) in [
        (
            "/pay",
            "\"/pay\" is not a failure rule: expected PATH=STATUS[:RATIO]",
        ),
        ("pay=500", "path \"pay\": expected the exact path"),
        ("/-/stats=500", "path \"/-/stats\""),
        ("/a?b=500", "path \"/a?b\""),
        (
            "/pay=200",
            "status \"200\": expected a number from 400 to 599",
        ),
        ("/pay=oops", "status \"oops\""),
        ("/pay=", "status \"\""),
        ("/pay=500:", "ratio \"\": expected a number from 0 to 1"),
        ("/pay=500:1.01", "ratio \"1.01\""),
        ("/pay=500:-1", "ratio \"-1\""),
        ("/pay=500:0.1234567", "ratio \"0.1234567\""),
        ("/pay=500:99999999999", "ratio \"99999999999\""),
    ] {
        let error = text.parse::<FailRule>().unwrap_err().to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
    let twice = vec!["/a=500".parse().unwrap(), "/a=503".parse().unwrap()];
    let error = Behaviour::new(Latency::default(), twice).unwrap_err();
    assert_eq!(
        error.to_string(),
        "path \"/a\" has more than one failure rule: expected one per path"
    );
}

#[test]
fn a_path_may_hold_an_equals_sign() {
    let rule: FailRule = "/a=b=503:0.5".parse().unwrap();
    assert_eq!(
        Behaviour::new(Latency::default(), vec![rule]).unwrap().fail["/a=b"].status,
        503
    );
}

#[test]
fn a_share_of_requests_is_exact_and_evenly_spread() {
    let hits = |ratio: &str| -> Vec<u64> {
        let ratio: Ratio = ratio.parse().unwrap();
        (1..=12).filter(|nth| ratio.hits(*nth)).collect()
    };
    assert_eq!(hits("0.25"), [4, 8, 12]);
    assert_eq!(hits("0"), [0; 0]);
    assert_eq!(hits("1"), (1..=12).collect::<Vec<_>>());
    assert_eq!(hits("1.0").len(), 12);
    let tenth: Ratio = "0.1".parse().unwrap();
    assert_eq!(
        (1..=1_000_000).filter(|nth| tenth.hits(*nth)).count(),
        100_000
    );
}

#[test]
fn a_change_replaces_what_it_names_and_keeps_the_rest() {
    let target = Target::new(behaviour("5ms", &["/a=500"]));
    let change = |latency: Option<&str>, fail: Option<&[&str]>| {
        target.change(Change {
            latency: latency.map(str::to_owned),
            fail: fail.map(|rules| rules.iter().map(|&rule| rule.to_owned()).collect()),
        })
    };
    change(Some("7ms"), None).unwrap();
    assert_eq!(target.lock().behaviour, behaviour("7ms", &["/a=500"]));
    change(None, Some(&["/b=503:0.5"])).unwrap();
    assert_eq!(target.lock().behaviour, behaviour("7ms", &["/b=503:0.5"]));
    change(Some("9ms"), Some(&["/c"])).unwrap_err();
    assert_eq!(target.lock().behaviour, behaviour("7ms", &["/b=503:0.5"]));
    change(None, Some(&[])).unwrap();
    assert_eq!(target.lock().behaviour, behaviour("7ms", &[]));
}

#[test]
fn paths_beyond_the_first_thousand_are_counted_together() {
    let mut counts = Counts::default();
    let now = Instant::now();
    for number in 0..1500 {
        let path = format!("/{number}");
        counts.receive(&path, now);
        counts.answer(&path, None);
    }
    counts.receive("/7", now);
    let stats = counts.stats(now + Duration::from_millis(30));
    assert_eq!((stats.received, stats.answered), (1501, 1500));
    assert_eq!(stats.since_last_ms, Some(30));
    assert_eq!(stats.paths.len(), 1001);
    assert_eq!(stats.paths["/7"].received, 2);
    assert_eq!(stats.paths["(other)"].received, 500);
}

/// A target on loopback, ended with the test.
struct Served {
    target: Target,
    address: std::net::SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

async fn served(behaviour: Behaviour) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let target = Target::new(behaviour);
    let stop = CancellationToken::new();
    let task = tokio::spawn(serve(
        listener,
        target.clone(),
        stop.clone().cancelled_owned(),
    ));
    Served {
        target,
        address,
        stop,
        task,
    }
}

impl Served {
    async fn send(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    /// Sends one request on its own connection: status and body.
    async fn ask(&self, line: &str, body: &str) -> (u16, String) {
        let length = body.len();
        let mut stream = self
            .send(&format!(
                "{line} HTTP/1.1\r\nhost: t\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
            ))
            .await;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, body.to_owned())
    }

    async fn wait_until(&self, what: &str, done: impl Fn(&Stats) -> bool) {
        let start = Instant::now();
        while !done(&self.target.stats()) {
            assert!(
                start.elapsed() < DEADLINE,
                "{what}: {:?}",
                self.target.stats()
            );
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn every_path_answers_ok_and_chosen_paths_fail_in_their_share() {
    let served = served(behaviour("0s", &["/pay=503:0.5", "/gone=404"])).await;
    assert_eq!(
        served.ask("GET /any/path?x=1", "").await,
        (200, "ok\n".into())
    );
    assert_eq!(served.ask("POST /any/path", "body").await.0, 200);
    assert_eq!(served.ask("GET /gone", "").await.0, 404);
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(served.ask("GET /pay", "").await.0);
    }
    assert_eq!(statuses, [200, 503, 200, 503]);

    let (status, body) = served.ask("GET /-/stats", "").await;
    let stats: Stats = serde_json::from_str(&body).unwrap();
    assert_eq!(status, 200);
    assert_eq!((stats.received, stats.answered, stats.failures), (7, 7, 3));
    assert_eq!(stats.paths["/any/path"].answered, 2);
    assert_eq!(stats.paths["/pay"].failures, 2);
    assert!(stats.since_last_ms.is_some());
}

#[tokio::test]
async fn behaviour_changes_while_it_runs_and_its_own_pages_are_not_counted() {
    let served = served(Behaviour::default()).await;
    let change = r#"{"fail": ["/a=500"]}"#;
    assert_eq!(served.ask("POST /-/behaviour", change).await.0, 204);
    assert_eq!(served.ask("GET /a", "").await.0, 500);
    for (body, part) in [
        ("{", "body: "),
        (r#"{"latenzy": "5ms"}"#, "unknown field `latenzy`"),
        (r#"{"latency": "soon"}"#, "\"soon\" is not a latency"),
    ] {
        let (status, message) = served.ask("POST /-/behaviour", body).await;
        assert_eq!(status, 400);
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(served.ask("GET /-/oops", "").await.0, 404);
    assert_eq!(served.target.stats().received, 1);
    assert_eq!(served.ask("POST /-/reset", "").await.0, 204);
    assert_eq!(served.target.stats(), Stats::default());
}

#[tokio::test]
async fn a_request_whose_client_leaves_before_the_answer_is_received_but_not_answered() {
    let served = served(behaviour("100ms", &[])).await;
    // One breaks off in the middle of its body.
    let get = served.send("GET /slow HTTP/1.1\r\nhost: t\r\n\r\n").await;
    let post = served
        .send("POST /slow HTTP/1.1\r\nhost: t\r\ncontent-length: 2000000\r\n\r\nhi")
        .await;
    served.wait_until("both arrive", |s| s.received == 2).await;
    drop((get, post));
    // This one waits as long and began later: once it is answered, the other
    // two would have been.
    assert_eq!(served.ask("GET /later", "").await.0, 200);
    let stats = served.target.stats();
    assert_eq!((stats.received, stats.answered), (3, 1));
}

#[tokio::test]
async fn counting_is_exact_under_concurrent_load() {
    let served = served(behaviour("1ms", &["/f=500:0.1"])).await;
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        clients.spawn(async move {
            for _ in 0..50 {
                stream
                    .write_all(b"GET /f HTTP/1.1\r\nhost: t\r\n\r\n")
                    .await
                    .unwrap();
                let mut answer = [0; 1024];
                assert!(stream.read(&mut answer).await.unwrap() > 0);
            }
        });
    }
    clients.join_all().await;
    let stats = served.target.stats();
    assert_eq!(
        (stats.received, stats.answered, stats.failures),
        (1000, 1000, 100)
    );
}

#[tokio::test]
async fn told_to_stop_it_ends_at_once_with_requests_in_flight() {
    let served = served(behaviour("1h", &[])).await;
    let mut waiting = served.send("GET /slow HTTP/1.1\r\nhost: t\r\n\r\n").await;
    served.wait_until("it arrives", |s| s.received == 1).await;
    served.stop.cancel();
    tokio::time::timeout(DEADLINE, served.task)
        .await
        .unwrap()
        .unwrap();
    let mut rest = Vec::new();
    let closed = tokio::time::timeout(DEADLINE, waiting.read_to_end(&mut rest)).await;
    assert!(matches!(closed, Ok(Ok(0) | Err(_))), "{closed:?}");
}
