//! Tests of when the tests are listed anew.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Request, Response};
use kube::client::Body;
use kube::runtime::reflector;
use locust_core::settings::Settings;
use tower::service_fn;

use super::*;
use crate::controller::children::Children;
use crate::controller::last_seen::LastSeen;
use crate::controller::memory::Memory;
use crate::controller::polling::Pollers;

/// Longer than all first waits together.
const LONG: Duration = Duration::from_secs(60);

/// A cluster whose lists have a test that no watch tells of.
fn context() -> Context {
    let list = serde_json::json!({
        "apiVersion": "meta.k8s.io/v1",
        "kind": "PartialObjectMetadataList",
        "metadata": {},
        "items": [{ "metadata": { "name": "untold", "namespace": "n" } }],
    });
    let list = list.to_string();
    let api_server = service_fn(move |_: Request<Body>| {
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
