//! The size limit of every array, string and map.
//!
//! Without limits the API server takes every list for as long as a request can
//! be, refuses rules that look into it as too costly, and stores what no pod
//! could ever use. The numbers are what Kubernetes or Linux can take, or, where
//! neither says, far above what a load test uses.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::JSONSchemaProps;

/// Names of objects: DNS subdomains.
const NAME: i64 = 253;
/// Values of labels.
const LABEL: i64 = 63;
/// All annotations of one object together.
const ANNOTATION: i64 = 262_144;
/// The longest path that Linux takes.
const PATH: i64 = 4096;
/// Where something is mounted. Rules compare each of these with all others.
const MOUNT_PATH: i64 = 1024;
/// The longest argument or variable that Linux hands to a process.
const ARGUMENT: i64 = 131_072;
/// What locates something on the network.
const ADDRESS: i64 = 2048;
/// Lists and maps.
const MANY: i64 = 64;
const VERY_MANY: i64 = 1024;

/// Our own fields, each by its path.
const OURS: &[(&str, i64)] = &[
    ("spec.image", 1024),
    ("spec.imagePullSecrets", MANY),
    ("spec.master.command", 65_536),
    ("spec.master.labels", MANY),
    ("spec.master.labels{}", LABEL),
    ("spec.master.annotations", 256),
    ("spec.master.annotations{}", ANNOTATION),
    ("spec.master.extraArgs", 256),
    ("spec.master.extraArgs[]", ARGUMENT),
    ("spec.worker.command", 65_536),
    ("spec.worker.labels", MANY),
    ("spec.worker.labels{}", LABEL),
    ("spec.worker.annotations", 256),
    ("spec.worker.annotations{}", ANNOTATION),
    ("spec.worker.extraArgs", 256),
    ("spec.worker.extraArgs[]", ARGUMENT),
    ("spec.testFiles.configMapRef", NAME),
    ("spec.testFiles.libConfigMapRef", NAME),
    ("spec.testFiles.srcMountPath", MOUNT_PATH),
    ("spec.testFiles.libMountPath", MOUNT_PATH),
    ("spec.scheduling.tolerations", MANY),
    ("spec.scheduling.nodeSelector", MANY),
    ("spec.scheduling.nodeSelector{}", LABEL),
    ("spec.scheduling.runtimeClassName", NAME),
    ("spec.env.configMapRefs", MANY),
    ("spec.env.configMapRefs[].name", NAME),
    ("spec.env.configMapRefs[].prefix", NAME),
    ("spec.env.secretRefs", MANY),
    ("spec.env.secretRefs[].name", NAME),
    ("spec.env.secretRefs[].prefix", NAME),
    ("spec.env.variables", VERY_MANY),
    ("spec.env.secretMounts", MANY),
    ("spec.env.secretMounts[].name", NAME),
    ("spec.env.secretMounts[].mountPath", MOUNT_PATH),
    ("spec.volumes", MANY),
    ("spec.volumeMounts", MANY),
    ("spec.observability.openTelemetry.endpoint", ADDRESS),
    ("spec.observability.openTelemetry.extraEnvVars", 256),
    ("spec.observability.openTelemetry.extraEnvVars{}", ARGUMENT),
    ("spec.thresholds", 32),
    ("spec.thresholds[].endpoint", NAME),
    ("spec.thresholds[].max", 16),
    ("spec.thresholds[].min", 16),
    ("spec.results.persistentVolumeClaim.claimName", NAME),
    ("spec.results.persistentVolumeClaim.directory", MOUNT_PATH),
    ("spec.results.s3.bucket", LABEL),
    ("spec.results.s3.prefix", NAME),
    ("spec.results.s3.endpoint", ADDRESS),
    ("spec.results.s3.region", LABEL),
    ("spec.results.s3.credentialsSecret", NAME),
    ("spec.results.s3.caBundle", 16_384),
    // Those of v1. What they become in v2 has the same limits.
    ("spec.imagePullSecrets[]", NAME),
    ("spec.masterCommandSeed", 65_536),
    ("spec.workerCommandSeed", 65_536),
    ("spec.configMap", NAME),
    ("spec.libConfigMap", NAME),
    ("spec.labels.master", MANY),
    ("spec.labels.master{}", LABEL),
    ("spec.labels.worker", MANY),
    ("spec.labels.worker{}", LABEL),
    ("spec.annotations.master", 256),
    ("spec.annotations.master{}", ANNOTATION),
    ("spec.annotations.worker", 256),
    ("spec.annotations.worker{}", ANNOTATION),
    (
        "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution",
        MANY,
    ),
    (
        "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution{}",
        NAME,
    ),
    ("spec.tolerations", MANY),
    ("spec.tolerations[].key", NAME),
    ("spec.tolerations[].value", NAME),
    ("status.run.id", LABEL),
    ("status.run.specHash", LABEL),
    ("status.conditions", 32),
    ("status.verdictReason", ADDRESS),
    ("status.stop.reason", LABEL),
    ("status.stop.message", ADDRESS),
    ("status.failure.reason", LABEL),
    ("status.failure.message", ADDRESS),
    ("status.results.locustVersion", LABEL),
    ("status.results.total.failPercent", LABEL),
    ("status.results.total.requestsPerSecond", LABEL),
    ("status.results.endpoints", MANY),
    ("status.results.endpoints[].method", NAME),
    ("status.results.endpoints[].name", NAME),
    ("status.results.endpoints[].failPercent", LABEL),
    ("status.results.endpoints[].requestsPerSecond", LABEL),
    ("status.results.errors", MANY),
    ("status.results.errors[].method", NAME),
    ("status.results.errors[].name", NAME),
    ("status.results.errors[].error", 1024),
    ("status.locust.requestsPerSecond", LABEL),
    ("status.locust.failuresPerSecond", LABEL),
    ("status.locust.failPercent", LABEL),
];

/// Fields of embedded types that may be larger than [`limit`] says, by the end
/// of their path.
const EMBEDDED: &[(&str, i64)] = &[
    ("variables[].value", ARGUMENT),
    ("matchLabels{}", LABEL),
    (".values", VERY_MANY),
    (".items", VERY_MANY),
    (".supplementalGroups", VERY_MANY),
    (".volumeAttributes{}", PATH),
    (".options{}", PATH),
    ("mountPath", MOUNT_PATH),
    ("path", PATH),
    ("Path", PATH),
    ("subPathExpr", PATH),
    (".repository", ADDRESS),
    (".gmsaCredentialSpec", 65_536),
    (".fieldPath", 1024),
    (".reference", 1024),
];

/// Gives `schema` the size limit that belongs to its path.
pub(super) fn set(path: &str, embedded: bool, schema: &mut JSONSchemaProps) {
    let bound = if embedded {
        EMBEDDED
            .iter()
            .find(|(end, _)| path.ends_with(end))
            .map(|(_, bound)| *bound)
            .or_else(|| limit(schema))
    } else {
        OURS.iter()
            .find(|(place, _)| *place == path)
            .map(|(_, bound)| *bound)
    };
    match schema.type_.as_deref() {
        Some("array") => schema.max_items = schema.max_items.or(bound),
        Some("object") if schema.additional_properties.is_some() => {
            schema.max_properties = schema.max_properties.or(bound);
        }
        Some("string") if schema.enum_.is_none() && schema.format.is_none() => {
            schema.max_length = schema.max_length.or(bound);
        }
        Some(_) | None => {}
    }
}

/// The limit of a field of an embedded type that needs no other one.
fn limit(schema: &JSONSchemaProps) -> Option<i64> {
    match schema.type_.as_deref() {
        Some("array" | "object") => Some(MANY),
        Some("string") => Some(NAME),
        Some(_) | None => None,
    }
}

/// Every path and path end of the tables, for the test that they still exist.
#[cfg(test)]
pub(super) fn tables() -> (Vec<&'static str>, Vec<&'static str>) {
    (
        OURS.iter().map(|(path, _)| *path).collect(),
        EMBEDDED.iter().map(|(end, _)| *end).collect(),
    )
}
