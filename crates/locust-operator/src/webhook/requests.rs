//! What is asked of the server, and in which bounds: one POST, one answer.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode, Version};
use locust_core::review::{self, Answer, Convert};
use locust_core::settings::Settings;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;

use crate::server::Answers;
use crate::server::connections::Place;
use crate::server::connections::rules::Stage;

const CONVERT: &str = "/convert";
const VALIDATE: &str = "/validate-locust-io-v2-locusttest";

/// The longest AdmissionReview.
const LONGEST_ADMISSION: usize = 8 << 20;
/// The longest ConversionReview: the API server sends whole lists.
const LONGEST_CONVERSION: usize = 128 << 20;
/// Of longer ones only one is held in memory at a time.
const LARGE: usize = 256 << 10;
/// A request is read and answered within this.
pub(super) const DEADLINE: Duration = Duration::from_secs(30);
/// A large one is sent within this: others wait for its place.
const LARGE_SENT: Duration = Duration::from_secs(10);
/// Up to here an answer takes less time than a thread.
const AT_ONCE: usize = 64 << 10;

/// What may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Served {
    /// Conversion alone.
    Conversion,
    /// Validation alone.
    Validation,
    /// Both.
    Both,
}

/// What requests are answered with.
pub(super) struct Requests {
    pub(super) served: Served,
    pub(super) settings: Settings,
    pub(super) convert: Box<Convert>,
    /// The place of the one large review.
    pub(super) large: Semaphore,
    pub(super) deadline: Duration,
    /// Cancelled when others are to be asked.
    pub(super) leaving: CancellationToken,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Review {
    Conversion,
    Admission,
}

impl Review {
    const fn longest(self) -> usize {
        match self {
            Self::Conversion => LONGEST_CONVERSION,
            Self::Admission => LONGEST_ADMISSION,
        }
    }
}

impl Requests {
    fn review(&self, path: &str) -> Option<Review> {
        match (path, self.served) {
            (CONVERT, Served::Conversion | Served::Both) => Some(Review::Conversion),
            (VALIDATE, Served::Validation | Served::Both) => Some(Review::Admission),
            _ => None,
        }
    }

    fn answer_to(&self, review: Review, body: &[u8]) -> Answer {
        match review {
            Review::Conversion => review::convert(body, &*self.convert),
            Review::Admission => review::admit(body, &self.settings, &*self.convert),
        }
    }
}

/// Why there is no answer: a status and a line.
struct Refused(StatusCode, String);

impl Refused {
    fn too_large(longest: usize) -> Self {
        let message = format!("the review is longer than {} MiB", longest >> 20);
        Self(StatusCode::PAYLOAD_TOO_LARGE, message)
    }

    fn late(what: &str) -> Self {
        Self(StatusCode::REQUEST_TIMEOUT, format!("{what} in time"))
    }
}

impl Answers for Arc<Requests> {
    async fn answer(&self, request: Request<Incoming>, place: &Place) -> Response<Full<Bytes>> {
        answer(self, request, place).await
    }
}

async fn answer(
    requests: &Arc<Requests>,
    request: Request<Incoming>,
    place: &Place,
) -> Response<Full<Bytes>> {
    let version = request.version();
    let answered =
        tokio::time::timeout(requests.deadline, reviewed(requests, request, place)).await;
    let mut response =
        match answered.unwrap_or_else(|_| Err(Refused::late("the review was not answered"))) {
            Ok(body) => response(StatusCode::OK, body),
            Err(Refused(status, message)) => {
                tracing::debug!(%status, message, "a request was refused");
                let mut refusal = response(status, format!("{message}\n").into_bytes());
                let headers = refusal.headers_mut();
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
                // What is left of the request is not read.
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
                refusal
            }
        };
    // Told with an answer, a client cannot be just sending another request.
    // HTTP/2 has no such header and tells it by a frame of its own.
    if requests.leaving.is_cancelled() && version != Version::HTTP_2 {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
    }
    response
}

fn response(status: StatusCode, body: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

async fn reviewed(
    requests: &Arc<Requests>,
    request: Request<Incoming>,
    place: &Place,
) -> Result<Vec<u8>, Refused> {
    let path = request.uri().path();
    let review = requests.review(path).ok_or_else(|| {
        Refused(
            StatusCode::NOT_FOUND,
            format!("nothing is served at {path}"),
        )
    })?;
    if request.method() != Method::POST {
        let message = format!("{path} takes POST alone");
        return Err(Refused(StatusCode::METHOD_NOT_ALLOWED, message));
    }
    let (body, _large) = read(requests, request.into_body(), review.longest()).await?;
    place.is(Stage::Answered);
    let answer = match body.len() > AT_ONCE {
        false => requests.answer_to(review, &body),
        true => {
            let requests = requests.clone();
            tokio::task::spawn_blocking(move || requests.answer_to(review, &body))
                .await
                .map_err(|error| Refused(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?
        }
    };
    match answer {
        Answer::Review(body) => Ok(body),
        Answer::Malformed(why) => Err(Refused(StatusCode::BAD_REQUEST, why)),
    }
}

/// The whole body, and the place among the large ones if it is one.
async fn read(
    requests: &Requests,
    mut body: Incoming,
    longest: usize,
) -> Result<(Vec<u8>, Option<SemaphorePermit<'_>>), Refused> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > longest {
        return Err(Refused::too_large(longest));
    }
    let mut whole = Vec::with_capacity(announced.min(LARGE));
    while whole.len() <= LARGE && announced <= LARGE {
        match body.frame().await {
            None => return Ok((whole, None)),
            Some(frame) => append(&mut whole, frame, longest)?,
        }
    }
    let permit = requests.large.acquire().await;
    let permit = permit.map_err(|_| Refused::late("the server did not go on"))?;
    whole.reserve_exact(announced.saturating_sub(whole.len()));
    let rest = async {
        while let Some(frame) = body.frame().await {
            append(&mut whole, frame, longest)?;
        }
        Ok(())
    };
    match tokio::time::timeout(LARGE_SENT, rest).await {
        Ok(read) => read.map(|()| (whole, Some(permit))),
        Err(_) => Err(Refused::late("the review was not sent")),
    }
}

fn append(
    whole: &mut Vec<u8>,
    frame: Result<hyper::body::Frame<Bytes>, hyper::Error>,
    longest: usize,
) -> Result<(), Refused> {
    let frame = frame.map_err(|error| Refused(StatusCode::BAD_REQUEST, error.to_string()))?;
    let data = frame.into_data().unwrap_or_default();
    if whole.len().saturating_add(data.len()) > longest {
        return Err(Refused::too_large(longest));
    }
    whole.extend_from_slice(&data);
    Ok(())
}
