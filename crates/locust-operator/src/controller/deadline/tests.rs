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
    let mut service = DeadlineLayer::new(Term::Unlimited).layer(service_fn(silent));
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
    let mut service = DeadlineLayer::new(Term::Unlimited).layer(service_fn(silent));
    let started = Instant::now();
    service
        .call(request("/api/v1/pods?&limit=500"))
        .await
        .unwrap_err();
    assert_eq!(started.elapsed(), LIST_DEADLINE);
}

#[tokio::test(start_paused = true)]
async fn a_watch_has_no_deadline() {
    let mut service = DeadlineLayer::new(Term::Unlimited).layer(service_fn(silent));
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

fn write(method: Method) -> Request<Body> {
    let request = Request::builder().method(method);
    let request = request.uri("/apis/batch/v1/namespaces/n/jobs/j");
    request.body(Body::empty()).unwrap()
}

const WRITES: [Method; 4] = [Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

#[tokio::test(start_paused = true)]
async fn nothing_is_written_before_a_term_and_after_it() {
    let (until, receiver) = tokio::sync::watch::channel(None);
    let sent = Arc::new(Mutex::new(Vec::new()));
    let seen = sent.clone();
    let server = service_fn(move |request: Request<Body>| {
        seen.lock().unwrap().push(request.method().clone());
        async { Ok::<_, BoxError>(Response::new(Full::new(Bytes::new()))) }
    });
    let mut service = DeadlineLayer::new(Term::Elected(receiver)).layer(server);
    let mut send = async |method| service.call(write(method)).await.map(drop);
    for method in WRITES {
        let error = send(method.clone()).await.unwrap_err();
        let expected = format!(
            "{method} /apis/batch/v1/namespaces/n/jobs/j was not sent: this process does not lead, or does not any more"
        );
        assert_eq!(error.to_string(), expected);
    }
    send(Method::GET).await.unwrap();
    until.send_replace(Some(Instant::now() + Duration::from_secs(8)));
    for method in WRITES {
        send(method).await.unwrap();
    }
    tokio::time::advance(Duration::from_secs(8)).await;
    for method in WRITES {
        send(method).await.unwrap_err();
    }
    send(Method::GET).await.unwrap();
    let expected: Vec<Method> = [Method::GET].into_iter().chain(WRITES).collect();
    assert_eq!(
        *sent.lock().unwrap(),
        [expected, vec![Method::GET]].concat()
    );
}

#[tokio::test(start_paused = true)]
async fn a_write_is_given_up_when_the_term_it_was_sent_in_ends() {
    let started = Instant::now();
    let (until, receiver) = tokio::sync::watch::channel(None);
    let mut service = DeadlineLayer::new(Term::Elected(receiver)).layer(service_fn(silent));
    until.send_replace(Some(started + Duration::from_secs(8)));
    tokio::time::advance(Duration::from_secs(3)).await;
    service.call(write(Method::POST)).await.unwrap_err();
    assert_eq!(started.elapsed(), Duration::from_secs(8));
    // With much of a term left, the usual deadline holds.
    until.send_replace(Some(started + Duration::from_secs(80)));
    service.call(write(Method::POST)).await.unwrap_err();
    assert_eq!(started.elapsed(), Duration::from_secs(18));
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
