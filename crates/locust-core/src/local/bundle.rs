//! The ConfigMaps and Secrets that the user's files hold.

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::api::core::v1::{ConfigMap, Secret};

/// Which kind of object a reference means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `ConfigMap`.
    ConfigMap,
    /// `Secret`.
    Secret,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ConfigMap => "ConfigMap",
            Self::Secret => "Secret",
        })
    }
}

/// Keys and values of one ConfigMap or Secret.
pub type Data = BTreeMap<String, Vec<u8>>;

/// ConfigMaps and Secrets by name.
///
/// An object without a namespace counts for every test, and every object
/// counts for a test without one: `kubectl apply -n` would put them together.
#[derive(Clone, Default)]
pub struct Bundle {
    objects: BTreeMap<(Kind, String), Vec<Object>>,
}

#[derive(Clone)]
struct Object {
    namespace: Option<String>,
    data: Data,
}

/// Why an object is not there.
pub(super) enum Missing {
    /// No object of that name.
    Nowhere,
    /// There is one, in this namespace.
    Elsewhere(String),
}

impl Bundle {
    /// Adds a ConfigMap; one of the same name and namespace is replaced.
    pub fn add_config_map(&mut self, config_map: ConfigMap) {
        let mut data: Data = config_map
            .data
            .unwrap_or_default()
            .into_iter()
            .map(|(key, value)| (key, value.into_bytes()))
            .collect();
        let binary = config_map.binary_data.unwrap_or_default();
        data.extend(binary.into_iter().map(|(key, value)| (key, value.0)));
        let metadata = config_map.metadata;
        self.add(Kind::ConfigMap, metadata.name, metadata.namespace, data);
    }

    /// Adds a Secret; `stringData` wins over `data`, as in the API server.
    pub fn add_secret(&mut self, secret: Secret) {
        let mut data: Data = secret
            .data
            .unwrap_or_default()
            .into_iter()
            .map(|(key, value)| (key, value.0))
            .collect();
        let text = secret.string_data.unwrap_or_default();
        data.extend(
            text.into_iter()
                .map(|(key, value)| (key, value.into_bytes())),
        );
        let metadata = secret.metadata;
        self.add(Kind::Secret, metadata.name, metadata.namespace, data);
    }

    fn add(&mut self, kind: Kind, name: Option<String>, namespace: Option<String>, data: Data) {
        let objects = self
            .objects
            .entry((kind, name.unwrap_or_default()))
            .or_default();
        objects.retain(|object| object.namespace != namespace);
        objects.push(Object { namespace, data });
    }

    /// The object that a test in `namespace` means by `name`. One of the very
    /// namespace goes before one without.
    pub(super) fn get(&self, kind: Kind, name: &str, namespace: &str) -> Result<&Data, Missing> {
        let objects = self
            .objects
            .get(&(kind, name.to_owned()))
            .ok_or(Missing::Nowhere)?;
        let exact = objects
            .iter()
            .find(|object| object.namespace.as_deref() == Some(namespace));
        let any = objects
            .iter()
            .find(|object| namespace.is_empty() || object.namespace.is_none());
        exact.or(any).map(|object| &object.data).ok_or_else(|| {
            Missing::Elsewhere(
                objects
                    .iter()
                    .find_map(|object| object.namespace.clone())
                    .unwrap_or_default(),
            )
        })
    }

    /// Names of all objects of a kind.
    pub(super) fn names(&self, wanted: Kind) -> impl Iterator<Item = &str> {
        self.objects
            .keys()
            .filter(move |(kind, _)| *kind == wanted)
            .map(|(_, name)| name.as_str())
    }
}

/// Names only: values of Secrets are never printed.
impl fmt::Debug for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.objects.keys()).finish()
    }
}
