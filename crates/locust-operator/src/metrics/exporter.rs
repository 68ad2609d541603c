//! The sidecar of a master, in the place of ContainerSolutions'
//! locust_exporter: each scrape is one question to Locust.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{Html, IntoResponse, Response};
use locust_core::metrics::{self, Detail, Family, Kind, Labels, Run, Series, Told};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::late;
use crate::controller::chain;
use crate::local::api::{Api, Statistics};

/// How many scrapes ask Locust at a time. Each may have a megabyte in memory.
const AT_A_TIME: usize = 4;

/// What to serve.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Where Locust's web UI is, without a slash at its end.
    pub(crate) url: String,
    /// How long Locust may take to answer.
    pub(crate) timeout: Duration,
    /// What the names of the metrics begin with.
    pub(crate) prefix: String,
    /// The path of the metrics.
    pub(crate) path: String,
}

struct Exporter {
    locust: Api,
    prefix: String,
    path: String,
    scrapes: AtomicU64,
    places: Semaphore,
    quit: CancellationToken,
}

/// Serves until `shutdown`, or until somebody asks for the end by HTTP.
pub(crate) async fn serve(
    listener: TcpListener,
    options: Options,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    let Options {
        url,
        timeout,
        prefix,
        path,
    } = options;
    let exporter = Arc::new(Exporter {
        locust: Statistics::default().at(&url, timeout),
        prefix,
        path,
        scrapes: AtomicU64::new(0),
        places: Semaphore::new(AT_A_TIME),
        quit: shutdown.clone(),
    });
    let router = Router::new().fallback(answer).with_state(exporter);
    let serving = axum::serve(listener, router)
        .with_graceful_shutdown(shutdown.clone().cancelled_owned())
        .into_future();
    tokio::select! {
        ended = serving => ended,
        () = late(&shutdown) => Ok(()),
    }
}

/// As with the exporter, methods make no difference, and every path that is
/// not known shows where the metrics are.
async fn answer(State(exporter): State<Arc<Exporter>>, request: Request) -> Response {
    match request.uri().path() {
        path if path == exporter.path => {
            let text = metrics::written(&exporter.scrape().await);
            ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response()
        }
        "/quitquitquit" => {
            tracing::info!("asked to end");
            exporter.quit.cancel();
            "bye\n".into_response()
        }
        _ => Html(page(&exporter.path)).into_response(),
    }
}

fn page(path: &str) -> String {
    format!(
        "<!doctype html><title>Locust exporter</title><h1>Locust exporter</h1><p><a href='{path}'>Metrics</a></p>\n"
    )
}

impl Exporter {
    async fn scrape(&self) -> Vec<Family> {
        let scrapes = self.scrapes.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        let run = self.ask().await;
        let labels = Labels::new();
        let told = Told {
            labels: &labels,
            run: run.as_ref(),
        };
        let mut families = metrics::families(&self.prefix, &[told]);
        families.push(Family::count(
            format!("{}_total_scrapes", self.prefix),
            "Scrapes of this exporter so far.",
            scrapes,
        ));
        families.push(build_info());
        families
    }

    async fn ask(&self) -> Option<Run> {
        // It is never closed.
        let _place = self.places.acquire().await;
        match self.locust.sample().await {
            Ok(sample) => Some(Run::of(&sample, Detail::All)),
            Err(error) => {
                tracing::warn!(error = %chain(&error), "Locust cannot be asked");
                None
            }
        }
    }
}

fn build_info() -> Family {
    Family {
        name: "locustexporter_build_info".to_owned(),
        help: "1, and the version of this program.",
        kind: Kind::Gauge,
        series: vec![Series::new(
            vec![("version", env!("CARGO_PKG_VERSION").to_owned())],
            1.0,
        )],
    }
}

#[cfg(test)]
mod tests;
