//! The master's web API, as the local runner and the controller need it.
//!
//! What the answers mean is said in `locust_core::locust`; here they are only
//! fetched, each within a deadline and up to a size.

#[cfg(test)]
mod tests;

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use locust_core::locust::Sample;
use serde_json::Value;

/// For one request, its answer's body included.
const DEADLINE: Duration = Duration::from_secs(3);
/// Above every report that was ever seen (2.1 MB with 2,000 names).
const MAX_BODY_BYTES: usize = 8 * 1024 * 1024;
/// Above every answer but reports: Locust cuts its tables at 500 rows, which are
/// 265 kB.
const MAX_STATISTICS_BYTES: usize = 1024 * 1024;

/// Client of one master.
#[derive(Clone, Debug)]
pub struct Api {
    client: Client<HttpConnector, Empty<Bytes>>,
    base: String,
    max_body: usize,
}

/// Why the master's API gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// Nobody listens, or the connection broke.
    #[error("asking Locust's API for {path}")]
    Unreachable {
        /// Path of the request.
        path: String,
        /// What the connection says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No whole answer came in time.
    #[error("asking Locust's API for {path}: no answer within {} seconds", DEADLINE.as_secs())]
    Deadline {
        /// Path of the request.
        path: String,
    },
    /// The answer is an error.
    #[error("asking Locust's API for {path}: answered {status}")]
    Status {
        /// Path of the request.
        path: String,
        /// Status of the answer.
        status: StatusCode,
    },
    /// The answer is not what this path answers: a login page, for example.
    #[error("asking Locust's API for {path}: the answer is something else (a login page?)")]
    Unexpected {
        /// Path of the request.
        path: String,
    },
}

impl Api {
    /// Client of the master whose web UI listens on `port` of this machine,
    /// below `base_path` (`--web-base-path`, mostly empty).
    pub fn new(port: u16, base_path: &str) -> Self {
        let address = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port);
        Self::at(address, base_path, MAX_BODY_BYTES)
    }

    /// Client of somebody's master, of which only statistics are wanted. No
    /// redirect is followed and no proxy used.
    pub fn statistics(address: SocketAddr, base_path: &str) -> Self {
        Self::at(address, base_path, MAX_STATISTICS_BYTES)
    }

    fn at(address: SocketAddr, base_path: &str, max_body: usize) -> Self {
        let base_path = base_path.trim_matches('/');
        let slash = if base_path.is_empty() { "" } else { "/" };
        Self {
            client: Client::builder(TokioExecutor::new()).build(HttpConnector::new()),
            base: format!("http://{address}{slash}{base_path}"),
            max_body,
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
        Sample::parse(&body).map_err(|_| unexpected(path))
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
        self.get("/stats/report?download=1").await
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
        tokio::time::timeout(DEADLINE, self.ask_patiently(method, path))
            .await
            .unwrap_or_else(|_elapsed| {
                Err(ApiError::Deadline {
                    path: path.to_owned(),
                })
            })
    }

    async fn ask_patiently(&self, method: Method, path: &str) -> Result<Bytes, ApiError> {
        let unreachable = |source: Box<dyn std::error::Error + Send + Sync>| {
            let path = path.to_owned();
            ApiError::Unreachable { path, source }
        };
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .body(Empty::new())
            .map_err(|error| unreachable(error.into()))?;
        let answer = self
            .client
            .request(request)
            .await
            .map_err(|error| unreachable(error.into()))?;
        if answer.status() != StatusCode::OK {
            return Err(ApiError::Status {
                path: path.to_owned(),
                status: answer.status(),
            });
        }
        let body = Limited::new(answer.into_body(), self.max_body);
        let body = body.collect().await.map_err(unreachable)?;
        Ok(body.to_bytes())
    }
}

fn unexpected(path: &str) -> ApiError {
    ApiError::Unexpected {
        path: path.to_owned(),
    }
}
