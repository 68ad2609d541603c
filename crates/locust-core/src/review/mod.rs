//! What the API server asks of a webhook, as text, and what it is answered.
//!
//! | file | answers |
//! |---|---|
//! | `conversion.rs`, `objects.rs` | a ConversionReview |
//! | `admission.rs` | an AdmissionReview |
//! | `verdict.rs` | what is thought of a LocustTest that is written |

mod admission;
mod conversion;
mod objects;
mod verdict;

#[cfg(test)]
mod tests;

use serde_json::Value;

pub use admission::admit;
pub use conversion::convert;
pub use verdict::{Verdict, judge};

/// What is sent back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A review with a response, as JSON.
    Review(Vec<u8>),
    /// The request was none of the reviews that this webhook knows: one line
    /// that says why, for the HTTP status 400.
    Malformed(String),
}

/// Turns one object into another version, or says why it cannot.
pub type Convert = dyn Fn(Value, &str) -> Result<Value, String> + Send + Sync;

/// `namespace/name` of an object.
fn title(object: &Value) -> String {
    let field = |name: &str| {
        let metadata = object.get("metadata");
        metadata.and_then(|metadata| metadata.get(name)?.as_str())
    };
    let name = field("name").or_else(|| field("generateName"));
    let name = name.unwrap_or("without a name");
    match field("namespace") {
        Some(namespace) => format!("{namespace}/{name}"),
        None => name.to_owned(),
    }
}
