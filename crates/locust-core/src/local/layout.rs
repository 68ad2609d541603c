//! Which files a process finds at which path.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::VolumeMount;

use super::Problem;
use super::expand::expand;
use super::volumes::{Filled, Source};
use crate::processes::ProcessSpec;

/// Paths that belong to the machine and that a process cannot do without.
const OF_THE_MACHINE: [&str; 3] = ["/proc", "/sys", "/dev"];

/// A file of a volume.
///
/// No `Debug`: it may hold a Secret's value.
#[derive(Clone, PartialEq, Eq)]
pub struct File {
    /// Path below the volume's root, never leading out of it.
    pub path: String,
    /// Content.
    pub bytes: Vec<u8>,
    /// Permissions, for example `0o644`.
    pub mode: u32,
}

/// What is mounted.
#[derive(Clone, PartialEq, Eq)]
pub enum Content {
    /// A directory with these files.
    Directory(Vec<File>),
    /// One file, by a `subPath`; its own `path` says nothing.
    File(File),
}

/// A volume at its place.
#[derive(Clone, PartialEq, Eq)]
pub struct Mount {
    /// Absolute path, without `.`, `..` and empty parts.
    pub path: String,
    /// What is found there.
    pub content: Content,
    /// Whether the process may write there.
    pub writable: bool,
}

pub(super) fn layout(
    process: &ProcessSpec,
    env: &BTreeMap<String, String>,
    source: &Source<'_>,
    problems: &mut Vec<Problem>,
) -> Vec<Mount> {
    let mut mounts: BTreeMap<String, Mount> = BTreeMap::new();
    for mount in &process.mounts {
        let field = source.fields.mount(&mount.name, &mount.mount_path);
        let refuse = |message: String| Problem {
            field: field.clone(),
            message,
        };
        let Some(volume) = process
            .volumes
            .iter()
            .find(|volume| volume.name == mount.name)
        else {
            problems.push(refuse(format!(
                "there is no volume {:?} in spec.volumes",
                mount.name
            )));
            continue;
        };
        let path = match mount_path(&mount.mount_path) {
            Ok(path) => path,
            Err(message) => {
                problems.push(refuse(message));
                continue;
            }
        };
        let filled = source.fill(volume, problems);
        let writable = filled.writable && mount.read_only != Some(true);
        match content(mount, filled, env) {
            Ok(content) => {
                let mount = Mount {
                    path: path.clone(),
                    content,
                    writable,
                };
                if mounts.insert(path, mount).is_some() {
                    problems.push(refuse(
                        "another volume is mounted at the same path".to_owned(),
                    ));
                }
            }
            Err(message) => problems.push(refuse(message)),
        }
    }
    mounts.into_values().collect()
}

/// The path without what does not matter; a kubelet reads a relative one from
/// the root.
fn mount_path(path: &str) -> Result<String, String> {
    let parts: Vec<&str> = path
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
        .collect();
    if parts.contains(&"..") {
        return Err(format!("path {path:?} must not contain '..'"));
    }
    let clean = format!("/{}", parts.join("/"));
    let machine = OF_THE_MACHINE.iter().any(|own| {
        clean == *own
            || clean
                .strip_prefix(own)
                .is_some_and(|rest| rest.starts_with('/'))
    });
    if clean == "/" || machine {
        return Err(format!(
            "nothing can be mounted at {clean:?} of this machine"
        ));
    }
    Ok(clean)
}

fn content(
    mount: &VolumeMount,
    filled: Filled,
    env: &BTreeMap<String, String>,
) -> Result<Content, String> {
    let sub_path = match (&mount.sub_path, &mount.sub_path_expr) {
        (Some(sub_path), _) if !sub_path.is_empty() => sub_path.clone(),
        (_, Some(expression)) if !expression.is_empty() => expand(expression, env),
        _ => return Ok(Content::Directory(filled.files)),
    };
    let sub_path = sub_path.trim_end_matches('/');
    if sub_path.starts_with('/') || sub_path.split('/').any(|part| part == "..") {
        return Err(format!(
            "subPath {sub_path:?} must be relative and must not contain '..'"
        ));
    }
    if let Some(file) = filled.files.iter().find(|file| file.path == sub_path) {
        return Ok(Content::File(file.clone()));
    }
    let below: Vec<File> = filled
        .files
        .into_iter()
        .filter_map(|file| {
            let path = file
                .path
                .strip_prefix(sub_path)?
                .strip_prefix('/')?
                .to_owned();
            Some(File { path, ..file })
        })
        .collect();
    if below.is_empty() && !filled.writable {
        return Err(format!(
            "subPath {sub_path:?} is not in volume {:?}",
            mount.name
        ));
    }
    Ok(Content::Directory(below))
}
