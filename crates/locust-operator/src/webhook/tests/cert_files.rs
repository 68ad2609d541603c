//! Certificates in files that somebody else looks after.

use tokio_util::sync::CancellationToken;

use super::*;

/// Connects until the certificate of `root` is shown.
async fn until_shown(server: &mut Server, root: CertificateDer<'static>) {
    server.root = root;
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while server
        .connect_with(&[&rustls::version::TLS13], &[])
        .await
        .is_err()
    {
        assert!(
            std::time::Instant::now() < deadline,
            "the certificate is not shown"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_certificate_is_read_again_when_its_files_change_and_half_a_change_is_not_used() {
    let mut server = Server::start(Protocols::Http1, Served::Both).await;
    let root = server.root.clone();
    until_shown(&mut server, root).await;
    let directory = server.directory.path().to_owned();
    let old_key = std::fs::read(directory.join("tls.key")).unwrap();
    let new = write_certificate(&directory);
    let new_key = std::fs::read(directory.join("tls.key")).unwrap();
    std::fs::write(directory.join("tls.key"), old_key).unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(
        server.convert(&[object("a")]).await.0["uid"] == "u",
        "the old one is in use"
    );
    std::fs::write(directory.join("tls.key"), new_key).unwrap();
    until_shown(&mut server, new).await;
    std::fs::remove_file(directory.join("tls.crt")).unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    server.convert(&[object("a")]).await;
}

#[tokio::test]
async fn check_54_files_that_do_not_come_end_the_server_with_what_is_missing() {
    let directory = tempfile::tempdir().unwrap();
    let wait = Some(Duration::from_secs(1));
    let identity = Identity::none();
    let keeping = server::keep(
        files(directory.path(), wait),
        identity,
        CancellationToken::new(),
    );
    let error = keeping.await.unwrap_err().to_string();
    let start = "no usable webhook certificate after 1 s (";
    assert!(error.starts_with(start), "{error}");
    assert!(
        error.contains("tls.crt: No such file or directory"),
        "{error}"
    );
    assert!(error.contains("--webhook-cert-path"), "{error}");
}

#[tokio::test]
async fn files_that_come_late_are_used() {
    let directory = tempfile::tempdir().unwrap();
    let wait = Some(Duration::from_secs(30));
    let identity = Identity::none();
    let shutdown = CancellationToken::new();
    let files = files(directory.path(), wait);
    let keeping = tokio::spawn(server::keep(files, identity.clone(), shutdown.clone()));
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert!(!keeping.is_finished());
    write_certificate(directory.path());
    let come = tokio::time::timeout(Duration::from_secs(10), identity.come()).await;
    assert!(come.is_ok());
    shutdown.cancel();
    keeping.await.unwrap().unwrap();
}
