//! All that a master can tell.

use hyper::body::Bytes;
use locust_core::report::{Gathered, Page};

use super::{Api, ApiError};
use crate::controller::chain;

/// All that a master can tell, as far as it does.
pub(crate) async fn gather(api: &Api) -> Gathered {
    let told = |error: ApiError| {
        tracing::warn!(error = %chain(&error), "the full results are stored without this");
    };
    let page = |page: Bytes| Page::Plain(page.into());
    Gathered {
        stats_csv: api.stats_csv().await.map_err(told).ok(),
        failures_csv: api.failures_csv().await.map_err(told).ok(),
        exceptions_csv: api.exceptions_csv().await.map_err(told).ok(),
        page: api.report().await.map(page).map_err(told).ok(),
    }
}
