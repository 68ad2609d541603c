//! TLS and HTTP as they are offered.

use hyper_util::rt::TokioExecutor;
use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

#[tokio::test]
async fn tls_12_and_13_are_spoken_and_http_2_only_if_asked_for() {
    let both: &[&[u8]] = &[b"h2", b"http/1.1"];
    for (protocols, expected) in [
        (Protocols::Http1, b"http/1.1".as_slice()),
        (Protocols::Http1AndHttp2, b"h2".as_slice()),
    ] {
        let server = Server::start(protocols, Served::Both).await;
        for version in [&TLS12, &TLS13] {
            let stream = server.connect_with(&[version], both).await.unwrap();
            let (_, tls) = stream.get_ref();
            assert_eq!(tls.protocol_version(), Some(version.version));
            assert_eq!(tls.alpn_protocol(), Some(expected));
        }
        let only_h2 = server.connect_with(&[&TLS13], &[b"h2"]).await;
        assert_eq!(only_h2.is_ok(), protocols == Protocols::Http1AndHttp2);
    }
}

#[tokio::test]
async fn http_2_is_answered_where_it_is_offered_and_nowhere_else() {
    for protocols in [Protocols::Http1, Protocols::Http1AndHttp2] {
        let server = Server::start(protocols, Served::Both).await;
        // Without a word about it in TLS, by the preface alone.
        let stream = server.connect_with(&[&TLS13], &[]).await.unwrap();
        let stream = TokioIo::new(stream);
        let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await;
        let (mut sender, connection) = handshake.unwrap();
        tokio::spawn(connection);
        let request = Request::post("https://localhost/convert")
            .body(Full::<Bytes>::from(conversion(&[object("a")])))
            .unwrap();
        let answer = sender.send_request(request).await;
        match protocols {
            Protocols::Http1 => assert!(answer.is_err()),
            Protocols::Http1AndHttp2 => assert_eq!(answer.unwrap().status(), StatusCode::OK),
        }
    }
}

/// The first message of a client that speaks no newer TLS than this, and a
/// cipher that each of them knows.
fn client_hello(version: [u8; 2]) -> Vec<u8> {
    let random = [7; 32];
    let (no_session, ciphers, no_compression) = ([0], [0, 2, 0xc0, 0x13], [1, 0]);
    let signatures = [0, 8, 0, 13, 0, 4, 0, 2, 4, 3];
    let choices = [&no_session[..], &ciphers, &no_compression, &signatures].concat();
    let body = [&version[..], &random, &choices].concat();
    let length = u8::try_from(body.len()).unwrap();
    let head = [0x16, 3, 1, 0, length + 4, 1, 0, 0, length];
    [&head[..], &body].concat()
}

#[tokio::test]
async fn older_tls_is_refused_for_being_old() {
    let server = Server::start(Protocols::Http1, Served::Both).await;
    server.convert(&[object("a")]).await;
    for (version, is_old) in [([3, 1], true), ([3, 2], true), ([3, 3], false)] {
        let mut stream = TcpStream::connect(("127.0.0.1", server.port))
            .await
            .unwrap();
        stream.write_all(&client_hello(version)).await.unwrap();
        let mut answer = [0; 7];
        stream.read_exact(&mut answer).await.unwrap();
        let [kind, _, _, _, _, level, why] = answer;
        assert_eq!((kind, level), (21, 2), "a fatal alert");
        // 70 is protocol_version. A hello of TLS 1.2 is understood and lacks
        // something else.
        assert_eq!(why == 70, is_old, "{version:?}: {why}");
    }
}

/// Sends a conversion on a connection that stays, and returns its answer.
async fn ask(sender: &mut http1::SendRequest<Full<Bytes>>) -> Response<hyper::body::Incoming> {
    let request = Request::post("/convert")
        .body(Full::<Bytes>::from(conversion(&[object("a")])))
        .unwrap();
    sender.ready().await.unwrap();
    sender.send_request(request).await.unwrap()
}

/// A connection that stays, and its end.
async fn http_1(server: &Server) -> (http1::SendRequest<Full<Bytes>>, JoinHandle<()>) {
    let stream = TokioIo::new(server.connect().await);
    let (sender, connection) = http1::handshake(stream).await.unwrap();
    (sender, tokio::spawn(async { connection.await.unwrap() }))
}

async fn ends(connection: JoinHandle<()>) {
    let ended = tokio::time::timeout(Duration::from_secs(10), connection).await;
    ended.expect("the connection is to end").unwrap();
}

#[tokio::test]
async fn who_asks_a_server_that_is_to_leave_is_answered_and_told() {
    let server = Server::start(Protocols::Http1, Served::Both).await;
    let (mut busy, mut idle) = (http_1(&server).await, http_1(&server).await);
    for (sender, _) in [&mut busy, &mut idle] {
        let answer = ask(sender).await;
        assert_eq!(answer.headers().get("connection"), None);
        read(answer).await;
    }
    server.end.leaving.cancel();
    let new = http_1(&server).await;
    for (mut sender, connection) in [busy, new] {
        let answer = ask(&mut sender).await;
        assert_eq!(answer.headers()["connection"], "close");
        assert_eq!(read(answer).await.0, StatusCode::OK);
        ends(connection).await;
    }
    // One that is not used cannot be told: it is closed at the end.
    assert!(!idle.1.is_finished());
    let port = server.port;
    server.stop().await.unwrap();
    ends(idle.1).await;
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
}

#[tokio::test]
async fn http_2_is_told_at_once_that_a_server_is_to_leave() {
    let server = Server::start(Protocols::Http1AndHttp2, Served::Both).await;
    let connect = async || {
        let stream = server.connect_with(&[&TLS13], &[b"h2"]).await.unwrap();
        let stream = TokioIo::new(stream);
        let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await;
        let (sender, connection) = handshake.unwrap();
        (sender, tokio::spawn(async { connection.await.unwrap() }))
    };
    let request = || {
        Request::post("https://localhost/convert")
            .body(Full::<Bytes>::from(conversion(&[object("a")])))
            .unwrap()
    };
    let (mut old, ended) = connect().await;
    assert_eq!(
        read(old.send_request(request()).await.unwrap()).await.0,
        StatusCode::OK
    );
    server.end.leaving.cancel();
    ends(ended).await;
    let (mut new, _) = connect().await;
    let answer = new.send_request(request()).await.unwrap();
    assert_eq!(answer.headers().get("connection"), None);
    assert_eq!(read(answer).await.0, StatusCode::OK);
}
