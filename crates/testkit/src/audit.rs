//! The API server's audit log: the truth about who changed what, who asked for
//! what, and how often.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

/// Notes every answered write, and what an operator reads of its own kind and
/// of its children, without bodies. Kubernetes' own components and the
/// administrator, who polls in tests, read too much to be noted.
pub(crate) const POLICY: &str = r#"{
  "apiVersion": "audit.k8s.io/v1",
  "kind": "Policy",
  "omitStages": ["RequestReceived"],
  "rules": [
    {"level": "Metadata", "verbs": ["create", "update", "patch", "delete", "deletecollection"]},
    {"level": "None", "userGroups": ["system:serviceaccounts", "system:nodes"]},
    {"level": "None", "users": [
      "system:apiserver",
      "system:kube-controller-manager",
      "system:kube-scheduler",
      "admin"
    ]},
    {"level": "Metadata", "resources": [
      {"group": "", "resources": ["pods", "services", "events"]},
      {"group": "batch"},
      {"group": "events.k8s.io"},
      {"group": "locust.io"}
    ]},
    {"level": "None"}
  ]
}
"#;

/// One answered request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// Who asked: a certificate's common name, or `system:serviceaccount:…`.
    pub user: String,
    /// `create`, `update`, `patch`, `delete`, `deletecollection`, `get`, `list`
    /// or `watch`.
    pub verb: String,
    /// Path and query, as it was asked for.
    pub uri: String,
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

impl AuditEvent {
    /// Whether it reads and changes nothing.
    #[must_use]
    pub fn is_read(&self) -> bool {
        matches!(self.verb.as_str(), "get" | "list" | "watch")
    }
}

/// As the API server writes it, one JSON object a line.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    stage: Stage,
    user: User,
    verb: String,
    #[serde(rename = "requestURI")]
    uri: String,
    #[serde(default)]
    object_ref: ObjectRef,
    #[serde(default)]
    response_status: ResponseStatus,
    request_received_timestamp: String,
}

/// A watch is noted when it begins and when it ends.
#[derive(Deserialize, PartialEq)]
enum Stage {
    ResponseStarted,
    #[serde(other)]
    Ended,
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
    let mut events = Vec::new();
    for line in complete.lines() {
        let line: Line = serde_json::from_str(line)?;
        if (line.stage == Stage::ResponseStarted) != (line.verb == "watch") {
            continue;
        }
        events.push(AuditEvent {
            user: line.user.username,
            verb: line.verb,
            uri: line.uri,
            resource: line.object_ref.resource,
            subresource: line.object_ref.subresource,
            namespace: line.object_ref.namespace,
            name: line.object_ref.name,
            code: line.response_status.code,
            timestamp: line.request_received_timestamp,
        });
    }
    Ok(events)
}

#[cfg(test)]
mod tests {
    use super::{AuditEvent, parse};

    const LINE: &str = r#"{"kind":"Event","stage":"ResponseComplete","requestURI":"/apis/batch/v1/namespaces/ns/jobs/n/status?x=1","verb":"patch","user":{"username":"op"},"objectRef":{"resource":"jobs","namespace":"ns","name":"n","subresource":"status"},"responseStatus":{"code":409},"requestReceivedTimestamp":"2026-01-02T03:04:05.000006Z"}"#;

    #[test]
    fn a_line_becomes_an_event_and_an_unfinished_line_is_left_for_later() {
        let text = format!("{LINE}\n{{\"kind\":\"Ev");
        assert_eq!(
            parse(&text).unwrap(),
            [AuditEvent {
                user: "op".into(),
                verb: "patch".into(),
                uri: "/apis/batch/v1/namespaces/ns/jobs/n/status?x=1".into(),
                resource: "jobs".into(),
                subresource: "status".into(),
                namespace: "ns".into(),
                name: "n".into(),
                code: 409,
                timestamp: "2026-01-02T03:04:05.000006Z".into(),
            }]
        );
    }

    #[test]
    fn a_watch_is_one_event_from_its_beginning_on() {
        let started = LINE
            .replace("\"patch\"", "\"watch\"")
            .replace("ResponseComplete", "ResponseStarted");
        let ended = LINE.replace("\"patch\"", "\"watch\"");
        let events = parse(&format!("{started}\n{ended}\n{LINE}\n")).unwrap();
        let verbs: Vec<&str> = events.iter().map(|event| event.verb.as_str()).collect();
        assert_eq!(verbs, ["watch", "patch"]);
    }
}
