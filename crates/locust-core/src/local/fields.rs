//! Which field of the LocustTest asked for something, so that a problem can be
//! shown where its cause stands.

use locust_api::latest::{LocustTest, LocustTestSpec};
use locust_api::names::{LIB_VOLUME, Role, SECRET_VOLUME_PREFIX, role_name};

use super::Problem;
use super::bundle::{Bundle, Data, Kind, Missing};

pub(crate) struct Fields<'a> {
    spec: &'a LocustTestSpec,
    src_volume: String,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(test: &'a LocustTest, role: Role) -> Self {
        Self {
            spec: &test.spec,
            src_volume: role_name(test.metadata.name.as_deref().unwrap_or_default(), role),
        }
    }

    /// The `index`-th `envFrom` entry: ConfigMaps stand before Secrets.
    pub(super) fn env_from(&self, kind: Kind, index: usize) -> String {
        let config_maps = self
            .spec
            .env
            .as_ref()
            .and_then(|env| env.config_map_refs.as_ref())
            .map_or(0, Vec::len);
        match kind {
            Kind::ConfigMap => format!("spec.env.configMapRefs[{index}].name"),
            Kind::Secret => format!(
                "spec.env.secretRefs[{}].name",
                index.saturating_sub(config_maps)
            ),
        }
    }

    pub(super) fn variable(&self, name: &str) -> String {
        let variables = self
            .spec
            .env
            .as_ref()
            .and_then(|env| env.variables.as_ref());
        let index = variables
            .into_iter()
            .flatten()
            .rposition_of(|variable| variable.name == name);
        format!("spec.env.variables{}.valueFrom", subscript(index))
    }

    /// The field that names the content of a volume. The user's own come
    /// first: they may have a name that the operator uses elsewhere.
    pub(crate) fn volume(&self, name: &str) -> String {
        let own = self
            .spec
            .volumes
            .iter()
            .flatten()
            .rposition_of(|volume| volume.name == name);
        if let Some(index) = own {
            return format!("spec.volumes[{index}]");
        }
        if name == self.src_volume {
            return "spec.testFiles.configMapRef".to_owned();
        }
        if name == LIB_VOLUME {
            return "spec.testFiles.libConfigMapRef".to_owned();
        }
        match self.secret_mount(name) {
            Some(index) => format!("spec.env.secretMounts[{index}].name"),
            None => "spec.volumes".to_owned(),
        }
    }

    /// The field that says where a volume is mounted.
    pub(crate) fn mount(&self, volume: &str, path: &str) -> String {
        let own = self
            .spec
            .volume_mounts
            .iter()
            .flatten()
            .rposition_of(|entry| entry.mount.name == volume && entry.mount.mount_path == path);
        if let Some(index) = own {
            return format!("spec.volumeMounts[{index}]");
        }
        if volume == self.src_volume {
            return "spec.testFiles.srcMountPath".to_owned();
        }
        if volume == LIB_VOLUME {
            return "spec.testFiles.libMountPath".to_owned();
        }
        match self.secret_mount(volume) {
            Some(index) => format!("spec.env.secretMounts[{index}].mountPath"),
            None => "spec.volumeMounts".to_owned(),
        }
    }

    fn secret_mount(&self, volume: &str) -> Option<usize> {
        let secret = volume.strip_prefix(SECRET_VOLUME_PREFIX)?;
        self.spec
            .env
            .as_ref()?
            .secret_mounts
            .as_ref()?
            .iter()
            .position(|mount| mount.name == secret)
    }
}

fn subscript(index: Option<usize>) -> String {
    index.map(|index| format!("[{index}]")).unwrap_or_default()
}

/// The last position that fits, for iterators without a known end.
trait LastPosition: Iterator + Sized {
    fn rposition_of(self, fits: impl Fn(&Self::Item) -> bool) -> Option<usize> {
        self.enumerate()
            .filter(|(_, item)| fits(item))
            .map(|(index, _)| index)
            .last()
    }
}

impl<I: Iterator> LastPosition for I {}

pub(super) fn missing_object(
    field: &str,
    kind: Kind,
    name: &str,
    missing: &Missing,
    bundle: &Bundle,
) -> Problem {
    let message = match missing {
        Missing::Elsewhere(namespace) => format!(
            "{kind} {name:?} is in namespace {namespace:?} and the LocustTest is not; put both into the same namespace"
        ),
        Missing::Nowhere => {
            let known = quoted(bundle.names(kind));
            let known = if known.is_empty() {
                format!("they hold no {kind}")
            } else {
                format!("they hold {known}")
            };
            format!(
                "{kind} {name:?} is not in the given files ({known}); name the file that has it as well"
            )
        }
    };
    Problem {
        field: field.to_owned(),
        message,
    }
}

pub(super) fn missing_key(field: &str, kind: Kind, name: &str, key: &str, data: &Data) -> Problem {
    let known = quoted(data.keys().map(String::as_str));
    let known = if known.is_empty() {
        "none".to_owned()
    } else {
        known
    };
    Problem {
        field: field.to_owned(),
        message: format!("{kind} {name:?} has no key {key:?}; its keys: {known}"),
    }
}

/// A few names for a message; the rest is counted.
fn quoted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    const SHOWN: usize = 8;
    let names: Vec<&str> = names.collect();
    let mut text = names
        .iter()
        .take(SHOWN)
        .map(|name| format!("{name:?}"))
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > SHOWN {
        text.push_str(&format!(" and {} more", names.len().saturating_sub(SHOWN)));
    }
    text
}
