//! How a test reports its metrics.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::defaults;

/// How a test reports its metrics.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Observability {
    /// Metrics and traces by OpenTelemetry, in place of the metrics exporter
    /// beside the master.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_telemetry: Option<OpenTelemetry>,
    /// Whether a metrics exporter runs beside the master: Enabled or Disabled.
    /// Left out, one does unless OpenTelemetry is enabled or the operator's
    /// administrator has turned it off. The operator's own metrics tell of the
    /// run in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics_exporter: Option<MetricsExporter>,
}

/// Whether a metrics exporter runs beside the master.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs)]
pub enum MetricsExporter {
    Enabled,
    Disabled,
}

/// OpenTelemetry settings. They need Locust 2.42.4 or newer and an image with
/// the OpenTelemetry SDK, for example `locustio/locust-otel`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpenTelemetry {
    /// Whether Locust reports by OpenTelemetry.
    #[serde(default)]
    pub enabled: bool,
    /// Address of the OTLP collector, for example `http://collector:4317`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// OTLP protocol: grpc or http/protobuf.
    #[serde(default = "defaults::otlp_protocol")]
    pub protocol: OtlpProtocol,
    /// Connect to the collector without TLS.
    #[serde(default)]
    pub insecure: bool,
    /// Further OpenTelemetry variables for the Locust containers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra_env_vars: Option<BTreeMap<String, String>>,
}

/// OTLP protocol: grpc or http/protobuf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs)]
pub enum OtlpProtocol {
    #[serde(rename = "grpc")]
    Grpc,
    #[serde(rename = "http/protobuf")]
    HttpProtobuf,
}

impl OtlpProtocol {
    /// The protocol as the OpenTelemetry SDK spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Grpc => "grpc",
            Self::HttpProtobuf => "http/protobuf",
        }
    }
}
