//! TLS and HTTP as they are offered.

use hyper_util::rt::TokioExecutor;
use rustls::version::{TLS12, TLS13};

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
