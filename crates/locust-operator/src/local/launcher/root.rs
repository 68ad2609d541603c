//! The file system that a process sees: the machine's own, with files put in
//! at paths that need not exist on the machine. Nothing is written to the
//! machine's file systems.
//!
//! A new root is built in memory and every entry of the machine's root is bound
//! into it. Where a path has to be added inside of a directory, that directory
//! is mirrored in the same way.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::statvfs::{FsFlags, statvfs};
use nix::unistd::{chdir, pivot_root};

use super::Bind;
use super::exec::ExecError;

/// A directory with more entries is not mirrored: each is a mount.
const MOST_ENTRIES: usize = 1000;

const NO_SOURCE: Option<&str> = None;

/// Which processes `/proc` shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proc {
    /// Those of this PID namespace.
    Own,
    /// Those of the machine.
    OfTheMachine,
}

/// Makes the root of this process the machine's with `binds` in it. `scratch`
/// is an empty directory.
pub(super) fn enter(scratch: &Path, binds: &[Bind], proc: Proc) -> Result<(), ExecError> {
    mount(
        NO_SOURCE,
        "/",
        NO_SOURCE,
        MsFlags::MS_REC | MsFlags::MS_PRIVATE,
        NO_SOURCE,
    )
    .map_err(ExecError::nix("keep mounts private"))?;
    mount(
        Some("locust-operator"),
        scratch,
        Some("tmpfs"),
        MsFlags::empty(),
        Some("mode=755"),
    )
    .map_err(ExecError::nix("mount a root in memory"))?;
    // Else binding the directory that `scratch` is in would bind it again.
    mount(
        NO_SOURCE,
        scratch,
        NO_SOURCE,
        MsFlags::MS_UNBINDABLE,
        NO_SOURCE,
    )
    .map_err(ExecError::nix("keep the root in memory apart"))?;
    let targets = binds
        .iter()
        .map(|bind| Target::find(&bind.target).map(|target| (target, bind)))
        .collect::<Result<Vec<_>, _>>()?;
    let root = Root {
        at: scratch,
        proc,
        mirrored: mirrored(targets.iter().map(|(target, _)| target)),
    };
    for directory in &root.mirrored {
        root.mirror(directory)?;
    }
    for (target, bind) in &targets {
        root.bind(target, bind)?;
    }
    pivot(scratch)
}

/// A path, cut where the machine's file system ends.
struct Target {
    /// What the machine has of it, without symbolic links.
    existing: PathBuf,
    /// What has to be added.
    added: PathBuf,
}

impl Target {
    fn find(path: &Path) -> Result<Self, ExecError> {
        for ancestor in path.ancestors() {
            match fs::canonicalize(ancestor) {
                Ok(existing) => {
                    let added = path.strip_prefix(ancestor).unwrap_or(Path::new(""));
                    return Ok(Self {
                        existing,
                        added: added.to_owned(),
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    return Err(ExecError::new(format_args!("look at {ancestor:?}"))(error));
                }
            }
        }
        Ok(Self {
            existing: PathBuf::from("/"),
            added: path.strip_prefix("/").unwrap_or(path).to_owned(),
        })
    }

    fn path(&self) -> PathBuf {
        if self.added.as_os_str().is_empty() {
            self.existing.clone()
        } else {
            self.existing.join(&self.added)
        }
    }
}

/// Directories that get something added, and all above them, which therefore
/// cannot be bound as a whole. Parents come first.
fn mirrored<'a>(targets: impl Iterator<Item = &'a Target>) -> BTreeSet<PathBuf> {
    let mut directories = BTreeSet::from([PathBuf::from("/")]);
    for target in targets.filter(|target| !target.added.as_os_str().is_empty()) {
        directories.extend(target.existing.ancestors().map(Path::to_owned));
    }
    directories
}

struct Root<'a> {
    at: &'a Path,
    proc: Proc,
    mirrored: BTreeSet<PathBuf>,
}

impl Root<'_> {
    /// Where `path` of the machine is while the root is being built.
    fn inside(&self, path: &Path) -> PathBuf {
        self.at.join(path.strip_prefix("/").unwrap_or(path))
    }

    fn mirror(&self, directory: &Path) -> Result<(), ExecError> {
        let doing = || format!("mirror {directory:?}");
        let entries = fs::read_dir(directory).map_err(ExecError::new(doing()))?;
        for (count, entry) in entries.enumerate() {
            let entry = entry.map_err(ExecError::new(doing()))?;
            if count >= MOST_ENTRIES {
                let many = io::Error::other(format!("it has more than {MOST_ENTRIES} entries"));
                return Err(ExecError::new(doing())(many));
            }
            self.mirror_entry(&entry.path())
                .map_err(ExecError::new(format_args!("mirror {:?}", entry.path())))?;
        }
        Ok(())
    }

    /// An entry that may not be bound stays an empty file or directory: it is
    /// something that this person could not read anyway.
    fn mirror_entry(&self, path: &Path) -> io::Result<()> {
        let inside = self.inside(path);
        let metadata = fs::symlink_metadata(path)?;
        if metadata.is_symlink() {
            return symlink(fs::read_link(path)?, inside);
        }
        if metadata.is_dir() {
            let mode = metadata.permissions().mode() & 0o7777;
            DirBuilder::new().mode(0o755).create(&inside)?;
            fs::set_permissions(&inside, fs::Permissions::from_mode(mode | 0o700))?;
        } else {
            File::create(&inside)?;
        }
        if self.mirrored.contains(path) {
            return Ok(());
        }
        if path == Path::new("/proc") && self.proc == Proc::Own {
            let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
            mount(Some("proc"), &inside, Some("proc"), flags, NO_SOURCE)?;
            return Ok(());
        }
        let flags = MsFlags::MS_BIND | MsFlags::MS_REC;
        let _ = mount(Some(path), &inside, NO_SOURCE, flags, NO_SOURCE);
        Ok(())
    }

    fn bind(&self, target: &Target, bind: &Bind) -> Result<(), ExecError> {
        let inside = self.inside(&target.path());
        let doing = || format!("mount at {:?}", bind.target);
        let is_dir = bind.source.is_dir();
        if !inside.exists() {
            let parent = if is_dir {
                Some(inside.as_path())
            } else {
                inside.parent()
            };
            fs::create_dir_all(parent.unwrap_or(&inside)).map_err(ExecError::new(doing()))?;
            if !is_dir {
                File::create(&inside).map_err(ExecError::new(doing()))?;
            }
        }
        let flags = MsFlags::MS_BIND | MsFlags::MS_REC;
        mount(Some(&bind.source), &inside, NO_SOURCE, flags, NO_SOURCE)
            .map_err(ExecError::nix(doing()))?;
        if bind.writable {
            return Ok(());
        }
        // Flags that the machine set must be repeated, else it is refused.
        let flags = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY;
        let flags = flags | kept_flags(&inside).map_err(ExecError::nix(doing()))?;
        mount(NO_SOURCE, &inside, NO_SOURCE, flags, NO_SOURCE).map_err(ExecError::nix(doing()))
    }
}

fn kept_flags(path: &Path) -> nix::Result<MsFlags> {
    let set = statvfs(path)?.flags();
    let pairs = [
        (FsFlags::ST_NOSUID, MsFlags::MS_NOSUID),
        (FsFlags::ST_NODEV, MsFlags::MS_NODEV),
        (FsFlags::ST_NOEXEC, MsFlags::MS_NOEXEC),
        (FsFlags::ST_NOATIME, MsFlags::MS_NOATIME),
        (FsFlags::ST_NODIRATIME, MsFlags::MS_NODIRATIME),
        (FsFlags::ST_RELATIME, MsFlags::MS_RELATIME),
    ];
    Ok(pairs
        .into_iter()
        .filter(|(of_fs, _)| set.contains(*of_fs))
        .map(|(_, of_mount)| of_mount)
        .collect())
}

/// Swaps the root and lets the old one go. A `chroot` would not do: the kernel
/// allows no user namespace below one.
fn pivot(root: &Path) -> Result<(), ExecError> {
    let swap = || {
        chdir(root)?;
        pivot_root(".", ".")?;
        umount2(".", MntFlags::MNT_DETACH)?;
        chdir("/")
    };
    swap().map_err(ExecError::nix("change the root"))
}
