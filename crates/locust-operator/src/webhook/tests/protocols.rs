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
