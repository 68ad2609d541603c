//! Writes the files of a process into its private directory, as a tree of
//! their mount paths, and says how the process gets to see them.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use locust_core::local::{Content, File, Mount, Remap};

use super::launcher::Bind;

/// Files in place.
#[derive(Clone, Debug)]
pub struct Laid {
    /// For a process with mounts of its own.
    pub binds: Vec<Bind>,
    /// For one without.
    pub remap: Remap,
}

/// Writes the content of `mounts` below `directory`.
pub fn lay_out(directory: &Path, mounts: &[Mount]) -> io::Result<Laid> {
    for mount in mounts {
        let place = below(directory, &mount.path);
        match &mount.content {
            Content::Directory(files) => {
                fs::create_dir_all(&place)?;
                for file in files {
                    write(&place.join(&file.path), file)?;
                }
            }
            Content::File(file) => write(&place, file)?,
        }
    }
    let binds = mounts
        .iter()
        .filter(|mount| !mounts.iter().any(|other| contains(other, mount)))
        .map(|mount| Bind {
            source: below(directory, &mount.path),
            target: PathBuf::from(&mount.path),
            // One mount holds those inside of it.
            writable: mount.writable
                || mounts
                    .iter()
                    .any(|other| contains(mount, other) && other.writable),
        });
    let paths = mounts.iter().map(|mount| {
        let place = below(directory, &mount.path);
        (mount.path.clone(), place.to_string_lossy().into_owned())
    });
    Ok(Laid {
        binds: binds.collect(),
        remap: Remap::new(paths),
    })
}

fn below(directory: &Path, mount_path: &str) -> PathBuf {
    directory.join(mount_path.trim_start_matches('/'))
}

fn contains(outer: &Mount, inner: &Mount) -> bool {
    inner.path != outer.path && Path::new(&inner.path).starts_with(&outer.path)
}

fn write(path: &Path, file: &File) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, &file.bytes)?;
    fs::set_permissions(path, Permissions::from_mode(file.mode))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(path: &str, writable: bool, files: &[&str]) -> Mount {
        let file = |path: &&str| File {
            path: (*path).to_owned(),
            bytes: path.as_bytes().to_vec(),
            mode: 0o440,
        };
        Mount {
            path: path.to_owned(),
            content: Content::Directory(files.iter().map(file).collect()),
            writable,
        }
    }

    #[test]
    fn a_mount_inside_of_another_is_part_of_it() {
        let directory = tempfile::tempdir().unwrap();
        let mounts = [
            mount("/lotest/src", false, &["a.py", "sub/b.py"]),
            mount("/lotest/src/data", true, &[]),
            mount("/lotest/src2", false, &["c"]),
        ];
        let laid = lay_out(directory.path(), &mounts).unwrap();
        let bind = |target: &str, writable| Bind {
            source: directory.path().join(target.trim_start_matches('/')),
            target: target.into(),
            writable,
        };
        assert_eq!(
            laid.binds,
            [bind("/lotest/src", true), bind("/lotest/src2", false)]
        );
        let file = directory.path().join("lotest/src/sub/b.py");
        assert_eq!(fs::read(&file).unwrap(), b"sub/b.py");
        assert_eq!(
            fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o440
        );
        assert!(directory.path().join("lotest/src/data").is_dir());
        let mapped = laid.remap.apply("-f=/lotest/src/a.py");
        assert_eq!(
            mapped,
            format!("-f={}/lotest/src/a.py", directory.path().display())
        );
    }
}
