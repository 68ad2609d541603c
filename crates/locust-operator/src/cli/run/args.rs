//! The flags of `locust-operator run`: those of the Go operator 2.3.0 under
//! its names, and our own. Values stay text here; `rules.rs` reads them, so
//! that everything that is wrong can be said at once.

use std::path::PathBuf;

/// Arguments of `locust-operator run`.
#[derive(Clone, Debug, clap::Args)]
#[command(args_override_self = true, after_help = AFTER_HELP)]
pub struct RunArgs {
    /// Kubeconfig of the cluster [default: $KUBECONFIG, then the pod's].
    #[arg(long, value_name = "FILE", help_heading = "Cluster")]
    pub kubeconfig: Option<PathBuf>,
    /// Look only in these namespaces; Roles suffice [default: all].
    #[arg(long, value_name = "NAMES", help_heading = "Cluster")]
    pub watch_namespaces: Vec<String>,
    /// How many tests are looked at at a time.
    #[arg(
        long,
        value_name = "NUMBER",
        default_value = "16",
        help_heading = "Cluster"
    )]
    pub concurrency: String,
    /// Let one of several replicas work.
    #[arg(long, value_name = "BOOL", default_value = "false", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = "Cluster")]
    pub leader_elect: String,

    /// How long a pod may be in trouble before its test fails.
    #[arg(
        long,
        value_name = "TIME",
        default_value = "2m",
        help_heading = "Tests"
    )]
    pub pod_grace: String,
    /// Pod security a test leaves open: upstream or hardened.
    #[arg(
        long,
        value_name = "SET",
        default_value = "upstream",
        help_heading = "Tests"
    )]
    pub pod_defaults: String,

    /// How log lines look: text or json [default: text].
    #[arg(long, value_name = "FORMAT", help_heading = "Logs")]
    pub log_format: Option<String>,
    /// Least level: error, warn, info, debug or trace [default: info].
    #[arg(long, value_name = "LEVEL", help_heading = "Logs")]
    pub log_level: Option<String>,
    /// Log as text from level debug on.
    #[arg(long, value_name = "BOOL", default_value = "false", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = "Logs, as controller-runtime spells it")]
    pub zap_devel: String,
    /// As --log-format: console or json.
    #[arg(
        long,
        value_name = "FORMAT",
        help_heading = "Logs, as controller-runtime spells it"
    )]
    pub zap_encoder: Option<String>,
    /// As --log-level: debug, info, error, 1 (debug), 2 (trace).
    #[arg(
        long,
        value_name = "LEVEL",
        help_heading = "Logs, as controller-runtime spells it"
    )]
    pub zap_log_level: Option<String>,
    /// Has no effect: log lines carry causes, not stack traces.
    #[arg(
        long,
        value_name = "LEVEL",
        help_heading = "Logs, as controller-runtime spells it"
    )]
    pub zap_stacktrace_level: Option<String>,
    /// epoch, millis, nanos, iso8601, rfc3339 or rfc3339nano.
    #[arg(
        long,
        value_name = "FORMAT",
        help_heading = "Logs, as controller-runtime spells it"
    )]
    pub zap_time_encoding: Option<String>,

    /// Serve /healthz and /readyz here; 0: not.
    #[arg(
        long,
        value_name = "ADDR",
        default_value = ":8081",
        help_heading = "Probes and metrics"
    )]
    pub health_probe_bind_address: String,
    /// Serve /metrics here, such as :8443; 0: not.
    #[arg(
        long,
        value_name = "ADDR",
        default_value = "0",
        help_heading = "Probes and metrics"
    )]
    pub metrics_bind_address: String,
    /// Serve them by HTTPS, to those who may.
    #[arg(long, value_name = "BOOL", default_value = "true", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = "Probes and metrics")]
    pub metrics_secure: String,
    /// Directory of their certificate; empty: self-signed.
    #[arg(
        long,
        value_name = "DIR",
        default_value = "",
        hide_default_value = true,
        help_heading = "Probes and metrics"
    )]
    pub metrics_cert_path: String,
    /// Name of its certificate file.
    #[arg(
        long,
        value_name = "FILE",
        default_value = "tls.crt",
        help_heading = "Probes and metrics"
    )]
    pub metrics_cert_name: String,
    /// Name of its key file.
    #[arg(
        long,
        value_name = "FILE",
        default_value = "tls.key",
        help_heading = "Probes and metrics"
    )]
    pub metrics_cert_key: String,

    /// Convert LocustTests between the versions of the API.
    #[arg(long, value_name = "BOOL", default_value = "true", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = "Webhooks")]
    pub enable_conversion: String,
    /// Validate LocustTests as the Go operator does [default: false].
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = "Webhooks")]
    pub enable_webhooks: Option<String>,
    /// The configuration that has LocustTests validated here.
    #[arg(
        long,
        value_name = "NAME",
        default_value = "locust-k8s-operator-validating-webhook-configuration",
        hide_default_value = true,
        help_heading = "Webhooks"
    )]
    pub webhook_configuration: String,
    /// Port of their server.
    #[arg(
        long,
        value_name = "PORT",
        default_value = "9443",
        help_heading = "Webhooks"
    )]
    pub webhook_port: String,
    /// Directory of their certificate; empty: the operator makes its own.
    #[arg(
        long,
        value_name = "DIR",
        default_value = "",
        hide_default_value = true,
        help_heading = "Webhooks"
    )]
    pub webhook_cert_path: String,
    /// Name of its certificate file.
    #[arg(
        long,
        value_name = "FILE",
        default_value = "tls.crt",
        help_heading = "Webhooks"
    )]
    pub webhook_cert_name: String,
    /// Name of its key file.
    #[arg(
        long,
        value_name = "FILE",
        default_value = "tls.key",
        help_heading = "Webhooks"
    )]
    pub webhook_cert_key: String,
    /// Wait so long for those files; 0: for ever.
    #[arg(
        long,
        value_name = "TIME",
        default_value = "2m",
        help_heading = "Webhooks"
    )]
    pub webhook_cert_wait_timeout: String,
    /// Offer HTTP/2, for metrics too.
    #[arg(long, value_name = "BOOL", default_value = "false", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = "Webhooks")]
    pub enable_http2: String,
}

const AFTER_HELP: &str = "\
As in Go, flags are -flag, --flag, -flag=VALUE or -flag VALUE; a BOOL takes its value by = only.
A TIME looks like 90s, 2m or 1h30m.
What pods get (resources, exporter, Kafka) is set by variables: docs/book/reference/operator.md.";
