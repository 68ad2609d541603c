//! Many masters at a time, of which some are dead and some are slow.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::StreamExt;
use futures::channel::mpsc;
use kube::runtime::{reflector, watcher};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use locust_core::judgement::Making;
use locust_core::locust::{RunPhase, RunWatch, Strain};

const MASTERS: u16 = 1_000;
/// Within this long every master that answers has been heard.
const SOON: Duration = Duration::from_secs(15);

/// How a master behaves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    Fine,
    Dead,
    Slow,
}

/// Each has an address of its own.
fn address(master: u16) -> Ipv4Addr {
    let [high, low] = master.to_be_bytes();
    Ipv4Addr::new(127, 90, high, low)
}

fn manner(address: SocketAddr) -> Manner {
    let SocketAddr::V4(address) = address else {
        return Manner::Dead;
    };
    let [.., high, low] = address.ip().octets();
    match u16::from_be_bytes([high, low]) % 10 {
        0 => Manner::Dead,
        1 => Manner::Slow,
        _ => Manner::Fine,
    }
}

/// Plays all masters on one port. Returns it, and the most that were asked at a
/// time.
async fn play() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (open, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let most_open = most.clone();
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let open = open.clone();
            let now = open.fetch_add(1, Ordering::SeqCst) + 1;
            most_open.fetch_max(now, Ordering::SeqCst);
            tokio::spawn(answer(connection, open));
        }
    });
    (port, most)
}

/// `open` counts those that are yet to be answered.
async fn answer(mut connection: TcpStream, open: Arc<AtomicUsize>) -> std::io::Result<()> {
    let body = json!({ "state": "running", "user_count": 1, "stats": [{ "num_requests": 9 }] });
    let body = body.to_string();
    let length = body.len();
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}");
    let mut asked = [0; 1024];
    let _ = connection.read(&mut asked).await?;
    match manner(connection.local_addr()?) {
        Manner::Fine => {
            open.fetch_sub(1, Ordering::SeqCst);
            connection.write_all(answer.as_bytes()).await?;
        }
        Manner::Slow => {
            for byte in answer.bytes() {
                connection.write_all(&[byte]).await?;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        Manner::Dead => {}
    }
    // Until the other end gives up.
    while connection.read(&mut asked).await? > 0 {}
    Ok(())
}

fn test_of(master: u16) -> LocustTest {
    serde_json::from_value(json!({
        "apiVersion": "locust.io/v2",
        "kind": "LocustTest",
        "metadata": { "name": format!("test-{master}"), "namespace": "n", "uid": master.to_string() },
        "spec": { "image": "x", "master": { "command": "" }, "worker": { "command": "", "replicas": 1 } },
    }))
    .unwrap()
}

fn source(master: u16, port: u16) -> Source {
    Source::Master(Box::new(Master {
        pod: format!("pod-{master}"),
        address: (address(master), port).into(),
        base_path: String::new(),
        workers: String::new(),
        image_version: None,
        run_time: None,
        users: None,
        wanted_workers: None,
        load_began: None,
        thresholds: Vec::new(),
        wants_report: false,
        report_room: 0,
        sidecar: None,
        order: None,
    }))
}

/// A store that has all tests.
fn store() -> Store<Known> {
    let (store, mut writer) = reflector::store();
    writer.apply_watcher_event(&watcher::Event::Init);
    for master in 0..MASTERS {
        let known = serde_json::to_value(test_of(master)).unwrap();
        let known: Known = serde_json::from_value(known).unwrap();
        writer.apply_watcher_event(&watcher::Event::InitApply(known));
    }
    writer.apply_watcher_event(&watcher::Event::InitDone);
    store
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn masters_that_do_not_answer_hold_up_no_look_and_no_other_master() {
    let (port, most) = play().await;
    let (news, mut told) = mpsc::unbounded();
    let pollers = Pollers::new(store(), news);
    let begun = Instant::now();
    for master in 0..MASTERS {
        assert_eq!(
            pollers.follow(&test_of(master), source(master, port)),
            Some(nothing())
        );
    }
    let looks = begun.elapsed();
    assert!(
        looks < Duration::from_secs(1),
        "a thousand looks took {looks:?}"
    );

    let fine = (0..MASTERS).filter(|master| {
        let address = (address(*master), port).into();
        manner(address) == Manner::Fine
    });
    let mut unheard: std::collections::BTreeSet<String> =
        fine.map(|master| format!("test-{master}")).collect();
    let all_heard = async {
        while !unheard.is_empty() {
            let test = told.next().await.unwrap();
            unheard.remove(&test.name);
        }
    };
    tokio::time::timeout(SOON, all_heard).await.ok();
    assert_eq!(unheard.len(), 0, "unheard after {SOON:?}: {unheard:?}");
    let most = most.load(Ordering::SeqCst);
    println!(
        "all were heard after {:?}, {most} at a time",
        begun.elapsed()
    );
    assert!(most <= AT_A_TIME, "{most} were asked at a time");
    let heard = pollers.follow(&test_of(2), source(2, port)).unwrap();
    assert_eq!(heard.numbers.unwrap().totals.requests, 9);
}

#[tokio::test]
async fn a_test_that_is_over_or_gone_is_asked_no_more() {
    let (port, _) = play().await;
    let (news, mut told) = mpsc::unbounded();
    let pollers = Pollers::new(store(), news);
    pollers.follow(&test_of(2), source(2, port));
    told.next().await.unwrap();
    let heard = pollers.follow(&test_of(2), Source::Nobody);
    assert!(heard.unwrap().numbers.is_some(), "the last words are kept");
    pollers.forget(&test_of(2));
    assert_eq!(pollers.follow(&test_of(2), Source::Nobody), None);

    let unknown = MASTERS + 2;
    pollers.follow(&test_of(unknown), source(unknown, port));
    let ended = async {
        while pollers.shared.lock().contains_key(&unknown.to_string()) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(SOON, ended).await.unwrap();
}

#[tokio::test]
async fn another_pod_of_a_test_is_another_master() {
    let (port, _) = play().await;
    let (news, mut told) = mpsc::unbounded();
    let pollers = Pollers::new(store(), news);
    pollers.follow(&test_of(2), source(2, port));
    told.next().await.unwrap();
    let Source::Master(mut other) = source(2, port) else {
        unreachable!()
    };
    other.pod = "another".to_owned();
    let heard = pollers.follow(&test_of(2), Source::Master(other));
    assert_eq!(
        heard,
        Some(nothing()),
        "what the first said is not of this one"
    );
}

fn nothing() -> Heard {
    Heard {
        phase: RunPhase::Starting,
        numbers: None,
        top: Arc::default(),
        load_ended: None,
        version: None,
        standings: Vec::new(),
        making: Making::of(&RunWatch::new(None), Strain::default(), None),
        report: None,
        outcome: None,
        silence: None,
    }
}
