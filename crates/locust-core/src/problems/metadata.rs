//! Labels, annotations and node selectors.

use std::collections::BTreeMap;

use locust_api::condition::Reason;
use locust_api::latest::LocustTestSpec;

use super::{Found, Kind, forms};
use crate::build::PROTECTED_LABELS;

type Texts = BTreeMap<String, String>;

/// All annotations of one object together, in bytes.
const MOST_ANNOTATIONS: usize = 256 * 1024;
/// Labels by which a Job finds its pods, which Kubernetes sets.
const JOB_LABELS: [&str; 4] = [
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-name",
    "controller-uid",
    "job-name",
];

pub(super) fn judge(spec: &LocustTestSpec, found: &mut Found) {
    let mut found = found.of(Reason::InvalidMetadata);
    for (role, own_labels, own_annotations) in [
        ("master", &spec.master.labels, &spec.master.annotations),
        ("worker", &spec.worker.labels, &spec.worker.annotations),
    ] {
        let field = format!("spec.{role}.labels");
        // What the operator replaces reaches no pod.
        let kept = own_labels.iter().flatten();
        let kept = kept.filter(|(key, _)| !PROTECTED_LABELS.contains(&key.as_str()));
        labels(&field, kept, &mut found);
        for key in own_labels.iter().flatten().map(|(key, _)| key) {
            if JOB_LABELS.contains(&key.as_str()) {
                found.add(
                    format!("{field}.{key}"),
                    "is set by Kubernetes: leave it out",
                );
            }
        }
        annotations(
            &format!("spec.{role}.annotations"),
            own_annotations.as_ref(),
            &mut found,
        );
    }
}

pub(super) fn labels<'a>(
    field: &str,
    labels: impl IntoIterator<Item = (&'a String, &'a String)>,
    found: &mut Kind<'_>,
) {
    for (key, value) in labels {
        found.check(format!("{field}.{key}"), forms::qualified_name(key));
        let said = forms::label_value(value).map(|said| format!("{value:?} {said}"));
        found.check(format!("{field}.{key}"), said);
    }
}

pub(super) fn annotations(field: &str, annotations: Option<&Texts>, found: &mut Kind<'_>) {
    let mut size = 0_usize;
    for (key, value) in annotations.into_iter().flatten() {
        size = size.saturating_add(key.len()).saturating_add(value.len());
        found.check(
            format!("{field}.{key}"),
            forms::qualified_name(&key.to_lowercase()),
        );
    }
    if size > MOST_ANNOTATIONS {
        found.add(
            field,
            format!("have {size} bytes together, and Kubernetes takes {MOST_ANNOTATIONS}"),
        );
    }
}
