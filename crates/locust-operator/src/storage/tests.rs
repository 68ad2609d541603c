//! What is said by places that do not take results.

use locust_api::latest::ResultBucket;
use rusty_s3::Credentials;

use super::bucket::{Bucket, content_type, words};
use super::volume::Volume;
use crate::controller::chain;

fn about(endpoint: &str) -> ResultBucket {
    ResultBucket {
        bucket: "archive".to_owned(),
        endpoint: Some(endpoint.to_owned()),
        credentials_secret: "keys".to_owned(),
        ..ResultBucket::default()
    }
}

fn bucket(about: &ResultBucket, credentials: Option<Credentials>) -> Result<Bucket, String> {
    let bucket = Bucket::new(about, "a/b".to_owned(), credentials);
    bucket.map_err(|error| chain(&error))
}

#[tokio::test]
async fn a_bucket_without_credentials_names_their_secret() {
    let bucket = bucket(&about("http://127.0.0.1:1"), None).unwrap();
    let error = bucket.put("results.json", b"{}").await.unwrap_err();
    assert_eq!(
        chain(&error),
        "Secret keys is not there, or has no AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: create it before the test"
    );
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let keys = Credentials::new("a", "b");
    let bucket = bucket(&about("http://127.0.0.1:1"), Some(keys)).unwrap();
    let error = bucket.put("results.json", b"{}").await.unwrap_err();
    let said = chain(&error);
    assert!(said.starts_with("asking 127.0.0.1: "), "{said}");
    assert!(
        said.ends_with("Connection refused (os error 111)"),
        "{said}"
    );
}

#[test]
fn certificates_that_are_none_are_told() {
    let about = ResultBucket {
        ca_bundle: Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----".to_owned()),
        ..about("https://127.0.0.1:1")
    };
    let said = bucket(&about, None).err().unwrap();
    assert_eq!(said, "caBundle holds no certificates in PEM format");
}

#[test]
fn of_a_refusal_code_and_message_are_told() {
    let body =
        "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>Not you</Message></Error>";
    assert_eq!(words(body), "AccessDenied, Not you");
    assert_eq!(words("<html>"), "");
}

#[test]
fn a_browser_shows_what_is_in_a_bucket() {
    assert_eq!(content_type("report.html"), "text/html; charset=utf-8");
    assert_eq!(content_type("stats.csv"), "text/csv; charset=utf-8");
    assert_eq!(content_type("results.json"), "application/json");
}

#[tokio::test]
async fn files_are_written_whole_and_over_those_of_before() {
    let directory = tempfile::tempdir().unwrap();
    let volume = Volume::new(directory.path().join("a/b"));
    for content in ["one", "two"] {
        volume.write("x.csv", content.as_bytes()).await.unwrap();
        let path = directory.path().join("a/b/x.csv");
        assert_eq!(std::fs::read_to_string(path).unwrap(), content);
    }
    let files = std::fs::read_dir(directory.path().join("a/b")).unwrap();
    assert_eq!(files.count(), 1, "no draft is left");
}

#[tokio::test]
async fn a_volume_that_cannot_be_written_to_says_why() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let volume = Volume::new(file.path().join("a"));
    let error = volume.write("x.csv", b"").await.unwrap_err();
    let said = chain(&error);
    assert!(said.starts_with("making the directory /"), "{said}");
    assert!(said.ends_with("Not a directory (os error 20)"), "{said}");
}
