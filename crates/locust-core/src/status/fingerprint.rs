//! Tells one spec from another: an edit that is taken back is no edit.

use locust_api::latest::{LocustTestSpec, ResultStorage};

/// A number of the spec's content, in hexadecimal. The same content has the
/// same one, whatever its generation. What may be edited while the test runs is
/// not part of it.
pub fn fingerprint(spec: &LocustTestSpec) -> String {
    let spec = LocustTestSpec {
        thresholds: None,
        desired_state: None,
        active_deadline_seconds: None,
        start_deadline_seconds: None,
        start_policy: None,
        results: spec.results.clone().and_then(fixed),
        cleanup: None,
        ..spec.clone()
    };
    hash(&serde_json::to_string(&spec).unwrap_or_default())
}

/// The places for results that the master's pod was made for.
fn fixed(results: ResultStorage) -> Option<ResultStorage> {
    results.names_places().then_some(ResultStorage {
        config_map: None,
        ..results
    })
}

/// A number of a text, in hexadecimal.
pub(crate) fn hash(text: &str) -> String {
    format!("{:016x}", fnv1a(text.as_bytes()))
}

/// FNV-1a. Nobody gains by making two of his own specs look alike.
fn fnv1a(bytes: &[u8]) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    bytes.iter().fold(OFFSET, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(PRIME)
    })
}
