//! Who may read the metrics: the API server says whose a token is, and what
//! they may. What it said is believed for a short while.

mod rules;

use std::sync::{Mutex, MutexGuard, PoisonError};

use hyper::header::HeaderValue;
use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec, UserInfo};
use k8s_openapi::api::authorization::v1::{
    NonResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use kube::api::PostParams;
use kube::{Api, Client};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::controller::chain;
use rules::{Remembered, Verdict, bearer};

/// How many tokens are asked about at a time: whoever makes some up is not to
/// keep the API server busy.
const AT_A_TIME: usize = 4;

/// Why somebody is not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There is no token, or nobody's.
    Unauthenticated,
    /// This user may not.
    Forbidden(String),
    /// The API server does not say.
    Unknown,
}

/// Asks who may.
pub(super) struct Access {
    client: Client,
    /// The path that is read.
    path: &'static str,
    remembered: Mutex<Remembered>,
    places: Semaphore,
}

impl Access {
    pub(super) fn new(client: Client, path: &'static str) -> Self {
        Self {
            client,
            path,
            remembered: Mutex::default(),
            places: Semaphore::new(AT_A_TIME),
        }
    }

    /// Whether whoever sends this header may read the metrics.
    pub(super) async fn of(&self, header: Option<&HeaderValue>) -> Result<(), Refusal> {
        let header = header.and_then(|header| header.to_str().ok());
        let token = header.and_then(bearer).ok_or(Refusal::Unauthenticated)?;
        let verdict = match self.remembered(token) {
            Some(verdict) => verdict,
            None => self.ask(token).await?,
        };
        match verdict {
            Verdict::Allowed => Ok(()),
            Verdict::Unauthenticated => Err(Refusal::Unauthenticated),
            Verdict::Forbidden(user) => Err(Refusal::Forbidden(user)),
        }
    }

    async fn ask(&self, token: &str) -> Result<Verdict, Refusal> {
        // It is never closed.
        let _place = self.places.acquire().await;
        // Somebody else may have asked meanwhile.
        if let Some(verdict) = self.remembered(token) {
            return Ok(verdict);
        }
        let verdict = self.review(token).await.map_err(|error| {
            tracing::warn!(cause = %chain(&error), "the API server does not say who may read metrics");
            Refusal::Unknown
        })?;
        self.lock().note(token, verdict.clone(), Instant::now());
        Ok(verdict)
    }

    async fn review(&self, token: &str) -> Result<Verdict, kube::Error> {
        let review = TokenReview {
            spec: TokenReviewSpec {
                token: token.to_owned(),
                audiences: None,
            },
            ..TokenReview::default()
        };
        let reviews = Api::all(self.client.clone());
        let review: TokenReview = reviews.create(&PostParams::default(), &review).await?;
        let status = review.status.unwrap_or_default();
        match status.user.filter(|_| status.authenticated == Some(true)) {
            Some(user) => self.review_user(user).await,
            None => Ok(Verdict::Unauthenticated),
        }
    }

    async fn review_user(&self, user: UserInfo) -> Result<Verdict, kube::Error> {
        let UserInfo {
            extra,
            groups,
            uid,
            username,
        } = user;
        let review = SubjectAccessReview {
            spec: SubjectAccessReviewSpec {
                extra,
                groups,
                uid,
                user: username.clone(),
                non_resource_attributes: Some(NonResourceAttributes {
                    path: Some(self.path.to_owned()),
                    verb: Some("get".to_owned()),
                }),
                resource_attributes: None,
            },
            ..SubjectAccessReview::default()
        };
        let reviews = Api::all(self.client.clone());
        let review: SubjectAccessReview = reviews.create(&PostParams::default(), &review).await?;
        Ok(match review.status.is_some_and(|status| status.allowed) {
            true => Verdict::Allowed,
            false => Verdict::Forbidden(username.unwrap_or_default()),
        })
    }

    fn remembered(&self, token: &str) -> Option<Verdict> {
        self.lock().of(token, Instant::now())
    }

    fn lock(&self) -> MutexGuard<'_, Remembered> {
        self.remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
