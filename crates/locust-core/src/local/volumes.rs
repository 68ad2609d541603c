//! The content of a volume: what a kubelet would write into it.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    DownwardAPIVolumeFile, KeyToPath, ProjectedVolumeSource, Volume, VolumeProjection,
};

use super::bundle::{Bundle, Data, Kind};
use super::fields::{Fields, missing_key, missing_object};
use super::layout::File;
use super::{Pod, Problem};

/// Permissions of files when a volume says nothing.
const DEFAULT_MODE: i32 = 0o644;

/// What volumes are made from.
pub(super) struct Source<'a> {
    pub(super) bundle: &'a Bundle,
    pub(super) pod: &'a Pod,
    pub(super) fields: &'a Fields<'a>,
}

/// A volume's files by path.
pub(super) struct Filled {
    pub(super) files: Vec<File>,
    /// Containers may write to it.
    pub(super) writable: bool,
}

/// A reference to a ConfigMap or a Secret as a source of files.
struct Reference<'a> {
    kind: Kind,
    name: &'a str,
    items: Option<&'a [KeyToPath]>,
    default_mode: i32,
    optional: bool,
}

impl Source<'_> {
    pub(super) fn fill(&self, volume: &Volume, problems: &mut Vec<Problem>) -> Filled {
        let field = self.fields.volume(&volume.name);
        let mut writable = false;
        let files = if let Some(source) = &volume.config_map {
            let reference = Reference {
                kind: Kind::ConfigMap,
                name: &source.name,
                items: source.items.as_deref(),
                default_mode: source.default_mode.unwrap_or(DEFAULT_MODE),
                optional: source.optional == Some(true),
            };
            self.object_files(&reference, &field, problems)
        } else if let Some(source) = &volume.secret {
            let reference = Reference {
                kind: Kind::Secret,
                name: source.secret_name.as_deref().unwrap_or_default(),
                items: source.items.as_deref(),
                default_mode: source.default_mode.unwrap_or(DEFAULT_MODE),
                optional: source.optional == Some(true),
            };
            self.object_files(&reference, &field, problems)
        } else if let Some(source) = &volume.projected {
            self.projected_files(source, &field, problems)
        } else if let Some(source) = &volume.downward_api {
            let mode = source.default_mode.unwrap_or(DEFAULT_MODE);
            let items = source.items.as_deref().unwrap_or_default();
            self.downward_files(items, mode, &field, problems)
        } else if has_no_source(volume) || volume.empty_dir.is_some() {
            // A volume that names no source is an emptyDir.
            writable = true;
            Vec::new()
        } else {
            problems.push(unsupported(volume, field));
            Vec::new()
        };
        Filled { files, writable }
    }

    fn object_files(
        &self,
        reference: &Reference<'_>,
        field: &str,
        problems: &mut Vec<Problem>,
    ) -> Vec<File> {
        let Reference {
            kind,
            name,
            items,
            default_mode,
            optional,
        } = *reference;
        let data = match self.bundle.get(kind, name, &self.pod.namespace) {
            Ok(data) => data,
            Err(_) if optional => return Vec::new(),
            Err(missing) => {
                problems.push(missing_object(field, kind, name, &missing, self.bundle));
                return Vec::new();
            }
        };
        let Some(items) = items.filter(|items| !items.is_empty()) else {
            return all_files(data, default_mode);
        };
        let mut files = Vec::new();
        for item in items {
            match data.get(&item.key) {
                Some(bytes) => files.push(File {
                    path: item.path.clone(),
                    bytes: bytes.clone(),
                    mode: mode(item.mode.unwrap_or(default_mode)),
                }),
                None if optional => {}
                None => problems.push(missing_key(field, kind, name, &item.key, data)),
            }
        }
        safe_paths(files, field, problems)
    }

    fn projected_files(
        &self,
        source: &ProjectedVolumeSource,
        field: &str,
        problems: &mut Vec<Problem>,
    ) -> Vec<File> {
        let default_mode = source.default_mode.unwrap_or(DEFAULT_MODE);
        let mut files = BTreeMap::new();
        for (index, projection) in source.sources.iter().flatten().enumerate() {
            let field = format!("{field}.projected.sources[{index}]");
            for file in self.projection_files(projection, default_mode, &field, problems) {
                files.insert(file.path.clone(), file);
            }
        }
        files.into_values().collect()
    }

    fn projection_files(
        &self,
        projection: &VolumeProjection,
        default_mode: i32,
        field: &str,
        problems: &mut Vec<Problem>,
    ) -> Vec<File> {
        if let Some(source) = &projection.config_map {
            let reference = Reference {
                kind: Kind::ConfigMap,
                name: &source.name,
                items: source.items.as_deref(),
                default_mode,
                optional: source.optional == Some(true),
            };
            return self.object_files(&reference, field, problems);
        }
        if let Some(source) = &projection.secret {
            let reference = Reference {
                kind: Kind::Secret,
                name: &source.name,
                items: source.items.as_deref(),
                default_mode,
                optional: source.optional == Some(true),
            };
            return self.object_files(&reference, field, problems);
        }
        if let Some(source) = &projection.downward_api {
            let items = source.items.as_deref().unwrap_or_default();
            return self.downward_files(items, default_mode, field, problems);
        }
        problems.push(Problem {
            field: field.to_owned(),
            message: "a token or certificate of a cluster cannot be had without one; leave this source out of the file you run".to_owned(),
        });
        Vec::new()
    }

    fn downward_files(
        &self,
        items: &[DownwardAPIVolumeFile],
        default_mode: i32,
        field: &str,
        problems: &mut Vec<Problem>,
    ) -> Vec<File> {
        let mut files = Vec::new();
        for item in items {
            let value = item
                .field_ref
                .as_ref()
                .and_then(|selector| self.pod.field(selector));
            match value {
                Some(value) => files.push(File {
                    path: item.path.clone(),
                    bytes: value.into_bytes(),
                    mode: mode(item.mode.unwrap_or(default_mode)),
                }),
                None => problems.push(Problem {
                    field: field.to_owned(),
                    message: format!(
                        "{:?} asks for something that only a cluster knows; leave it out of the file you run",
                        item.path
                    ),
                }),
            }
        }
        safe_paths(files, field, problems)
    }
}

fn all_files(data: &Data, default_mode: i32) -> Vec<File> {
    data.iter()
        .map(|(key, bytes)| File {
            path: key.clone(),
            bytes: bytes.clone(),
            mode: mode(default_mode),
        })
        .collect()
}

/// Keeps files inside of their volume: the API server refuses such paths, and
/// here they would reach the user's own files.
fn safe_paths(files: Vec<File>, field: &str, problems: &mut Vec<Problem>) -> Vec<File> {
    let (safe, unsafe_files): (Vec<File>, Vec<File>) = files.into_iter().partition(|file| {
        !file.path.is_empty()
            && !file.path.starts_with('/')
            && file.path.split('/').all(|part| part != "..")
    });
    problems.extend(unsafe_files.into_iter().map(|file| Problem {
        field: field.to_owned(),
        message: format!(
            "path {:?} must be relative and must not contain '..'",
            file.path
        ),
    }));
    safe
}

fn mode(mode: i32) -> u32 {
    u32::try_from(mode & 0o777).unwrap_or(0o644)
}

fn has_no_source(volume: &Volume) -> bool {
    *volume
        == Volume {
            name: volume.name.clone(),
            ..Volume::default()
        }
}

fn unsupported(volume: &Volume, field: String) -> Problem {
    let source = serde_json::to_value(volume)
        .ok()
        .and_then(|value| {
            let source = value
                .as_object()?
                .keys()
                .find(|key| *key != "name")?
                .clone();
            Some(source)
        })
        .unwrap_or_default();
    Problem {
        field,
        message: format!(
            "volume {:?} is a {source}, which needs a cluster; replace it with a ConfigMap, a Secret or an emptyDir in the file you run",
            volume.name
        ),
    }
}
