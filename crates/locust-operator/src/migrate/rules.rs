//! Whether there may be objects in another version than the one that is stored.

use serde::Deserialize;

/// As much of the CRD as is looked at: as values, its schemas are megabytes.
#[derive(Debug, Deserialize)]
pub(super) struct Definition {
    pub(super) metadata: Version,
    spec: Spec,
    status: Option<Status>,
}

/// Which of its versions it is.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Version {
    pub(super) resource_version: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Spec {
    conversion: Option<Conversion>,
}

#[derive(Debug, Deserialize)]
struct Conversion {
    strategy: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    stored_versions: Option<Vec<String>>,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// All is stored as v2.
    Nothing,
    /// All may be read and written again.
    Rewrite,
    /// What is stored in this version is read as v2 without being converted,
    /// and would be stored again without all that it says.
    Unreadable(String),
}

/// What is to be done where this is the CRD.
pub(super) fn next(crd: &Definition) -> Next {
    let stored = crd.status.iter().flat_map(|status| {
        let versions = status.stored_versions.iter().flatten();
        versions.filter(|version| *version != "v2")
    });
    let Some(other) = stored.into_iter().next() else {
        return Next::Nothing;
    };
    let conversion = crd.spec.conversion.as_ref();
    match conversion.is_some_and(|conversion| conversion.strategy == "Webhook") {
        true => Next::Rewrite,
        false => Next::Unreadable(other.clone()),
    }
}
