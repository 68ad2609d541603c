//! The API server's audit log of writes: the truth about who changed what,
//! and how often.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

/// Notes every answered write request, without bodies.
pub(crate) const POLICY: &str = r#"{
  "apiVersion": "audit.k8s.io/v1",
  "kind": "Policy",
  "omitStages": ["RequestReceived"],
  "rules": [
    {"level": "Metadata", "verbs": ["create", "update", "patch", "delete", "deletecollection"]},
    {"level": "None"}
  ]
}
"#;

/// One answered write request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// Who asked: a certificate's common name, or `system:serviceaccount:…`.
    pub user: String,
    /// `create`, `update`, `patch`, `delete` or `deletecollection`.
    pub verb: String,
    /// The plural resource, such as `jobs`.
    pub resource: String,
    /// Such as `status`; empty for the object itself.
    pub subresource: String,
    /// Empty for cluster-wide objects.
    pub namespace: String,
    /// Empty for a create whose name the request did not hold.
    pub name: String,
    /// The HTTP status of the answer.
    pub code: u16,
    /// When the request came in, RFC 3339 with microseconds.
    pub timestamp: String,
}

/// As the API server writes it, one JSON object a line.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    user: User,
    verb: String,
    #[serde(default)]
    object_ref: ObjectRef,
    #[serde(default)]
    response_status: ResponseStatus,
    request_received_timestamp: String,
}

#[derive(Deserialize)]
struct User {
    #[serde(default)]
    username: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ObjectRef {
    resource: String,
    subresource: String,
    namespace: String,
    name: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ResponseStatus {
    code: u16,
}

/// All events in a log; none if it does not exist yet.
pub(crate) fn read(path: &Path) -> Result<Vec<AuditEvent>> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => {
            return Err(error).with_context(|| format!("read the audit log {}", path.display()));
        }
    };
    parse(&text).with_context(|| format!("read the audit log {}", path.display()))
}

/// The last line is being written while it has no end.
fn parse(text: &str) -> Result<Vec<AuditEvent>> {
    let complete = text
        .rfind('\n')
        .and_then(|end| text.get(..end))
        .unwrap_or("");
    complete
        .lines()
        .map(|line| {
            let line: Line = serde_json::from_str(line)?;
            Ok(AuditEvent {
                user: line.user.username,
                verb: line.verb,
                resource: line.object_ref.resource,
                subresource: line.object_ref.subresource,
                namespace: line.object_ref.namespace,
                name: line.object_ref.name,
                code: line.response_status.code,
                timestamp: line.request_received_timestamp,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{AuditEvent, parse};

    const LINE: &str = r#"{"kind":"Event","stage":"ResponseComplete","verb":"patch","user":{"username":"op"},"objectRef":{"resource":"jobs","namespace":"ns","name":"n","subresource":"status"},"responseStatus":{"code":409},"requestReceivedTimestamp":"2026-01-02T03:04:05.000006Z"}"#;

    #[test]
    fn a_line_becomes_an_event_and_an_unfinished_line_is_left_for_later() {
        let text = format!("{LINE}\n{{\"kind\":\"Ev");
        assert_eq!(
            parse(&text).unwrap(),
            [AuditEvent {
                user: "op".into(),
                verb: "patch".into(),
                resource: "jobs".into(),
                subresource: "status".into(),
                namespace: "ns".into(),
                name: "n".into(),
                code: 409,
                timestamp: "2026-01-02T03:04:05.000006Z".into(),
            }]
        );
    }
}
