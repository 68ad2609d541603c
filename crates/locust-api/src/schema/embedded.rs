//! What the Go types of Kubernetes say beside their fields and what the Rust
//! types do not carry: list types and their keys, atomic maps, defaults,
//! optional names, quantities, the limits of conditions.
//!
//! The facts are those that controller-gen 0.18.0 writes for k8s.io/api
//! 0.36.3, compared keyword by keyword with the schema derived from
//! k8s-openapi's `v1_36`. After a change of that feature they have to be
//! compared again; a fact whose field is gone fails a test.

/// One fact about one field.
#[derive(Clone, Copy)]
pub(super) enum Fact {
    /// A list that has one owner as a whole.
    AtomicList,
    /// A list whose entries are told apart by this key.
    ListByKey(&'static str),
    /// An object that has one owner as a whole.
    AtomicMap,
    /// The API server fills in this text.
    DefaultText(&'static str),
    /// The API server fills in `false`.
    DefaultFalse,
    /// This field of the object may be left out.
    Optional(&'static str),
    /// A Kubernetes quantity: a number, or text such as `500m`.
    Quantity,
    /// An object that takes any `ObjectMeta` and is not looked into.
    PlainObject,
    /// Only these texts.
    OneOf(&'static [&'static str]),
    /// Shortest and longest text, and its form.
    Text {
        min: Option<i64>,
        max: i64,
        pattern: Option<&'static str>,
    },
    /// Smallest number.
    AtLeast(f64),
}

/// An embedded type: facts about its fields, and the types inside it. Paths
/// start at the type itself, which is the empty path.
pub(super) struct Embedded {
    pub(super) facts: &'static [(&'static str, Fact)],
    pub(super) parts: &'static [(&'static str, &'static Embedded)],
}

use Fact::{
    AtLeast, AtomicList, AtomicMap, DefaultFalse, DefaultText, ListByKey, OneOf, Optional,
    PlainObject, Quantity, Text,
};

/// Where our own types embed Kubernetes types.
pub(super) const PLACES: &[(&str, &Embedded)] = &[
    ("spec.imagePullSecrets[]", &LOCAL_OBJECT_REFERENCE),
    ("spec.master.resources", &RESOURCE_REQUIREMENTS),
    ("spec.worker.resources", &RESOURCE_REQUIREMENTS),
    ("spec.scheduling.affinity", &AFFINITY),
    ("spec.scheduling.tolerations[]", &NOTHING),
    ("spec.env.variables[]", &ENV_VAR),
    ("spec.volumes[]", &VOLUME),
    ("spec.volumeMounts[]", &NOTHING),
    ("spec.security.podSecurityContext", &POD_SECURITY_CONTEXT),
    ("spec.security.containerSecurityContext", &SECURITY_CONTEXT),
    ("status.conditions[]", &CONDITION),
];

/// Our own fields inside an embedded type.
pub(super) const OURS: &[&str] = &["spec.volumeMounts[].target"];

/// The form of a quantity that is written as text.
pub(super) const QUANTITY_PATTERN: &str = r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$";

const NOTHING: Embedded = Embedded {
    facts: &[],
    parts: &[],
};

const LOCAL_OBJECT_REFERENCE: Embedded = Embedded {
    facts: &[
        ("", AtomicMap),
        ("", Optional("name")),
        ("name", DefaultText("")),
    ],
    parts: &[],
};

/// An object with nothing inside that has facts, owned as a whole.
const SELECTOR: Embedded = Embedded {
    facts: &[("", AtomicMap)],
    parts: &[],
};

const LABEL_SELECTOR: Embedded = Embedded {
    facts: &[
        ("", AtomicMap),
        ("matchExpressions", AtomicList),
        ("matchExpressions[].values", AtomicList),
    ],
    parts: &[],
};

const RESOURCE_FIELD_SELECTOR: Embedded = Embedded {
    facts: &[("", AtomicMap), ("divisor", Quantity)],
    parts: &[],
};

const RESOURCE_REQUIREMENTS: Embedded = Embedded {
    facts: &[
        ("claims", ListByKey("name")),
        ("limits{}", Quantity),
        ("requests{}", Quantity),
    ],
    parts: &[],
};

const AFFINITY: Embedded = Embedded {
    facts: &[],
    parts: &[
        ("nodeAffinity", &NODE_AFFINITY),
        ("podAffinity", &POD_AFFINITY),
        ("podAntiAffinity", &POD_AFFINITY),
    ],
};

const NODE_AFFINITY: Embedded = Embedded {
    facts: &[
        (
            "preferredDuringSchedulingIgnoredDuringExecution",
            AtomicList,
        ),
        ("requiredDuringSchedulingIgnoredDuringExecution", AtomicMap),
        (
            "requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms",
            AtomicList,
        ),
    ],
    parts: &[
        (
            "preferredDuringSchedulingIgnoredDuringExecution[].preference",
            &NODE_SELECTOR_TERM,
        ),
        (
            "requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[]",
            &NODE_SELECTOR_TERM,
        ),
    ],
};

const NODE_SELECTOR_TERM: Embedded = Embedded {
    facts: &[
        ("", AtomicMap),
        ("matchExpressions", AtomicList),
        ("matchExpressions[].values", AtomicList),
        ("matchFields", AtomicList),
        ("matchFields[].values", AtomicList),
    ],
    parts: &[],
};

const POD_AFFINITY: Embedded = Embedded {
    facts: &[
        (
            "preferredDuringSchedulingIgnoredDuringExecution",
            AtomicList,
        ),
        ("requiredDuringSchedulingIgnoredDuringExecution", AtomicList),
    ],
    parts: &[
        (
            "preferredDuringSchedulingIgnoredDuringExecution[].podAffinityTerm",
            &POD_AFFINITY_TERM,
        ),
        (
            "requiredDuringSchedulingIgnoredDuringExecution[]",
            &POD_AFFINITY_TERM,
        ),
    ],
};

const POD_AFFINITY_TERM: Embedded = Embedded {
    facts: &[
        ("matchLabelKeys", AtomicList),
        ("mismatchLabelKeys", AtomicList),
        ("namespaces", AtomicList),
    ],
    parts: &[
        ("labelSelector", &LABEL_SELECTOR),
        ("namespaceSelector", &LABEL_SELECTOR),
    ],
};

const ENV_VAR: Embedded = Embedded {
    facts: &[("valueFrom.fileKeyRef.optional", DefaultFalse)],
    parts: &[
        ("valueFrom.configMapKeyRef", &LOCAL_OBJECT_REFERENCE),
        ("valueFrom.fieldRef", &SELECTOR),
        ("valueFrom.fileKeyRef", &SELECTOR),
        ("valueFrom.resourceFieldRef", &RESOURCE_FIELD_SELECTOR),
        ("valueFrom.secretKeyRef", &LOCAL_OBJECT_REFERENCE),
    ],
};

const VOLUME: Embedded = Embedded {
    facts: &[
        ("azureDisk.fsType", DefaultText("ext4")),
        ("azureDisk.readOnly", DefaultFalse),
        ("cephfs.monitors", AtomicList),
        ("configMap.items", AtomicList),
        ("emptyDir.sizeLimit", Quantity),
        ("fc.targetWWNs", AtomicList),
        ("fc.wwids", AtomicList),
        ("iscsi.iscsiInterface", DefaultText("default")),
        ("iscsi.portals", AtomicList),
        ("projected.sources", AtomicList),
        ("rbd.keyring", DefaultText("/etc/ceph/keyring")),
        ("rbd.monitors", AtomicList),
        ("rbd.pool", DefaultText("rbd")),
        ("rbd.user", DefaultText("admin")),
        ("scaleIO.fsType", DefaultText("xfs")),
        ("scaleIO.storageMode", DefaultText("ThinProvisioned")),
        ("secret.items", AtomicList),
    ],
    parts: &[
        ("cephfs.secretRef", &LOCAL_OBJECT_REFERENCE),
        ("cinder.secretRef", &LOCAL_OBJECT_REFERENCE),
        ("configMap", &LOCAL_OBJECT_REFERENCE),
        ("csi.nodePublishSecretRef", &LOCAL_OBJECT_REFERENCE),
        ("downwardAPI", &DOWNWARD_API),
        ("ephemeral.volumeClaimTemplate", &VOLUME_CLAIM_TEMPLATE),
        ("flexVolume.secretRef", &LOCAL_OBJECT_REFERENCE),
        ("iscsi.secretRef", &LOCAL_OBJECT_REFERENCE),
        ("projected.sources[]", &VOLUME_PROJECTION),
        ("rbd.secretRef", &LOCAL_OBJECT_REFERENCE),
        ("scaleIO.secretRef", &LOCAL_OBJECT_REFERENCE),
        ("storageos.secretRef", &LOCAL_OBJECT_REFERENCE),
    ],
};

const DOWNWARD_API: Embedded = Embedded {
    facts: &[("items", AtomicList)],
    parts: &[
        ("items[].fieldRef", &SELECTOR),
        ("items[].resourceFieldRef", &RESOURCE_FIELD_SELECTOR),
    ],
};

const VOLUME_CLAIM_TEMPLATE: Embedded = Embedded {
    facts: &[
        ("metadata", PlainObject),
        ("spec.accessModes", AtomicList),
        ("spec.resources.limits{}", Quantity),
        ("spec.resources.requests{}", Quantity),
    ],
    parts: &[
        ("spec.dataSource", &SELECTOR),
        ("spec.selector", &LABEL_SELECTOR),
    ],
};

const VOLUME_PROJECTION: Embedded = Embedded {
    facts: &[
        ("configMap.items", AtomicList),
        ("secret.items", AtomicList),
    ],
    parts: &[
        ("clusterTrustBundle.labelSelector", &LABEL_SELECTOR),
        ("configMap", &LOCAL_OBJECT_REFERENCE),
        ("downwardAPI", &DOWNWARD_API),
        ("secret", &LOCAL_OBJECT_REFERENCE),
    ],
};

const POD_SECURITY_CONTEXT: Embedded = Embedded {
    facts: &[("supplementalGroups", AtomicList), ("sysctls", AtomicList)],
    parts: &[],
};

const SECURITY_CONTEXT: Embedded = Embedded {
    facts: &[
        ("capabilities.add", AtomicList),
        ("capabilities.drop", AtomicList),
    ],
    parts: &[],
};

const CONDITION: Embedded = Embedded {
    facts: &[
        (
            "message",
            Text {
                min: None,
                max: 32768,
                pattern: None,
            },
        ),
        ("observedGeneration", AtLeast(0.0)),
        (
            "reason",
            Text {
                min: Some(1),
                max: 1024,
                pattern: Some(r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"),
            },
        ),
        ("status", OneOf(&["True", "False", "Unknown"])),
        (
            "type",
            Text {
                min: None,
                max: 316,
                pattern: Some(
                    r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$",
                ),
            },
        ),
    ],
    parts: &[],
};
