//! The master's web API, as the local runner and the controller need it.
//!
//! What the answers mean is said in `locust_core::locust`; here they are only
//! fetched, each within a deadline and up to a size.

mod error;
mod gather;
#[cfg(test)]
mod tests;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, LOCATION};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use locust_core::locust::{Sample, parse_stats_csv, version};
use locust_core::storage::{self, Outcome};
use serde_json::Value;
use tokio::sync::Semaphore;

pub use error::ApiError;
pub(crate) use error::silence;
use error::{login, unexpected};
pub(crate) use gather::gather;

/// For one request, its answer's body included, where nothing else is said.
const DEADLINE: Duration = Duration::from_secs(3);
/// Above every report that was ever seen (2.1 MB with 2,000 names).
const MAX_BODY_BYTES: usize = 8 * 1024 * 1024;
/// Above every answer but reports: Locust cuts its tables at 500 rows, which are
/// 265 kB.
const MAX_STATISTICS_BYTES: usize = 1024 * 1024;

/// What the answers of small tests are: 175 bytes a worker, 500 a name.
const SMALL_BYTES: usize = 64 * 1024;
/// How many answers beyond that are in memory at a time, of all masters.
const LARGE_AT_A_TIME: usize = 16;
/// What an HTTP server may say before its answer's body.
const MAX_HEAD_BYTES: usize = 32 * 1024;

/// Client of masters in other people's pods, of which only statistics are
/// wanted. No redirect is followed, no proxy used, no cookie kept, and no
/// connection used twice.
#[derive(Clone, Debug)]
pub struct Statistics {
    client: HttpClient,
    large: Arc<Semaphore>,
}

type HttpClient = Client<HttpConnector, Full<Bytes>>;

/// A request, if its parts make one.
type Built = hyper::http::Result<Request<Full<Bytes>>>;

impl Default for Statistics {
    fn default() -> Self {
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(0)
            .http1_max_buf_size(MAX_HEAD_BYTES)
            .build(HttpConnector::new());
        Self {
            client,
            large: Arc::new(Semaphore::new(LARGE_AT_A_TIME)),
        }
    }
}

impl Statistics {
    /// Client of the master whose web UI is at `address`, below `base_path`
    /// (`--web-base-path`, mostly empty).
    pub fn of(&self, address: SocketAddr, base_path: &str) -> Api {
        Api {
            max_body: MAX_STATISTICS_BYTES,
            large: Some(self.large.clone()),
            ..Api::at(self.client.clone(), address, base_path)
        }
    }

    /// Client of the master whose web UI is at this URL, with this deadline for
    /// one request.
    pub fn at(&self, url: &str, deadline: Duration) -> Api {
        Api {
            client: self.client.clone(),
            base: url.trim_end_matches('/').to_owned(),
            deadline,
            max_body: MAX_STATISTICS_BYTES,
            large: Some(self.large.clone()),
        }
    }
}

/// Client of one master.
#[derive(Clone, Debug)]
pub struct Api {
    client: HttpClient,
    base: String,
    deadline: Duration,
    max_body: usize,
    /// Places for large answers, where many masters are asked at a time.
    large: Option<Arc<Semaphore>>,
}

impl Api {
    /// Client of the master whose web UI listens on `port` of this machine,
    /// below `base_path` (`--web-base-path`, mostly empty).
    pub fn new(port: u16, base_path: &str) -> Self {
        let address = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port);
        let client = Client::builder(TokioExecutor::new()).build(HttpConnector::new());
        Self::at(client, address, base_path)
    }

    fn at(client: HttpClient, address: SocketAddr, base_path: &str) -> Self {
        let base_path = base_path.trim_matches('/');
        let slash = if base_path.is_empty() { "" } else { "/" };
        Self {
            client,
            base: format!("http://{address}{slash}{base_path}"),
            deadline: DEADLINE,
            max_body: MAX_BODY_BYTES,
            large: None,
        }
    }

    /// Address of the web UI, for people.
    pub fn web_ui(&self) -> &str {
        &self.base
    }

    /// What the master says about the run. Locust caches it for two seconds.
    pub async fn sample(&self) -> Result<Sample, ApiError> {
        let path = "/stats/requests";
        let body = self.get(path).await?;
        Sample::parse(&body).map_err(|_| match body.starts_with(b"Locust auth exception") {
            true => login(path),
            false => unexpected(path),
        })
    }

    /// The same, and what only the table of requests has, where that is wanted.
    /// Without the table it stays unknown.
    pub async fn completed_sample(
        &self,
        wants_table: impl FnOnce(&Sample) -> bool,
    ) -> Result<Sample, ApiError> {
        let mut sample = self.sample().await?;
        if wants_table(&sample) {
            let table = self.stats_csv().await;
            let table = table.inspect_err(|error| {
                tracing::debug!(%error, "the master did not give its table of requests");
            });
            let rows = table.ok().as_deref().and_then(parse_stats_csv);
            sample.complete(&rows.unwrap_or_default());
        }
        Ok(sample)
    }

    /// The table of requests, never cached and never cut.
    pub async fn stats_csv(&self) -> Result<String, ApiError> {
        self.table("/stats/requests/csv").await
    }

    /// The table of failed requests by kind of error.
    pub async fn failures_csv(&self) -> Result<String, ApiError> {
        self.table("/stats/failures/csv").await
    }

    /// The table of exceptions in the locustfile.
    pub async fn exceptions_csv(&self) -> Result<String, ApiError> {
        self.table("/exceptions/csv").await
    }

    /// Locust's own report: one self-contained HTML page.
    pub async fn report(&self) -> Result<Bytes, ApiError> {
        let path = "/stats/report?download=1";
        self.ask_up_to(MAX_BODY_BYTES, Method::GET, path).await
    }

    /// Which Locust it is, by the page of its web UI. `None`: it does not say.
    pub async fn version(&self) -> Result<Option<String>, ApiError> {
        Ok(version::on_page(&self.get("/").await?))
    }

    /// What the sidecar says that stores the full results, where that is asked in
    /// the place of a master.
    pub async fn outcome(&self) -> Result<Outcome, ApiError> {
        let body = self.get(storage::STATUS).await?;
        Outcome::parse(&body).ok_or_else(|| unexpected(storage::STATUS))
    }

    /// How many workers answer, never cached. `None` before Locust 2.37.2,
    /// which does not have it.
    pub async fn worker_count(&self) -> Result<Option<u64>, ApiError> {
        let path = "/worker-count";
        let body = match self.get(path).await {
            Err(ApiError::Status { .. }) => return Ok(None),
            answer => answer?,
        };
        let answer: Value = serde_json::from_slice(&body).map_err(|_| unexpected(path))?;
        Ok(answer.get("worker_count").and_then(Value::as_u64))
    }

    /// Ends the load. `POST` from Locust 2.47.0 on, `GET` before, and the wrong
    /// one of them is answered with 405, in Locust 2.20 with 500.
    ///
    /// Locust answers when the last user has stopped, which may take as long as
    /// `--stop-timeout`: no answer in time means that it is stopping.
    pub async fn stop(&self) -> Result<(), ApiError> {
        let path = "/stop";
        let answer = match self.ask(Method::POST, path).await {
            Err(ApiError::Status { status, .. })
                if status == StatusCode::METHOD_NOT_ALLOWED
                    || status == StatusCode::INTERNAL_SERVER_ERROR =>
            {
                self.ask(Method::GET, path).await
            }
            answer => answer,
        };
        match answer {
            Ok(_) | Err(ApiError::Deadline { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Lets the load start by itself with the workers that are there, in the way
    /// that the arguments say: the master waits for as many as `expect_workers`,
    /// and looks once a second. A form whose last field cannot be read has its
    /// fields before that noted, and starts nothing: so it may be sent twice, or
    /// too late, and `success: false` is the answer that is wanted.
    pub async fn start_without_all(&self) -> Result<(), ApiError> {
        let form = Bytes::from_static(b"expect_workers=1&run_time=-");
        let post = Request::post(format!("{}/swarm", self.base))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Full::new(form));
        self.send(self.max_body, "/swarm", post).await.map(drop)
    }

    async fn table(&self, path: &str) -> Result<String, ApiError> {
        let body = self.get(path).await?;
        let text = String::from_utf8(body.to_vec()).map_err(|_| unexpected(path))?;
        // A login page comes with status 200.
        if text.trim_start().starts_with('<') {
            return Err(unexpected(path));
        }
        Ok(text)
    }

    async fn get(&self, path: &str) -> Result<Bytes, ApiError> {
        self.ask(Method::GET, path).await
    }

    async fn ask(&self, method: Method, path: &str) -> Result<Bytes, ApiError> {
        self.ask_up_to(self.max_body, method, path).await
    }

    async fn ask_up_to(&self, most: usize, method: Method, path: &str) -> Result<Bytes, ApiError> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .body(Full::default());
        self.send(most, path, request).await
    }

    async fn send(&self, most: usize, path: &str, request: Built) -> Result<Bytes, ApiError> {
        tokio::time::timeout(self.deadline, self.send_patiently(most, path, request))
            .await
            .unwrap_or_else(|_elapsed| {
                Err(ApiError::Deadline {
                    path: path.to_owned(),
                    deadline: self.deadline,
                })
            })
    }

    async fn send_patiently(
        &self,
        most: usize,
        path: &str,
        request: Built,
    ) -> Result<Bytes, ApiError> {
        let unreachable = |source: Box<dyn std::error::Error + Send + Sync>| {
            let path = path.to_owned();
            ApiError::Unreachable { path, source }
        };
        let request = request.map_err(|error| unreachable(error.into()))?;
        let answer = self
            .client
            .request(request)
            .await
            .map_err(|error| unreachable(error.into()))?;
        if leads_to_login(&answer) {
            return Err(login(path));
        }
        if answer.status() != StatusCode::OK {
            return Err(ApiError::Status {
                path: path.to_owned(),
                status: answer.status(),
            });
        }
        self.read(most, answer.into_body(), path).await
    }

    /// Reads a body of at most so many bytes.
    async fn read(&self, most: usize, mut body: Incoming, path: &str) -> Result<Bytes, ApiError> {
        let too_large = || ApiError::TooLarge {
            path: path.to_owned(),
            most,
        };
        let declared = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        if declared > most {
            return Err(too_large());
        }
        let mut place = None;
        let mut read = Vec::with_capacity(declared.min(SMALL_BYTES));
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| ApiError::Unreachable {
                path: path.to_owned(),
                source: error.into(),
            })?;
            let data = frame.into_data().unwrap_or_default();
            let length = read.len() + data.len();
            if length > most {
                return Err(too_large());
            }
            if length > SMALL_BYTES
                && place.is_none()
                && let Some(large) = &self.large
            {
                // It is never closed.
                place = large.acquire().await.ok();
                read.reserve_exact(declared.saturating_sub(read.len()));
            }
            read.extend_from_slice(&data);
        }
        Ok(read.into())
    }
}

/// With `--web-login` Locust sends everybody to its login page.
fn leads_to_login<B>(answer: &Response<B>) -> bool {
    let location = answer.headers().get(LOCATION);
    let to_login = location.is_some_and(|to| {
        let to = String::from_utf8_lossy(to.as_bytes());
        to.contains("/login")
    });
    let status = answer.status();
    status == StatusCode::UNAUTHORIZED || status.is_redirection() && to_login
}
