//! Where the full results of a run are kept.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where the full results of a run are kept: Locust's own report, its tables and
/// all numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResultStorage {
    /// What becomes of the ConfigMap `<name>-results`. Delete: it goes with the
    /// test. Retain: it stays, until a test of the same name writes it anew.
    /// None: there is none. Delete if unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map: Option<ConfigMapPolicy>,
    /// A volume that they are written to as well, by a sidecar of the master.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persistent_volume_claim: Option<ResultVolume>,
    /// A bucket that they are written to as well, by a sidecar of the master.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3: Option<ResultBucket>,
}

impl ResultStorage {
    /// Whether it names a place that a sidecar stores them in.
    pub const fn names_places(&self) -> bool {
        self.persistent_volume_claim.is_some() || self.s3.is_some()
    }
}

/// What becomes of a ConfigMap with results: Delete, Retain or None.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[allow(missing_docs)]
pub enum ConfigMapPolicy {
    Delete,
    Retain,
    None,
}

/// A volume for results. Those of each test are in a directory of their own,
/// `<namespace>/<name>/<its creation and the first of its UID>`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResultVolume {
    /// PersistentVolumeClaim in the namespace of the test.
    pub claim_name: String,
    /// Directory in the volume that those of all tests are below. Its top if
    /// unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<String>,
}

/// A bucket for results, at AWS or at any other server that speaks its S3
/// protocol. Those of each test are below a prefix of their own,
/// `<namespace>/<name>/<its creation and the first of its UID>`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResultBucket {
    /// Its name.
    pub bucket: String,
    /// What the prefixes of all tests begin with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// URL of the server, such as `https://minio.example.com:9000`. AWS in the
    /// region if unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Its region. `us-east-1` if unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Secret in the namespace of the test whose keys AWS_ACCESS_KEY_ID and
    /// AWS_SECRET_ACCESS_KEY, and AWS_SESSION_TOKEN if there is one, are the
    /// credentials. Only the master's pod reads it.
    pub credentials_secret: String,
    /// Certificates in PEM format of the authorities that are believed beside the
    /// public ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_bundle: Option<String>,
}
