//! An object on its way into memory. It is decoded, pruned and made text again
//! before the next one of its page is decoded: as values, a page of pods would
//! take megabytes, and what a burst took is not all given back.

use std::borrow::Cow;
use std::marker::PhantomData;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize};

/// Taking away what is not looked at.
pub(super) trait Prune {
    /// Keeps what is looked at.
    fn prune(&mut self);
}

/// An object, pruned, as JSON text.
#[derive(Clone, Debug)]
pub(super) struct Text<K> {
    /// No more than tells it from others, and whose it is.
    metadata: ObjectMeta,
    json: Vec<u8>,
    kind: PhantomData<fn() -> K>,
}

impl<K> Text<K> {
    /// What is kept of the object.
    pub(super) fn json(&self) -> &[u8] {
        &self.json
    }
}

impl<K> Text<K>
where
    K: Resource<DynamicType = ()> + Prune + Serialize,
{
    /// Prunes an object and makes it text.
    pub(super) fn of(mut object: K) -> serde_json::Result<Self> {
        let version = object.meta().resource_version.clone();
        object.prune();
        let json = serde_json::to_vec(&object)?;
        let metadata = std::mem::take(object.meta_mut());
        Ok(Self {
            metadata: ObjectMeta {
                owner_references: metadata.owner_references.clone(),
                resource_version: version,
                ..identity(metadata)
            },
            json,
            kind: PhantomData,
        })
    }
}

/// The object of a text. `None` cannot happen: the text was made of one.
pub(super) fn read<K: DeserializeOwned>(json: &[u8]) -> Option<K> {
    serde_json::from_slice(json)
        .inspect_err(|error| tracing::error!(%error, "a remembered object cannot be read"))
        .ok()
}

/// What tells an object from others, and a version of it from the next.
pub(super) fn identity(metadata: ObjectMeta) -> ObjectMeta {
    ObjectMeta {
        name: metadata.name,
        namespace: metadata.namespace,
        uid: metadata.uid,
        resource_version: metadata.resource_version,
        ..ObjectMeta::default()
    }
}

impl<'de, K> Deserialize<'de> for Text<K>
where
    K: Resource<DynamicType = ()> + Prune + Serialize + Deserialize<'de>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::of(K::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl<K> Resource for Text<K>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    type DynamicType = ();
    type Scope = NamespaceResourceScope;

    fn kind(dt: &()) -> Cow<'_, str> {
        K::kind(dt)
    }

    fn group(dt: &()) -> Cow<'_, str> {
        K::group(dt)
    }

    fn version(dt: &()) -> Cow<'_, str> {
        K::version(dt)
    }

    fn plural(dt: &()) -> Cow<'_, str> {
        K::plural(dt)
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}
