//! `locust-operator export-metrics`: what locust_exporter does, with its flags
//! and variables, so that the operator's image can be the sidecar's.

use std::ffi::{OsStr, OsString};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use hyper::Uri;
use locust_core::metrics::is_prefix;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::ending::Ending;
use super::run::go;
use crate::metrics::exporter::{Options, serve};
use crate::telemetry::{self, Logs};

/// The variable that says where Locust is.
pub const URI: &str = "LOCUST_EXPORTER_URI";

const AFTER_HELP: &str = "\
A variable that is set but empty counts as unset. A TIME looks like 5s or 1m30s.
The image runs this without arguments, too, where LOCUST_EXPORTER_URI is set: so it can take the place of locust_exporter's.";

/// Arguments of `locust-operator export-metrics`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct ExportMetricsArgs {
    /// Where Locust's web UI is.
    #[arg(long = "locust.uri", value_name = "URL", env = URI, default_value = "http://localhost:8089", value_parser = url)]
    pub uri: String,
    /// How long Locust may take to answer.
    #[arg(long = "locust.timeout", value_name = "TIME", env = "LOCUST_EXPORTER_TIMEOUT", default_value = "5s", value_parser = timeout)]
    pub timeout: Duration,
    /// What the names of the metrics begin with.
    #[arg(long = "locust.namespace", value_name = "NAME", env = "LOCUST_METRIC_NAMESPACE", default_value = "locust", value_parser = prefix)]
    pub namespace: String,
    /// Where to listen.
    #[arg(long = "web.listen-address", value_name = "ADDR", env = "LOCUST_EXPORTER_WEB_LISTEN_ADDRESS", default_value = ":9646", value_parser = listen_address)]
    pub listen: SocketAddr,
    /// The path of the metrics.
    #[arg(long = "web.telemetry-path", value_name = "PATH", env = "LOCUST_EXPORTER_WEB_TELEMETRY_PATH", default_value = "/metrics", value_parser = path)]
    pub path: String,
}

/// The arguments of a container that is started as one of locust_exporter:
/// without any, and told by a variable where Locust is.
pub fn arguments(mut given: Vec<OsString>, uri: Option<&OsStr>) -> Vec<OsString> {
    if given.len() <= 1 && uri.is_some_and(|uri| !uri.is_empty()) {
        given.push("export-metrics".into());
    }
    given
}

/// Serves until it is told to stop.
pub fn main(args: ExportMetricsArgs) -> ExitCode {
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn run(args: ExportMetricsArgs) -> anyhow::Result<()> {
    let ExportMetricsArgs {
        uri,
        timeout,
        namespace,
        listen,
        path,
    } = args;
    telemetry::start(&Logs::of_a_sidecar());
    let mut ending = Ending::listen()?;
    let listener = TcpListener::bind(listen).await.with_context(|| {
        format!("cannot listen on {listen}: choose another --web.listen-address")
    })?;
    let address = listener.local_addr().context("asking for the own port")?;
    tracing::info!(%address, path, locust = uri, "serving metrics");
    let shutdown = CancellationToken::new();
    let options = Options {
        url: uri,
        timeout,
        prefix: namespace,
        path,
    };
    let serving = serve(listener, options, shutdown.clone());
    tokio::pin!(serving);
    tokio::select! {
        ended = &mut serving => return ended.context("serving metrics"),
        () = ending.asked() => {}
    }
    shutdown.cancel();
    serving.await.context("serving metrics")
}

/// `localhost` is not looked up: a name may lead elsewhere, or take a while.
fn url(text: &str) -> Result<String, String> {
    let text = if text.is_empty() {
        "http://localhost:8089"
    } else {
        text
    };
    let uri: Uri = text.parse().map_err(|_| format!("{text} is no URL"))?;
    if uri.scheme_str() != Some("http") {
        return Err("expected a URL that begins with http://".to_owned());
    }
    let host = match uri.host() {
        Some("localhost") => "127.0.0.1",
        Some(host) => host,
        None => return Err("expected a URL with a host".to_owned()),
    };
    let port = uri.port_u16().unwrap_or(80);
    let base_path = uri.path().trim_end_matches('/');
    Ok(format!("http://{host}:{port}{base_path}"))
}

fn timeout(text: &str) -> Result<Duration, &'static str> {
    let text = if text.is_empty() { "5s" } else { text };
    let read = go::duration(text).and_then(|time| Duration::try_from(time).ok());
    read.filter(|time| !time.is_zero())
        .ok_or("expected a time such as 5s")
}

fn prefix(text: &str) -> Result<String, &'static str> {
    match text {
        "" => Ok("locust".to_owned()),
        text if is_prefix(text) => Ok(text.to_owned()),
        _ => Err("expected letters, digits and underscores"),
    }
}

fn listen_address(text: &str) -> Result<SocketAddr, &'static str> {
    let text = if text.is_empty() { ":9646" } else { text };
    go::address(text).ok_or("expected HOST:PORT or :PORT")
}

fn path(text: &str) -> Result<String, &'static str> {
    match text {
        "" => Ok("/metrics".to_owned()),
        text if text.starts_with('/') => Ok(text.to_owned()),
        _ => Err("expected a path that begins with /"),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn parsed(flags: &[&str]) -> Result<ExportMetricsArgs, clap::Error> {
        let given = ["locust-operator", "export-metrics"].iter().chain(flags);
        let Command::ExportMetrics(args) = Cli::try_parse_from(given)?.command else {
            panic!("another command");
        };
        Ok(args)
    }

    #[test]
    fn flags_are_those_of_the_exporter() {
        let args = parsed(&[
            "--locust.uri=http://[::1]:81/base/",
            "--locust.timeout=1m",
            "--locust.namespace=load",
            "--web.listen-address=localhost:1",
            "--web.telemetry-path=/m",
        ])
        .unwrap();
        assert_eq!(args.uri, "http://[::1]:81/base");
        assert_eq!(args.timeout, Duration::from_secs(60));
        assert_eq!(args.namespace, "load");
        assert_eq!(args.listen, "127.0.0.1:1".parse().unwrap());
        assert_eq!(args.path, "/m");
    }

    #[test]
    fn empty_values_are_the_defaults() {
        for flags in [
            &[][..],
            &[
                "--locust.uri=",
                "--locust.timeout=",
                "--locust.namespace=",
                "--web.listen-address=",
                "--web.telemetry-path=",
            ],
        ] {
            let args = parsed(flags).unwrap();
            assert_eq!(args.uri, "http://127.0.0.1:8089");
            assert_eq!(args.timeout, Duration::from_secs(5));
            assert_eq!(args.namespace, "locust");
            assert_eq!(args.listen, "[::]:9646".parse().unwrap());
            assert_eq!(args.path, "/metrics");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for flag in [
            "--locust.uri=https://localhost:8089",
            "--locust.uri=locust:8089",
            "--locust.uri=/x",
            "--locust.timeout=0",
            "--locust.timeout=5",
            "--locust.namespace=a-b",
            "--web.listen-address=9646",
            "--web.telemetry-path=metrics",
        ] {
            assert!(parsed(&[flag]).is_err(), "{flag}");
        }
    }

    #[test]
    fn an_image_without_arguments_is_the_exporter_where_a_variable_names_locust() {
        let called = |given: &[&str], uri: Option<&str>| {
            let given = given.iter().map(OsString::from).collect();
            arguments(given, uri.map(OsStr::new)).len()
        };
        let uri = Some("http://localhost:8089");
        assert_eq!(called(&["locust-operator"], uri), 2);
        assert_eq!(called(&["locust-operator"], None), 1);
        assert_eq!(called(&["locust-operator"], Some("")), 1);
        assert_eq!(called(&["locust-operator", "crd"], uri), 2);
    }
}
