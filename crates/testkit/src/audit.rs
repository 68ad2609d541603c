//! The API server's audit log: the truth about who changed what, who asked for
//! what, and how often.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

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

/// A log that grows, and how far it was read.
#[derive(Debug)]
pub(crate) struct Log {
    path: PathBuf,
    read: Mutex<Read>,
}

#[derive(Debug, Default)]
struct Read {
    /// Where the first line begins that was not read.
    offset: u64,
    events: Vec<AuditEvent>,
}

impl Log {
    /// The log of an API server that is about to start.
    pub(crate) fn from_its_beginning(path: PathBuf) -> Self {
        let read = Mutex::default();
        Self { path, read }
    }

    /// What an API server will note from now on. All that other tests did
    /// before is long to read.
    pub(crate) fn from_now(path: PathBuf) -> Result<Self> {
        let log = Self::from_its_beginning(path);
        let text = log.unread(0)?;
        let offset = u64::try_from(complete(&text).len())?;
        let events = Vec::new();
        *log.read.lock().unwrap_or_else(PoisonError::into_inner) = Read { offset, events };
        Ok(log)
    }

    /// All events so far; none if the log does not exist yet.
    pub(crate) fn events(&self) -> Result<Vec<AuditEvent>> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let text = self.unread(read.offset)?;
        let complete = complete(&text);
        let events = parse(complete)
            .with_context(|| format!("read the audit log {}", self.path.display()))?;
        read.offset += u64::try_from(complete.len())?;
        read.events.extend(events);
        Ok(read.events.clone())
    }

    fn unread(&self, offset: u64) -> Result<String> {
        let read = || {
            let mut file = match File::open(&self.path) {
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(String::new()),
                file => file?,
            };
            file.seek(SeekFrom::Start(offset))?;
            let mut text = String::new();
            file.read_to_string(&mut text).map(|_| text)
        };
        read().with_context(|| format!("read the audit log {}", self.path.display()))
    }
}

/// Without the last line, which is being written while it has no end.
fn complete(text: &str) -> &str {
    let end = text.rfind('\n').map_or(0, |last| last + 1);
    text.get(..end).unwrap_or_default()
}

fn parse(lines: &str) -> Result<Vec<AuditEvent>> {
    let mut events = Vec::new();
    for line in lines.lines() {
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
    use std::fs;

    use super::{AuditEvent, Log, parse};

    const LINE: &str = r#"{"kind":"Event","stage":"ResponseComplete","requestURI":"/apis/batch/v1/namespaces/ns/jobs/n/status?x=1","verb":"patch","user":{"username":"op"},"objectRef":{"resource":"jobs","namespace":"ns","name":"n","subresource":"status"},"responseStatus":{"code":409},"requestReceivedTimestamp":"2026-01-02T03:04:05.000006Z"}"#;

    #[test]
    fn a_line_becomes_an_event() {
        assert_eq!(
            parse(LINE).unwrap(),
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
    fn a_log_is_read_on_from_where_it_was_read_to_and_an_unfinished_line_later() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.log");
        let log = Log::from_its_beginning(path.clone());
        assert_eq!(log.events().unwrap(), []);
        let (beginning, end) = LINE.split_at(100);
        let counts = |log: &Log| log.events().unwrap().len();
        fs::write(&path, format!("{LINE}\n{beginning}")).unwrap();
        let later = Log::from_now(path.clone()).unwrap();
        assert_eq!((counts(&log), counts(&later)), (1, 0));
        fs::write(&path, format!("{LINE}\n{beginning}{end}\n{LINE}\n")).unwrap();
        assert_eq!((counts(&log), counts(&later)), (3, 2));
        assert_eq!((counts(&log), counts(&later)), (3, 2));
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
