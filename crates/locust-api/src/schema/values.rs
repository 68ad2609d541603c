//! What Kubernetes takes as the value of a field, where a schema can say it.
//! The types do not: an operator of a toleration is any text to them, and the
//! mistake would show only when the Job is created.
//!
//! Only what no Kubernetes up to 1.37 takes is refused. Volumes are left out:
//! one that no mount names is not looked at.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{JSON, JSONSchemaProps};
use serde_json::Value;

/// What a field may hold.
#[derive(Clone, Copy)]
enum Takes {
    /// Only these texts.
    OneOf(&'static [&'static str]),
    /// Any text but the empty one.
    SomeText,
    /// Text of this form, which is described in words.
    Form(&'static str, &'static str),
    /// Numbers between these.
    Between(f64, f64),
}

use Takes::{Between, Form, OneOf, SomeText};

/// Ids of users and groups.
const ID: Takes = Between(0.0, 2_147_483_647.0);
const PROFILE: Takes = OneOf(&["Localhost", "RuntimeDefault", "Unconfined"]);
const NODE_OPERATOR: Takes = OneOf(&["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]);
const LABEL_OPERATOR: Takes = OneOf(&["In", "NotIn", "Exists", "DoesNotExist"]);
/// Names of ConfigMaps and Secrets.
const OBJECT: Takes = Form(
    r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
    "the name of an object",
);
/// The same where Kubernetes takes the start of one as well.
const OBJECT_TO_BE: Takes = Form(
    r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*-*$",
    "the name of a ConfigMap or Secret",
);
/// The same where the schema has the empty text for a default.
const OBJECT_OR_NOTHING: Takes = Form(
    r"^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
    "the name of a ConfigMap or Secret",
);
/// Names of variables.
const VARIABLE: Takes = Form(
    "^[ -<>-~]+$",
    "a name of printable ASCII characters without `=`",
);
/// The start of such a name.
const PREFIX: Takes = Form(
    "^[ -<>-~]*$",
    "printable ASCII characters without `=`, or nothing",
);
/// Keys of ConfigMaps and Secrets.
const KEY: Takes = Form(
    r"^([-_a-zA-Z0-9]|\.[-_a-zA-Z0-9])[-._a-zA-Z0-9]*$",
    "a key of letters, digits, dashes, underscores and dots",
);
/// Paths below a directory: neither absolute nor with a step up.
const BELOW: Takes = Form(
    r"^$|^([^/.][^/]*|\.([^/.][^/]*)?|\.\.[^/]+)(/([^/.][^/]*|\.([^/.][^/]*)?|\.\.[^/]+)?)*$",
    "a relative path without `..`",
);

/// Fields by the end of their path. The first line that fits counts.
const VALUES: &[(&str, Takes)] = &[
    ("spec.image", SomeText),
    ("spec.env.configMapRefs[].name", OBJECT_TO_BE),
    ("spec.env.configMapRefs[].prefix", PREFIX),
    ("spec.env.secretRefs[].name", OBJECT_TO_BE),
    ("spec.env.secretRefs[].prefix", PREFIX),
    ("spec.env.secretMounts[].mountPath", SomeText),
    ("spec.env.variables[].name", VARIABLE),
    ("valueFrom.configMapKeyRef.name", OBJECT_OR_NOTHING),
    ("valueFrom.configMapKeyRef.key", KEY),
    ("valueFrom.secretKeyRef.name", OBJECT_OR_NOTHING),
    ("valueFrom.secretKeyRef.key", KEY),
    ("valueFrom.fileKeyRef.key", VARIABLE),
    ("valueFrom.fileKeyRef.path", SomeText),
    ("valueFrom.fieldRef.apiVersion", OneOf(&["", "v1"])),
    ("spec.volumeMounts[].mountPath", SomeText),
    ("spec.volumeMounts[].subPath", BELOW),
    ("spec.volumeMounts[].subPathExpr", BELOW),
    (
        "spec.volumeMounts[].mountPropagation",
        OneOf(&["None", "HostToContainer", "Bidirectional"]),
    ),
    (
        "spec.volumeMounts[].recursiveReadOnly",
        OneOf(&["Disabled", "IfPossible", "Enabled"]),
    ),
    (
        "spec.scheduling.tolerations[].operator",
        OneOf(&["", "Exists", "Equal", "Lt", "Gt"]),
    ),
    (
        "spec.scheduling.tolerations[].effect",
        OneOf(&["", "NoSchedule", "PreferNoSchedule", "NoExecute"]),
    ),
    (
        "nodeSelectorTerms[].matchExpressions[].operator",
        NODE_OPERATOR,
    ),
    ("preference.matchExpressions[].operator", NODE_OPERATOR),
    ("matchFields[].operator", OneOf(&["In", "NotIn"])),
    ("abelSelector.matchExpressions[].operator", LABEL_OPERATOR),
    (
        "namespaceSelector.matchExpressions[].operator",
        LABEL_OPERATOR,
    ),
    ("DuringExecution[].weight", Between(1.0, 100.0)),
    (".topologyKey", SomeText),
    (".runAsUser", ID),
    (".runAsGroup", ID),
    (".fsGroup", ID),
    (".supplementalGroups[]", ID),
    (".seccompProfile.type", PROFILE),
    (".appArmorProfile.type", PROFILE),
    (".fsGroupChangePolicy", OneOf(&["Always", "OnRootMismatch"])),
    (".supplementalGroupsPolicy", OneOf(&["Merge", "Strict"])),
    (".seLinuxChangePolicy", OneOf(&["MountOption", "Recursive"])),
    (".procMount", OneOf(&["Default", "Unmasked"])),
    (
        ".sysctls[].name",
        Form(
            r"^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$",
            "the name of a sysctl",
        ),
    ),
    (".gmsaCredentialSpec", SomeText),
    (".gmsaCredentialSpecName", OBJECT),
];

/// Says in `schema` what the field at `path` may hold.
pub(super) fn set(path: &str, schema: &mut JSONSchemaProps) {
    if path.starts_with("spec.volumes") {
        return;
    }
    let Some((_, takes)) = VALUES.iter().find(|(end, _)| path.ends_with(end)) else {
        return;
    };
    match *takes {
        OneOf(texts) => {
            schema.enum_ = Some(texts.iter().map(|text| JSON(Value::from(*text))).collect());
        }
        SomeText => schema.min_length = Some(1),
        Form(pattern, _) => schema.pattern = Some(pattern.to_owned()),
        Between(least, most) => {
            schema.minimum = Some(least);
            schema.maximum = Some(most);
        }
    }
}

/// Every line of the table in words: the end of a field's path, what it takes.
pub fn in_words() -> Vec<(&'static str, String)> {
    let words = |takes: &Takes| match takes {
        OneOf(texts) => {
            let named = texts.iter().filter(|text| !text.is_empty());
            let named: Vec<String> = named.map(|text| format!("`{text}`")).collect();
            format!("one of {}", named.join(", "))
        }
        SomeText => "a text that is not empty".to_owned(),
        Form(_, words) => (*words).to_owned(),
        Between(least, most) => format!("a number from {least} to {most}"),
    };
    VALUES
        .iter()
        .map(|(end, takes)| (*end, words(takes)))
        .collect()
}
