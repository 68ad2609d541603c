//! Many copies of objects, written beside the API server into its store. What
//! takes it ten writes and a controller each is here one put: ten thousand
//! finished tests are there in seconds, just as the API server itself stored
//! the first one.

use anyhow::{Context, Result, ensure};
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use k8s_openapi::ByteString;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::client::Network;

const ETCD: &str = "http://127.0.0.1:2379/v3/kv";
/// Puts in one request; etcd takes 128 and 1.5 MB.
const BATCH: usize = 60;
/// Where the copied kinds are stored.
const FOLDERS: [&str; 4] = ["locust.io/locusttests", "services/specs", "jobs", "pods"];
/// A UID is as long as this, and its last digits number the copies.
const UID: usize = 36;
const DIGITS: usize = 6;

#[derive(Serialize)]
struct Range {
    key: ByteString,
    range_end: ByteString,
}

#[derive(Deserialize)]
struct Found {
    #[serde(default)]
    kvs: Vec<Pair>,
}

#[derive(Clone, Deserialize, Serialize)]
struct Pair {
    key: ByteString,
    value: ByteString,
}

#[derive(Serialize)]
struct Transaction {
    success: Vec<Put>,
}

#[derive(Serialize)]
struct Put {
    #[serde(rename = "requestPut")]
    put: Pair,
}

#[derive(Deserialize)]
struct Answer {
    succeeded: bool,
}

/// Copies the LocustTest `PREFIX-00000` of a namespace, with its Service, Jobs
/// and pods, to `PREFIX-00001` and so on. Every copy has UIDs of its own.
pub(crate) async fn copy_tests(
    network: &Network,
    namespace: &str,
    prefix: &str,
    copies: usize,
) -> Result<()> {
    let name = numbered(prefix, 0);
    let mut originals = Vec::new();
    for folder in FOLDERS {
        let key = format!("/registry/{folder}/{namespace}/{name}");
        let range = Range {
            range_end: ByteString(format!("{key}\u{7f}").into_bytes()),
            key: ByteString(key.into_bytes()),
        };
        let found: Found = ask(network, "range", &range).await?;
        ensure!(!found.kvs.is_empty(), "{name} has nothing in {folder}");
        let found = found.kvs.into_iter();
        originals.extend(found.map(|Pair { key, value }| {
            (
                Original::of(key.0, name.as_bytes()),
                Original::of(value.0, name.as_bytes()),
            )
        }));
    }
    let mut puts = Vec::new();
    for number in 1..=copies {
        for (key, value) in &originals {
            let put = Pair {
                key: ByteString(key.copy(prefix, number)),
                value: ByteString(value.copy(prefix, number)),
            };
            puts.push(Put { put });
        }
        if puts.len() >= BATCH || number == copies {
            let success = std::mem::take(&mut puts);
            let answer: Answer = ask(network, "txn", &Transaction { success }).await?;
            ensure!(
                answer.succeeded,
                "etcd did not take copy {number} of {name}"
            );
        }
    }
    Ok(())
}

fn numbered(prefix: &str, number: usize) -> String {
    format!("{prefix}-{number:05}")
}

/// What is copied, and where in it names and UIDs begin. These keep their
/// lengths, so that a copy is right in any encoding.
struct Original {
    bytes: Vec<u8>,
    names: Vec<usize>,
    uids: Vec<usize>,
}

impl Original {
    fn of(bytes: Vec<u8>, name: &[u8]) -> Self {
        let places = |length: usize, is_found: &dyn Fn(&[u8]) -> bool| {
            let windows = bytes.windows(length).enumerate();
            windows
                .filter(|(_, window)| is_found(window))
                .map(|(place, _)| place)
                .collect()
        };
        Self {
            names: places(name.len(), &|window| window == name),
            uids: places(UID, &is_uid),
            bytes,
        }
    }

    fn copy(&self, prefix: &str, number: usize) -> Vec<u8> {
        let name = numbered(prefix, number);
        let digits = format!("{number:0DIGITS$x}");
        let names = self.names.iter().map(|place| (*place, name.as_bytes()));
        let ends = self.uids.iter().map(|place| place + UID - DIGITS);
        let uids = ends.map(|place| (place, digits.as_bytes()));
        let mut copy = self.bytes.clone();
        for (place, new) in names.chain(uids) {
            if let Some(old) = copy.get_mut(place..place + new.len()) {
                old.copy_from_slice(new);
            }
        }
        copy
    }
}

fn is_uid(text: &[u8]) -> bool {
    text.iter().enumerate().all(|(place, byte)| match place {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase(),
    })
}

/// One request to etcd's JSON gateway.
async fn ask<A: DeserializeOwned>(
    network: &Network,
    method: &str,
    question: &impl Serialize,
) -> Result<A> {
    let request = Request::post(format!("{ETCD}/{method}"))
        .body(Full::new(Bytes::from(serde_json::to_vec(question)?)))?;
    let http = Client::builder(TokioExecutor::new()).build(network.clone());
    let answer = http
        .request(request)
        .await
        .with_context(|| format!("ask etcd for {method}"))?;
    let body = answer.into_body().collect().await?.to_bytes();
    serde_json::from_slice(&body).with_context(|| {
        let text = String::from_utf8_lossy(&body);
        format!("read what etcd says to {method}: {text}")
    })
}

#[cfg(test)]
mod tests {
    use super::Original;

    #[test]
    fn a_copy_has_a_name_and_uids_of_its_own_and_the_same_length() {
        let original = b"\x05seed-00000-worker/1ab1b42c-0d8b-4ea0-92ac-26e2d2f5a6b8,\xff1ab1b42c";
        let copy = Original::of(original.to_vec(), b"seed-00000").copy("seed", 4660);
        let expected = b"\x05seed-04660-worker/1ab1b42c-0d8b-4ea0-92ac-26e2d2001234,\xff1ab1b42c";
        assert_eq!(copy, expected);
    }
}
