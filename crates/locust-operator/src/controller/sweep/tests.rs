//! Tests of when the tests are listed anew.

use std::sync::Mutex;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Request, Response};
use kube::client::Body;
use kube::runtime::reflector;
use locust_core::settings::Settings;
use serde_json::{Value, json};
use tower::service_fn;

use super::*;
use crate::controller::children::Children;
use crate::controller::last_seen::LastSeen;
use crate::controller::memory::Memory;
use crate::controller::meters::Meters;
use crate::controller::polling::Pollers;

/// Longer than all first waits together.
const LONG: Duration = Duration::from_secs(60);

/// A cluster whose lists have a test that no watch tells of.
fn context() -> Context {
    context_of(&json!({}), Arc::default())
}

/// A cluster whose lists have one test, and this about the list. Every request
/// is noted.
fn context_of(metadata: &Value, asked: Arc<Mutex<Vec<String>>>) -> Context {
    let list = json!({
        "apiVersion": "meta.k8s.io/v1",
        "kind": "PartialObjectMetadataList",
        "metadata": metadata,
        "items": [{ "metadata": { "name": "untold", "namespace": "n" } }],
    });
    let list = list.to_string();
    let api_server = service_fn(move |request: Request<Body>| {
        let query = request.uri().query().unwrap_or_default();
        asked.lock().unwrap().push(query.to_owned());
        let answer = Response::new(Full::new(Bytes::from(list.clone())));
        async move { Ok::<_, std::convert::Infallible>(answer) }
    });
    let tests = reflector::store().0;
    let news = futures::channel::mpsc::unbounded().0;
    Context {
        client: Client::new(api_server, "n"),
        caches: Caches {
            tests: tests.clone(),
            jobs: Children::by_name(),
            services: Children::by_name(),
            pods: Children::by_name(),
            last_seen: LastSeen::default(),
        },
        settings: Settings::default(),
        instance: "i".to_owned(),
        memory: Memory::default(),
        meters: Meters::default(),
        pollers: Pollers::new(tests, news),
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_under_way_is_not_begun_again() {
    let (count, listed) = watch::channel(0);
    let (relist, relisted) = watch::channel(0);
    let listings = Listings { listed, relist };
    let _sweeps = tokio::spawn(sweep(Arc::new(context()), Scope::Cluster, listings));
    let mut asked = Vec::new();
    for lists in [0, 1, 2] {
        count.send_replace(lists);
        tokio::time::sleep(LONG).await;
        asked.push(*relisted.borrow());
    }
    assert_eq!(
        asked,
        [0, 1, 2],
        "asked for another before, after one, after two"
    );
}

#[tokio::test]
async fn tests_are_looked_at_by_name_only_where_their_number_differs() {
    for (metadata, number) in [
        (json!({}), Some(1)),
        (json!({ "continue": "" }), Some(1)),
        (
            json!({ "continue": "x", "remainingItemCount": 41 }),
            Some(42),
        ),
        (json!({ "continue": "x" }), None),
    ] {
        let context = context_of(&metadata, Arc::default());
        let said = super::number(&context.client, &Scope::Cluster).await;
        assert_eq!(said.unwrap(), number, "{metadata}");
    }
    let asked = Arc::default();
    let context = context_of(&json!({}), Arc::clone(&asked));
    let missing = missing_by_number(&context.client, &Scope::Cluster, &context.caches).await;
    assert_eq!(missing.unwrap(), 1);
    assert_eq!(*asked.lock().unwrap(), ["&limit=1", "&limit=200"]);
}
