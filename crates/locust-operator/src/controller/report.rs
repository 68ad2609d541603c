//! Sends events, after the status is stored. An event that cannot be sent is
//! logged and forgotten: the status says the same.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event as ApiEvent;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::PostParams;
use kube::{Api, Client, Resource};
use locust_api::latest::LocustTest;
use locust_core::events::{Event, Severity};

/// Component name of the events, as the Go operator's.
const REPORTER: &str = "locusttest-controller";
/// Longest note that the API server takes, in bytes.
const MAX_NOTE: usize = 1024;

/// Sends events about a test, in order.
pub(super) async fn report(client: &Client, instance: &str, test: &ObjectMeta, events: &[Event]) {
    let namespace = test.namespace.as_deref().unwrap_or_default();
    let api = Api::<ApiEvent>::namespaced(client.clone(), namespace);
    for event in events {
        tracing::info!(reason = event.reason, note = event.note, "event");
        if let Err(error) = api
            .create(&PostParams::default(), &api_event(instance, test, event))
            .await
        {
            tracing::warn!(%error, reason = event.reason, "event could not be sent");
        }
    }
}

fn api_event(instance: &str, test: &ObjectMeta, event: &Event) -> ApiEvent {
    let Event {
        severity,
        reason,
        action,
        note,
    } = event;
    let now = Timestamp::now();
    let type_ = match severity {
        Severity::Normal => "Normal",
        Severity::Warning => "Warning",
    };
    ApiEvent {
        metadata: ObjectMeta {
            name: Some(format!(
                "{}.{:x}",
                test.name.as_deref().unwrap_or_default(),
                now.as_nanosecond()
            )),
            namespace: test.namespace.clone(),
            ..Default::default()
        },
        type_: Some(type_.to_owned()),
        reason: Some((*reason).to_owned()),
        action: Some((*action).to_owned()),
        note: Some(shortened(note)),
        event_time: Some(MicroTime(now)),
        reporting_controller: Some(REPORTER.to_owned()),
        reporting_instance: Some(instance.to_owned()),
        regarding: Some(ObjectReference {
            api_version: Some(LocustTest::api_version(&()).into_owned()),
            kind: Some(LocustTest::kind(&()).into_owned()),
            name: test.name.clone(),
            namespace: test.namespace.clone(),
            uid: test.uid.clone(),
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn shortened(note: &str) -> String {
    let mut end = note.len().min(MAX_NOTE);
    while !note.is_char_boundary(end) {
        end -= 1;
    }
    note.get(..end).unwrap_or_default().to_owned()
}
