//! Whether there may be objects in another version than the one that is stored.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;

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
pub(super) fn next(crd: &CustomResourceDefinition) -> Next {
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
