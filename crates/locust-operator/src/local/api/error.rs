//! Why a master gave no answer.

use std::time::Duration;

use hyper::StatusCode;
use locust_core::polling::Silence;

use crate::controller::chain;

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
    #[error("asking Locust's API for {path}: no answer within {} seconds", deadline.as_secs_f64())]
    Deadline {
        /// Path of the request.
        path: String,
        /// How long it was waited for.
        deadline: Duration,
    },
    /// The answer is an error.
    #[error("asking Locust's API for {path}: answered {status}")]
    Status {
        /// Path of the request.
        path: String,
        /// Status of the answer.
        status: StatusCode,
    },
    /// The answer asks for a login.
    #[error("asking Locust's API for {path}: it wants a login")]
    Login {
        /// Path of the request.
        path: String,
    },
    /// The answer is larger than any of Locust's.
    #[error("asking Locust's API for {path}: the answer is larger than {most} bytes")]
    TooLarge {
        /// Path of the request.
        path: String,
        /// How large it may be.
        most: usize,
    },
    /// The answer is not what this path answers: a login page, for example.
    #[error("asking Locust's API for {path}: the answer is something else (a login page?)")]
    Unexpected {
        /// Path of the request.
        path: String,
    },
}

/// Why nothing is known of a run whose master gave no answer.
pub(crate) fn silence(error: &ApiError) -> Silence {
    match error {
        ApiError::Unreachable { source, .. } if is_refusal(&**source) => {
            Silence::NotListening(chain(error))
        }
        ApiError::Unreachable { .. } => Silence::Unreachable(chain(error)),
        ApiError::Deadline { .. } => Silence::Unreachable(error.to_string()),
        ApiError::Login { .. } => Silence::AuthRequired,
        ApiError::Status { .. } | ApiError::Unexpected { .. } | ApiError::TooLarge { .. } => {
            Silence::NotStatistics(error.to_string())
        }
    }
}

/// Whether a connection was refused, somewhere below an error.
fn is_refusal(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    causes.any(|cause| {
        let cause = cause.downcast_ref::<std::io::Error>();
        cause.is_some_and(|cause| cause.kind() == std::io::ErrorKind::ConnectionRefused)
    })
}

pub(super) fn login(path: &str) -> ApiError {
    ApiError::Login {
        path: path.to_owned(),
    }
}

pub(super) fn unexpected(path: &str) -> ApiError {
    ApiError::Unexpected {
        path: path.to_owned(),
    }
}
