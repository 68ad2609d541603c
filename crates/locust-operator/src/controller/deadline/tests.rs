//! Tests of the deadline layer, with the clock paused.

use http_body_util::StreamBody;
use hyper::body::Frame;
use tower::service_fn;

use super::*;

type Frames = futures::stream::Pending<Result<Frame<Bytes>, BoxError>>;

/// A server that sends headers and then nothing.
async fn silent(_: Request<Body>) -> Result<Response<StreamBody<Frames>>, BoxError> {
    Ok(Response::new(StreamBody::new(futures::stream::pending())))
}

fn request(uri: &str) -> Request<Body> {
    Request::get(uri).body(Body::empty()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_ends_is_given_up() {
    let mut service = DeadlineLayer::default().layer(service_fn(silent));
    let started = Instant::now();
    let error = service
        .call(request("/api/v1/namespaces/n/pods/p"))
        .await
        .unwrap_err();
    assert_eq!(started.elapsed(), OBJECT_DEADLINE);
    assert_eq!(
        error.to_string(),
        "no answer to GET /api/v1/namespaces/n/pods/p within 10 s"
    );
}

#[tokio::test(start_paused = true)]
async fn a_page_of_a_list_gets_more_time_than_an_object() {
    let mut service = DeadlineLayer::default().layer(service_fn(silent));
    let started = Instant::now();
    service
        .call(request("/api/v1/pods?&limit=500"))
        .await
        .unwrap_err();
    assert_eq!(started.elapsed(), LIST_DEADLINE);
}

#[tokio::test(start_paused = true)]
async fn a_watch_has_no_deadline() {
    let mut service = DeadlineLayer::default().layer(service_fn(silent));
    let answer = service
        .call(request("/api/v1/pods?&watch=true"))
        .await
        .unwrap();
    let hour = Duration::from_secs(3600);
    assert!(
        tokio::time::timeout(hour, answer.into_body().collect())
            .await
            .is_err()
    );
}

#[test]
fn watches_closed_at_once_are_opened_ever_less_often() {
    let watches = Watches::default();
    let mut now = Instant::now();
    let pauses: Vec<u64> = (0..8)
        .map(|_| {
            let pause = watches.open("/api/v1/pods", now);
            now += pause;
            pause.as_secs()
        })
        .collect();
    assert_eq!(pauses, [0, 1, 2, 4, 8, 16, 30, 30]);
    now += SHORT_WATCH + LONGEST_PAUSE;
    assert_eq!(watches.open("/api/v1/pods", now), Duration::ZERO);
}
