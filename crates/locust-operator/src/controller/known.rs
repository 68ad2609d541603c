//! A LocustTest as it is remembered: as packed JSON text, which is a fraction
//! of the value. Nearly all tests are finished, and are hardly ever looked at.

use std::borrow::Cow;
use std::sync::Arc;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::core::DeserializeGuard;
use kube::core::error_boundary::InvalidObject;
use locust_api::latest::{LocustTest, Phase};
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::packed::{Packed, Packer};
use super::text::{Prune, identity};

/// Packs all tests. kube's store holds them, so it has no other place.
static PACKER: Packer = Packer::new();

/// A LocustTest, or what is left of one that cannot be decoded.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// No more than tells it from others.
    metadata: ObjectMeta,
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    Test(Packed),
    /// Why it cannot be decoded.
    Undecodable(Arc<str>),
}

/// As much of a test as says where it stands.
#[derive(Deserialize)]
struct Standing {
    status: Option<Status>,
}

#[derive(Deserialize)]
struct Status {
    phase: Option<Phase>,
}

impl Known {
    /// Where the test stands, if it was ever said.
    pub(super) fn phase(&self) -> Option<Phase> {
        let Content::Test(packed) = &self.content else {
            return None;
        };
        let json = PACKER.unpack(packed).unwrap_or_default();
        let Standing { status } = serde_json::from_slice(&json).ok()?;
        status?.phase
    }

    /// The test, or why it cannot be decoded.
    pub(super) fn test(&self) -> Result<LocustTest, String> {
        match &self.content {
            Content::Test(packed) => {
                let json = PACKER.unpack(packed).unwrap_or_default();
                serde_json::from_slice(&json).map_err(|error| error.to_string())
            }
            Content::Undecodable(why) => Err(why.as_ref().to_owned()),
        }
    }
}

impl<'de> Deserialize<'de> for Known {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match DeserializeGuard::<LocustTest>::deserialize(deserializer)?.0 {
            Ok(mut test) => {
                test.prune();
                let json = serde_json::to_vec(&test).map_err(D::Error::custom)?;
                Ok(Self {
                    metadata: identity(test.metadata),
                    content: Content::Test(PACKER.pack(&json)),
                })
            }
            Err(InvalidObject { error, metadata }) => Ok(Self {
                metadata: identity(metadata),
                content: Content::Undecodable(error.into()),
            }),
        }
    }
}

impl Resource for Known {
    type DynamicType = ();
    type Scope = NamespaceResourceScope;

    fn kind(dt: &()) -> Cow<'_, str> {
        LocustTest::kind(dt)
    }

    fn group(dt: &()) -> Cow<'_, str> {
        LocustTest::group(dt)
    }

    fn version(dt: &()) -> Cow<'_, str> {
        LocustTest::version(dt)
    }

    fn plural(dt: &()) -> Cow<'_, str> {
        LocustTest::plural(dt)
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}
